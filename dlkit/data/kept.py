"""Decoded images kept in the user's cache, so that the same files are decoded once.

One safetensors file for each split and setting, in a folder that only the user can write, named
after what changes when the images do: the settings, and each file's path, size, inode and times of
change. The content is hashed at every use, as it is anyhow to find equal
images, and an entry that is not what was written is thrown away.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.data.forms import ImageForm, read_form
from dlkit.data.samples import DIGEST_BYTES, Digests, digests_of
from dlkit.errors import DlkitError
from dlkit.jit import private_folder, user_cache

if TYPE_CHECKING:
    from dlkit.data.samples import Pixels

WORTHWHILE: Final = 1.0  # seconds of decoding; what takes less is decoded again
_VERSION: Final = 3  # of what decoding makes of the same file
_SECONDS: Final = 30 * 24 * 3600.0  # an entry stays after its last use
_MOST: Final = 1 << 35  # bytes of all entries
_HEADER: Final = 1024  # bytes of an entry beside its arrays, at most
_FREE: Final = 0.1  # of the disk stays free,
_ROOM: Final = 1 << 33  # or so many bytes, if that is less


@dataclass(frozen=True, eq=False)
class Kept:
    """Decoded images: as ``images.Images``, with their digests and what was told of them."""

    pixels: Pixels
    places: npt.NDArray[np.int64]
    form: ImageForm
    digests: Digests
    told: list[tuple[str, str]]


def stamp(files: Iterable[Path], facts: Sequence[object]) -> str | None:
    """A name for what decoding ``files`` under the settings ``facts`` gives; None: there is none.

    Args:
        files: all that is read.
        facts: all else that the result depends on, JSON's types only.

    """
    import PIL

    digest = hashlib.sha256(json.dumps([_VERSION, PIL.__version__, *facts]).encode())
    try:
        for path in files:
            status = path.stat()
            fact = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            digest.update(os.fsencode(path.absolute()) + repr(fact).encode())
    except OSError:
        return None
    return digest.hexdigest()[:40]


def find(name: str) -> Kept | None:
    """What was kept under a stamp; an entry that is damaged is removed."""
    folder = _folder()
    path = None if folder is None else folder / f"{name}.safetensors"
    if path is None or not path.is_file():
        return None
    try:
        arrays = read_tensors(path)
        facts = json.loads(arrays["facts"].tobytes())
        form = read_form(facts["form"], where=str(path))
        pixels, places = arrays["pixels"], arrays["places"]
        digests = np.ascontiguousarray(arrays["digests"]).view(f"S{DIGEST_BYTES}").reshape(-1)
        if (
            not isinstance(form, ImageForm)
            or pixels.dtype != np.uint8
            or pixels.shape[1:] != (form.height, form.width, form.channels)
            or len(digests) != len(pixels)
            or _sum(pixels, digests, places) != facts["sum"]
        ):
            raise ValueError
        told = [(str(kind), str(text)) for kind, text in facts["told"]]
    except (DlkitError, KeyError, TypeError, ValueError):
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)
    return Kept(pixels, places, form, digests, told)


def keep(name: str, kept: Kept) -> None:
    """Keep what was decoded, unless the disk has little room; failing to is no mistake."""
    folder = _folder()
    if folder is None:
        return
    facts: dict[str, Any] = {
        "form": kept.form.document(),
        "told": kept.told,
        "sum": _sum(kept.pixels, kept.digests, kept.places),
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        "pixels": kept.pixels,
        "places": kept.places,
        "digests": np.frombuffer(kept.digests.tobytes(), np.uint8),
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
    }
    size = _HEADER + sum(array.nbytes for array in arrays.values())
    if size > _MOST:
        return
    content = write_tensors(arrays)
    temporary = folder / f".tmp-{name}-{os.urandom(4).hex()}"
    try:
        _sweep(folder, size)
        disk = shutil.disk_usage(folder)
        if disk.free - size < min(_FREE * disk.total, _ROOM):
            return
        with temporary.open("xb") as file:
            content(file)
        temporary.rename(folder / f"{name}.safetensors")
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _folder() -> Path | None:
    try:
        return private_folder(user_cache() / "images")
    except RuntimeError:  # no home folder can be determined
        return None


def _sum(pixels: Pixels, digests: Digests, places: npt.NDArray[np.int64]) -> str:
    whole = hashlib.sha256(digests_of(pixels).tobytes())
    whole.update(digests.tobytes())
    whole.update(places.astype("<i8").tobytes())
    return whole.hexdigest()


def _sweep(folder: Path, coming: int) -> None:
    """Remove entries that nobody used for a month, and the oldest where all are too many."""
    entries = sorted(
        (
            (status.st_mtime, status.st_size, path)
            for path in folder.iterdir()
            if (status := path.stat())
        ),
        reverse=True,
    )
    total = coming
    for used, size, path in entries:
        total += size
        if total > _MOST or time.time() - used > _SECONDS:
            with suppress(OSError):
                path.unlink()
