"""Image files with all that has to be kept: transparency, orientation, colour profile, 16 bits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from dlkit.data import pixels
from dlkit.data.pixels import BadImageError
from dlkit.errors import FAILED, USAGE, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Pixels

# What is written, by suffix.
FORMATS: Final = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".ppm": "PPM", ".pgm": "PPM",
    ".pnm": "PPM",
}  # fmt: skip
_TRANSPARENT: Final = frozenset(["PNG", "WEBP", "TIFF"])
_DEEP: Final = frozenset(["PNG", "TIFF"])  # that are written with 16 bits
_PROFILED: Final = frozenset(["PNG", "JPEG", "WEBP", "TIFF"])
_LONGEST_SIDE: Final = {"JPEG": 65_535, "WEBP": 16_383}
MOST_PIXELS: Final = 1 << 28  # of an image that is made
_OF_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Picture(NamedTuple):
    """An image file, upright.

    Attributes:
        colours: (H, W, C), C 1 or 3: bytes, or of grey images of more bits uint16.
        alpha: (H, W, 1) bytes, 255 is opaque; None: all is.
        profile: ICC; None: there is none.
        exif: what the camera said, without the orientation; empty: nothing.
        done: what was done on the way, in words.

    """

    colours: Pixels | npt.NDArray[np.uint16]
    alpha: Pixels | None
    profile: bytes | None
    exif: bytes
    done: tuple[str, ...]


def read(content: bytes, *, scale: int) -> Picture:
    """The image in a file.

    Args:
        content: the file's bytes.
        scale: how many times as large it is to become.

    Raises:
        BadImageError: no image, damaged, several images in one file, of real numbers, or too large
            to be made larger.

    """
    image = pixels.opened(content)
    if image.width * image.height * scale**2 > MOST_PIXELS:
        raise BadImageError(
            f"{image.width}x{image.height}, made {scale} times as large, has more than "
            f"{MOST_PIXELS:,} pixels"
        )
    try:
        return _read(image, content)
    except (BadImageError, MemoryError):
        raise
    except Exception as problem:  # Pillow's decoders let through errors of many kinds
        raise BadImageError(f"damaged: {pixels.reason(problem)}") from problem


# Make, model, date, artist, EXIF, GPS: what the file's own structure does not need.
_OF_CAMERAS: Final = (0x010F, 0x0110, 0x0132, 0x013B, 0x8769, 0x8825)


def _read(image: Any, content: bytes) -> Picture:
    done: list[str] = []
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise BadImageError(f"{frames:,} images in one file")
    if image.format == "MPO":
        done.append("with others in the file (MPO): the first is taken")
    image.load()
    profile: bytes | None = image.info.get("icc_profile") or None
    if image.format == "TIFF" and any(tag in image.tag_v2 for tag in _OF_CAMERAS):
        done.append("without its EXIF, which is kept of other formats than TIFF")
    if pixels.orientation(image) != 1:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
        done.append("turned by EXIF orientation")
    exif = _exif(image)
    if image.mode.startswith("I"):
        if "transparency" in image.info:
            done.append("without its transparent shade: grey of 16 bits is written opaque")
        return Picture(_deep(image), None, profile, exif, tuple(done))
    if content.startswith(_OF_PNG) and content[24] == 16 and content[25] in (2, 4, 6):
        done.append("of 16 bits a channel, of which 8 are read")
    image, profile, how = _plain(image, profile)
    found = np.asarray(image)
    found = found[..., None] if found.ndim == 2 else found
    alpha = None
    if image.mode in ("LA", "RGBA"):
        alpha, found = found[..., -1:], found[..., :-1]
    return Picture(found, alpha, profile, exif, (*done, *how))


def _exif(image: Any) -> bytes:
    """What the camera said; the orientation went when the picture was turned."""
    try:
        told = image.getexif()
        found: bytes = told.tobytes() if len(told) and "exif" in image.info else b""
    except Exception:  # damaged: no picture is refused for that
        return b""
    return found


def _deep(image: Any) -> npt.NDArray[np.uint16]:
    deep = np.asarray(image)
    if int(deep.min()) < 0 or int(deep.max()) > 65_535:
        raise BadImageError("values of more than 16 bits a pixel")
    return deep.astype(np.uint16)[..., None]


def _plain(image: Any, profile: bytes | None) -> tuple[Any, bytes | None, list[str]]:
    """The image as L, LA, RGB or RGBA, its profile, and what that took."""
    mode = image.mode
    if mode == "F":
        raise BadImageError("pixels are real numbers, whose range is not known")
    if mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image, profile, []
    if mode == "CMYK":
        return _from_ink(image, profile)
    grey = mode in ("1", "L", "La")
    if image.has_transparency_data:
        made = image.convert("LA" if grey else "RGBA")
    else:
        made = image.convert("L" if grey else "RGB")
    how = {"P": "of a palette", "PA": "of a palette", "1": "of black and white"}.get(mode)
    return made, profile, [] if how is None else [f"{how} made {made.mode}"]


def _from_ink(image: Any, profile: bytes | None) -> tuple[Any, bytes | None, list[str]]:
    """A CMYK image as sRGB, by its profile where it has one."""
    from PIL import ImageCms

    if profile is not None:
        try:
            made = ImageCms.profileToProfile(
                image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except ImageCms.PyCMSError:
            pass
        else:
            return made, None, ["of mode CMYK made sRGB by its profile"]
    return image.convert("RGB"), None, ["of mode CMYK made RGB without a profile"]


def filled(picture: Picture) -> Pixels | npt.NDArray[np.uint16]:
    """The colours, those of pixels that nobody sees being the nearest that someone does.

    Else what lies hidden under transparent pixels would colour the visible edge.
    """
    colours, alpha = picture.colours, picture.alpha
    if alpha is None or alpha.all() or not alpha.any():
        return colours
    from scipy.ndimage import distance_transform_edt  # type: ignore[import-untyped]

    rows, columns = distance_transform_edt(
        alpha[..., 0] == 0, return_distances=False, return_indices=True
    )
    nearest: Pixels | npt.NDArray[np.uint16] = colours[rows, columns]
    return nearest


def check_target(path: Path) -> str:
    """The format that a file is written in, by its suffix.

    Raises:
        DlkitError: (USAGE) there is none of that suffix.

    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise DlkitError(
            f"{path}: the suffix is none of {', '.join(FORMATS)}", hint="-o LARGE.png", code=USAGE
        )
    return kind


def fitting(picture: Picture, path: Path) -> tuple[Picture, list[str]]:
    """What of a picture a file of that format can hold, and what it cannot, in words.

    Raises:
        DlkitError: the format has no transparency, or not so many pixels.

    """
    kind = check_target(path)
    height, width = picture.colours.shape[:2]
    longest = _LONGEST_SIDE.get(kind)
    if longest is not None and max(height, width) > longest:
        raise DlkitError(
            f"{path}: {width}x{height} pixels; {kind} has at most {longest:,} a side",
            hint="a name that ends in .png",
            code=FAILED,
        )
    if picture.alpha is not None and kind not in _TRANSPARENT:
        raise DlkitError(
            f"{path}: the image has transparent pixels, and {kind} has none",
            hint="-o with .png, .webp or .tif; of many --suffix png",
            code=FAILED,
        )
    lost = []
    if picture.colours.dtype == np.uint16 and kind not in _DEEP:
        cut: Any = np.rint(picture.colours / 257).astype(np.uint8)
        picture = picture._replace(colours=cut)
        lost.append(f"of 16 bits cut to 8, which {kind} has")
    if kind not in _PROFILED and (picture.profile or picture.exif):
        what = "colour profile" if picture.profile else "EXIF"
        picture = picture._replace(profile=None, exif=b"")
        lost.append(f"without {what}, which {kind} has no room for")
    return picture, lost


def write(picture: Picture, path: Path, stream: BinaryIO, *, quality: int) -> None:
    """Write a picture in the format of the path's suffix.

    Args:
        picture: as ``fitting`` gave it.
        path: whose suffix says how.
        stream: where it goes.
        quality: of JPEG and WebP, 1 to 100.

    """
    from PIL import Image

    kind = check_target(path)
    colours = picture.colours
    whole = colours if picture.alpha is None else np.concatenate([colours, picture.alpha], axis=2)
    image = Image.fromarray(whole[..., 0] if whole.shape[2] == 1 else whole)
    options: dict[str, Any] = {}
    if picture.profile:
        options["icc_profile"] = picture.profile
    if picture.exif:
        options["exif"] = picture.exif
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "JPEG":
        options["subsampling"] = 0  # all of the colours, not a quarter
    if kind == "TIFF":
        options["compression"] = "tiff_adobe_deflate"
    image.save(stream, kind, **options)


def mode_of(picture: Picture) -> str:
    """The picture's mode as Pillow calls it."""
    if picture.colours.dtype == np.uint16:
        return "I;16"
    mode = "L" if picture.colours.shape[2] == 1 else "RGB"
    return mode if picture.alpha is None else f"{mode}A"
