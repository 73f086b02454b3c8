"""Arrays in NumPy's files, .npy and .npz: headers checked against sizes, nothing ever unpickled.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.decode import out_of_proportion
from dlkit.data.raw import is_regular, open_file
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError

SUFFIXES: Final = frozenset([".npy", ".npz"])
_LONGEST_HEADER: Final = 10_000  # characters, as NumPy allows where it does not unpickle
_KINDS: Final = frozenset("biufUS")  # true or false, whole and real numbers, text


@dataclass(frozen=True)
class Stored:
    """An array in a file, its header read.

    Attributes:
        path: the file.
        name: the array's in a ``.npz``, the file's without its suffix for a ``.npy``.
        shape: of the array.
        dtype: of its values.

    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return shown(
            self.path if self.path.suffix.lower() == ".npy" else f"{self.path}/{self.name}"
        )

    @property
    def described(self) -> str:
        """The shape and the type: ``60000x28x28 uint8``."""
        return f"{'x'.join(map(str, self.shape)) or 'one value'} {self.dtype}"


def stored_arrays(paths: Sequence[Path]) -> list[Stored]:
    """The arrays in files, headers only.

    Raises:
        DlkitError: a file is none of NumPy's, is damaged or cut off, holds Python objects, or
            promises more than it has.

    """
    found: list[Stored] = []
    for path in paths:
        for name, size, stream in _members(path):
            found.append(_header(path, name, size, stream))
    return found


def read_array(stored: Stored) -> npt.NDArray[Any]:
    """The values of an array whose header has been checked.

    Raises:
        DlkitError: the data are damaged, or the file has changed.

    """
    for name, size, stream in _members(stored.path):
        if name != stored.name:
            continue
        if _header(stored.path, name, size, stream) != stored:
            break
        stream.seek(0)
        with _blamed(stored.path):
            # Without being asked it never unpickles, and objects were refused above.
            values: npt.NDArray[Any] = np.lib.format.read_array(
                stream, max_header_size=_LONGEST_HEADER
            )
            return values
    raise DlkitError(f"{stored} has changed while it was read")


def _members(path: Path) -> Iterator[tuple[str, int, BinaryIO]]:
    """Each array's name, how many bytes it has, and a stream that stands at its header."""
    with open_file(path, shown(path)) as (descriptor, status), _blamed(path):
        if not is_regular(status):
            raise DlkitError(f"{shown(path)} is a pipe, and NumPy's files are read in places")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            if path.suffix.lower() == ".npy":
                yield path.stem, status.st_size, file
                return
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    if member.is_dir() or not member.filename.endswith(".npy"):
                        continue
                    if out_of_proportion(member.file_size, member.compress_size):
                        raise DlkitError(
                            f"{shown(path)}: {shown(member.filename)} promises "
                            f"{member.file_size:,} bytes from {member.compress_size:,}",
                            hint="if it is meant to, save it with numpy.savez",
                        )
                    with archive.open(member) as stream:
                        yield (
                            member.filename.removesuffix(".npy"),
                            member.file_size,
                            stream,  # type: ignore[misc]
                        )


def _header(path: Path, name: str, size: int, stream: BinaryIO) -> Stored:
    form = np.lib.format
    with _blamed(path):
        version = form.read_magic(stream)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"version {version} of the format is not known")
        # The third version differs in the names of fields, which arrays here do not have.
        read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, _, dtype = read(stream, max_header_size=_LONGEST_HEADER)
    found = Stored(path, name, tuple(map(int, shape)), dtype)
    if dtype.hasobject:
        raise DlkitError(
            f"{found} holds Python objects (a pickle), which are never loaded",
            hint="save an array of numbers or of text: array.astype(str)",
        )
    if dtype.kind not in _KINDS:
        raise DlkitError(f"{found} is of {dtype}: no numbers or text")
    promised = math.prod(found.shape) * dtype.itemsize
    there = size - stream.tell()
    if promised != there:
        what = "is cut off" if there < promised else "has bytes too many"
        raise DlkitError(
            f"{found} {what}: {found.described} needs {promised:,} bytes, there are "
            f"{counted(there, 'byte')}"
        )
    return found


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError, RuntimeError,
        NotImplementedError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DlkitError(f"{shown(path)} is not a readable NumPy file: {shown(reason)}") from error
