"""One image file's bytes to pixels: what it may be, and what is done to make it uniform."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.image_signs import guess
from dlkit.data.resizing import Wanted, fitted
from dlkit.data.samples import digest_of, pixels_digest

if TYPE_CHECKING:
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
_GREY: Final = frozenset(("1", "L", "LA", "La"))
_DEEP: Final = frozenset(("I;16", "I;16B", "I;16L", "I;16N", "I"))
_MADE_COLOUR: Final = "made colour from grey"
_ORIENTATION: Final = 0x0112  # EXIF tag
_BITS: Final = 0x0102  # TIFF tag: bits of a sample


class BadImageError(Exception):
    """An image that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image as it was read.

    Attributes:
        pixels: (H, W, C): bytes, or of a deep image uint16.
        size: the height and width that it had.
        done: what was done on the way.
        bits: that its values need: 8, or of a deep image what its file declares or, where that is
            only room, what its largest value has.
        digest: of the content as the file has it, before it is made another size or colour: of
            a JPEG its bytes, since a smaller size is decoded at once, else of the pixels.

    """

    pixels: Pixels | npt.NDArray[np.uint16]
    size: tuple[int, int]
    done: tuple[str, ...]
    bits: int = 8
    digest: bytes = b""


@contextmanager
def limits() -> Iterator[None]:
    """Pillow's limits and its warnings as decoding needs them; entered in the main thread."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # odd metadata; sizes are checked here
        Image.MAX_IMAGE_PIXELS = MOST_PIXELS
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def decode(content: bytes, wanted: Wanted) -> Decoded:
    """The pixels of an image file.

    Args:
        content: the file.
        wanted: what it is to become.

    Raises:
        BadImageError: empty, no image, of an unknown format, too large, damaged, cut off, or
            several images in one file.

    """
    image = opened(content)
    try:
        # Threads decode small images side by side, and huge ones one after the other.
        with _one_at_a_time if image.width * image.height > _HUGE else nullcontext():
            found = _converted(image, wanted)
            return found if found.digest else replace(found, digest=digest_of(content))
    except BadImageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders let through errors of many kinds
        raise BadImageError(f"damaged: {reason(error)}") from error


def opened(content: bytes) -> Any:
    """The Pillow image behind ``content``, its header read and believable, its pixels not yet.

    Raises:
        BadImageError: empty, no image, of an unknown format, too large, a damaged header.

    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise BadImageError("empty")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BadImageError(f"no image ({guess(content)})") from error
    except Image.DecompressionBombError as error:
        raise BadImageError(f"more than {MOST_PIXELS:,} pixels") from error
    except Exception as error:  # as above: a damaged header
        raise BadImageError(f"damaged: {reason(error)}") from error
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
        done.append("with others in the file (MPO): the first is taken")
    if wanted.size is not None and image.format == "JPEG":
        # Eighths, quarters or halves come cheaper; twice the size leaves the resizing its work.
        side = 2 * max(wanted.size)
        seen = image.size
        image.draft(None, (side, side))
    else:
        seen = image.size
    image.load()
    declared = int(image.tag_v2.get(_BITS, (16,))[0]) if image.format == "TIFF" else 16
    turned = orientation(image)
    if turned != 1:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
        done.append("turned by EXIF orientation")
    size = (seen[0], seen[1]) if turned in (5, 6, 7, 8) else (seen[1], seen[0])
    mode = image.mode
    if mode in _DEEP:
        return _deep(image, size, wanted, done, declared)
    grey = mode in _GREY or (mode == "P" and _grey_palette(image))
    jpeg = image.format == "JPEG"
    image, how = _plain(image, grey=grey)
    done += how
    digest = b"" if jpeg else pixels_digest(np.asarray(image, np.uint8))
    channels = wanted.channels or (1 if grey else 3)
    if (channels == 1) != (image.mode == "L"):
        done.append("made grey" if channels == 1 else _MADE_COLOUR)
        image = image.convert("L" if channels == 1 else "RGB")
    if wanted.size is not None and size != wanted.size:
        image = fitted(image, wanted.size, wanted.fit)
        done.append("resized")
    pixels = np.asarray(image, np.uint8)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return Decoded(pixels, size, tuple(done), digest=digest)


def _deep(
    image: Any, size: tuple[int, int], wanted: Wanted, done: list[str], declared: int
) -> Decoded:
    """An image of more than 8 bits, which all are cut to 8 alike: it keeps them here."""
    from PIL import Image

    deep = np.asarray(image)
    low, high = (int(deep.min()), int(deep.max())) if deep.size else (0, 0)
    if low < 0 or high > 65_535:
        raise BadImageError(f"values from {low:,} to {high:,}: more than 16 bits a pixel")
    bits = max(high.bit_length(), declared if 8 < declared < 16 else 0)
    digest = pixels_digest(deep.astype("<u2"))
    if wanted.size is not None and size != wanted.size:
        # Pillow resizes real numbers, and 24 bits of them hold all of these.
        real = fitted(Image.fromarray(deep.astype(np.float32)), wanted.size, wanted.fit)
        deep = np.rint(np.asarray(real))
        done.append("resized")
    pixels = deep.astype(np.uint16)[..., None]
    if wanted.channels == 3:
        pixels = np.repeat(pixels, 3, axis=2)
        done.append(_MADE_COLOUR)
    return Decoded(pixels, size, tuple(done), bits, digest)


def _plain(image: Any, *, grey: bool) -> tuple[Any, list[str]]:
    """The image as L or RGB, and what that took."""
    from PIL import Image

    mode = image.mode
    done: list[str] = []
    if mode in ("L", "RGB"):
        if "transparency" not in image.info:
            return image, done
    elif mode == "F":
        raise BadImageError("pixels are real numbers, whose range is not known")
    elif mode not in ("P", "1"):
        done.append(f"of mode {mode} made {'grey' if grey else 'RGB'}")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] == 255:  # nothing shines through
            return image.convert("L" if grey else "RGB"), done
        below = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(below, image)
        done = ["with transparency laid on white"]
    return image.convert("L" if grey else "RGB"), done


def _grey_palette(image: Any) -> bool:
    """Whether all colours of a palette are grey."""
    palette = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    used = palette[: int(np.asarray(image).max()) + 1]
    return bool((used == used[:, :1]).all())


def orientation(image: Any) -> int:
    """The EXIF orientation, 1 where there is none or it makes no sense."""
    if "exif" not in image.info and image.format != "TIFF":
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def reason(error: Exception) -> str:
    """What an error of Pillow says, on one short line."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
