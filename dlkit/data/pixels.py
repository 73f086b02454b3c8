"""One image file's bytes to pixels: what it may be, and what is done to make it uniform."""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from dlkit.data.forms import Fit
    from dlkit.data.samples import Pixels

# Pillow reads many more, some through programs of their own; these are what data sets hold.
FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES: Final = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
    ]
)
MOST_PIXELS: Final = 1 << 26  # 8192 x 8192: 200 MB as RGB; more is taken for a bomb
_HUGE: Final = 1 << 24  # pixels
_one_at_a_time: Final = threading.Lock()
_GREY: Final = frozenset(("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I"))
_DEEP: Final = frozenset(("I;16", "I;16B", "I;16L", "I;16N", "I"))
_ORIENTATION: Final = 0x0112  # EXIF tag


class BadImageError(Exception):
    """An image that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an image is to become.

    Attributes:
        size: height and width; None: as it is.
        channels: 1 or 3; None: 1 if the image is grey, else 3.
        fit: how another size is made to fit.

    """

    size: tuple[int, int] | None
    channels: int | None
    fit: Fit


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image's pixels (H, W, C), the size that it had, and what was done on the way."""

    pixels: Pixels
    size: tuple[int, int]
    done: tuple[str, ...]


def prepare() -> None:
    """Set Pillow's limits; once before decoding, in the main thread."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.filterwarnings("ignore", module=r"PIL\.")  # on odd metadata; pixels are checked here
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def decode(content: bytes, wanted: Wanted) -> Decoded:
    """The pixels of an image file.

    Args:
        content: the file.
        wanted: what it is to become.

    Raises:
        BadImageError: empty, no image, of an unknown format, too large, damaged, cut off, or
            several images in one file.

    """
    image = _opened(content)
    try:
        # Threads decode small images side by side, and huge ones one after the other.
        with _one_at_a_time if image.width * image.height > _HUGE else nullcontext():
            return _converted(image, wanted)
    except BadImageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders let through errors of many kinds
        raise BadImageError(f"damaged: {_reason(error)}") from error


def _opened(content: bytes) -> Any:
    """The image behind ``content``, its header read and believable."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise BadImageError("empty")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BadImageError(f"no image ({_guess(content)})") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImageError(f"more than {MOST_PIXELS:,} pixels") from error
    except Exception as error:  # as above: a damaged header
        raise BadImageError(f"damaged: {_reason(error)}") from error
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise BadImageError(f"{width}x{height}: more than {MOST_PIXELS:,} pixels")
    if width < 1 or height < 1:
        raise BadImageError(f"{width}x{height}: no pixels")
    return image


def _converted(image: Any, wanted: Wanted) -> Decoded:
    frames = 1 if image.format in ("MPO", "PNG", "JPEG", "BMP", "PPM") else image.n_frames
    if image.format == "PNG":
        frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise BadImageError(f"{frames:,} images in one file")
    done: list[str] = []
    if image.format == "MPO":  # a camera's JPEG with previews, or with a second view
        done.append("with others behind them (MPO): the first is taken")
    if wanted.size is not None and image.format == "JPEG":
        # Eighths, quarters or halves come cheaper; twice the size leaves the resizing its work.
        side = 2 * max(wanted.size)
        seen = image.size
        image.draft(None, (side, side))
    else:
        seen = image.size
    image.load()
    turned = _turned(image)
    if turned != 1:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
        done.append("turned as their EXIF orientation says")
    size = (seen[0], seen[1]) if turned in (5, 6, 7, 8) else (seen[1], seen[0])
    mode = image.mode
    grey = mode in _GREY or (mode == "P" and _grey_palette(image))
    image, how = _plain(image, grey=grey)
    done += how
    channels = wanted.channels or (1 if grey else 3)
    if (channels == 1) != (image.mode == "L"):
        done.append("made grey" if channels == 1 else "of grey made colour")
        image = image.convert("L" if channels == 1 else "RGB")
    if wanted.size is not None and size != wanted.size:
        image = fitted(image, wanted.size, wanted.fit)
        done.append("resized")
    pixels = np.asarray(image, np.uint8)
    return Decoded(pixels[..., None] if pixels.ndim == 2 else pixels, size, tuple(done))


def _plain(image: Any, *, grey: bool) -> tuple[Any, list[str]]:
    """The image as L or RGB, and what that took."""
    from PIL import Image

    mode = image.mode
    done: list[str] = []
    if mode in ("L", "RGB"):
        if "transparency" not in image.info:
            return image, done
    elif mode in _DEEP:
        deep = np.asarray(image)
        low, high = (int(deep.min()), int(deep.max())) if deep.size else (0, 0)
        if low < 0 or high > 65_535:
            raise BadImageError(f"values from {low:,} to {high:,}: more than 16 bits a pixel")
        return Image.fromarray((deep >> 8).astype(np.uint8)), ["of 16 bits a channel cut to 8"]
    elif mode == "F":
        raise BadImageError("pixels are real numbers, whose range is not known")
    elif mode not in ("P", "1"):
        done.append(f"of mode {mode} made {'grey' if grey else 'RGB'}")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        below = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(below, image)
        done = ["transparent ones laid on white"]
    return image.convert("L" if grey else "RGB"), done


def _grey_palette(image: Any) -> bool:
    """Whether all colours of a palette are grey."""
    palette = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    used = palette[: int(np.asarray(image).max()) + 1]
    return bool((used == used[:, :1]).all())


def fitted(image: Any, size: tuple[int, int], fit: Fit) -> Any:
    """A Pillow image of another size, averaged over the pixels that fall together (bilinear).

    Args:
        image: L or RGB.
        size: height and width.
        fit: crop, stretch or pad; see ``ImageForm``.

    """
    from PIL import Image

    height, width = size
    if fit == "stretch":
        return image.resize((width, height), Image.Resampling.BILINEAR)
    across, down = image.width / width, image.height / height
    if fit == "crop":
        scale = min(across, down)
        left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
        box = (left, top, left + scale * width, top + scale * height)
        return image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    scale = max(across, down)
    inner = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    whole = Image.new(image.mode, (width, height))
    small = image.resize(inner, Image.Resampling.BILINEAR)
    whole.paste(small, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


def remade(images: Pixels, wanted: Wanted) -> Pixels:
    """Images that are there already, in another size or colour.

    Args:
        images: (N, H, W, C).
        wanted: as for ``decode``.

    """
    from PIL import Image

    size = wanted.size or images.shape[1:3]
    channels = wanted.channels or images.shape[3]
    if (*size, channels) == images.shape[1:]:
        return images
    made = np.empty((len(images), *size, channels), np.uint8)
    for place, pixels in enumerate(images):
        image = Image.fromarray(pixels[..., 0] if images.shape[3] == 1 else pixels)
        image = image.convert("L" if channels == 1 else "RGB")
        made[place] = np.asarray(fitted(image, size, wanted.fit)).reshape(made.shape[1:])
    return made


def _turned(image: Any) -> int:
    """The EXIF orientation, 1 where there is none or it makes no sense."""
    if "exif" not in image.info and image.format != "TIFF":
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


_SIGNS: Final = {
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"SIMPLE": "FITS",
    b"8BPS": "PSD",
    b"%PDF": "PDF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"\x00\x00\x01\x00": "an icon",
    b"version https://git-lfs": "a git LFS pointer: the file itself was not fetched",
}


def _guess(content: bytes) -> str:
    head = content[:64].lstrip()
    for sign, name in _SIGNS.items():
        if head.startswith(sign):
            return name
    if b"ftyp" in content[4:12]:
        return "HEIF, AVIF or a film"
    return "not PNG, JPEG, BMP, GIF, WebP, TIFF or PPM"


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
