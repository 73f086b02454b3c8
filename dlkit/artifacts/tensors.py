"""Arrays in the safetensors format: a writer that streams, a reader that maps and believes nothing.

The format (https://github.com/huggingface/safetensors#format): 8 bytes, the length N of the header
as an unsigned little-endian number; N bytes of JSON, ``{"name": {"dtype": "F32", "shape": [2, 3],
"data_offsets": [begin, end]}, ...}``, offsets counted from the end of the header; then the data,
little-endian and row-major, with no byte unaccounted for.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np

from dlkit.artifacts.folders import damaged, foreign
from dlkit.artifacts.load import without_duplicates

Array = np.ndarray[Any, np.dtype[Any]]

LARGEST_HEADER: Final = 100_000_000  # bytes, the limit of the safetensors library
MOST_TENSORS: Final = 10_000
LONGEST_NAME: Final = 1_000  # characters
ALIGNMENT: Final = 64  # bytes: a cache line, the widest vector register
_MOST_AXES: Final = 64  # NumPy's limit
_METADATA: Final = "__metadata__"
_PIECE: Final = 1 << 22  # elements checked at a time

_DTYPES: Final = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_CODES: Final = {dtype: code for code, dtype in _DTYPES.items()}


class _Place(NamedTuple):
    """Where a tensor's data lie, in bytes from the end of the header."""

    begin: int
    end: int
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def write_tensors(tensors: Mapping[str, Array]) -> Callable[[BinaryIO], None]:
    """A function that writes ``tensors`` to a stream, for ``Run.commit``.

    The header is padded so that the data begin at a multiple of 64 bytes. Arrays whose size is
    such a multiple come first and are aligned to it too; the others keep their natural alignment.
    The same arrays give the same bytes, whatever their order.

    Args:
        tensors: arrays of any shape by name, of bool, integer or float types up to 64 bits.

    """
    arrays = {}
    for name, array in tensors.items():
        dtype = array.dtype.newbyteorder("<")
        assert dtype in _CODES, f"{name}: {array.dtype} cannot be saved"
        assert 0 < len(name) <= LONGEST_NAME, name
        assert name != _METADATA
        arrays[name] = array
    assert len(arrays) <= MOST_TENSORS

    def order(name: str) -> tuple[bool, int, str]:
        return arrays[name].nbytes % ALIGNMENT != 0, -arrays[name].itemsize, name

    ordered = sorted(arrays, key=order)

    def write(stream: BinaryIO) -> None:
        header: dict[str, Any] = {}
        begin = 0
        for name in ordered:
            array = arrays[name]
            end = begin + array.nbytes
            header[name] = {
                "dtype": _CODES[array.dtype.newbyteorder("<")],
                "shape": list(array.shape),
                "data_offsets": [begin, end],
            }
            begin = end
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        text += b" " * (-(8 + len(text)) % ALIGNMENT)
        stream.write(len(text).to_bytes(8, "little") + text)
        for name in ordered:
            array = arrays[name]
            if array.nbytes:
                # Contiguous first: a column cut out of a matrix can be reshaped without being so.
                array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
                stream.write(array.reshape(-1).view(np.uint8).data)

    return write


def read_tensors(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file by name, mapped from the disk and read-only.

    Nothing is allocated but the header before every size in it is proven against the file.

    Raises:
        DlkitError: (DAMAGED) the file is missing or special, or is not what the format asks for:
            header too long or not JSON, keys twice, data that overlap or leave a hole, sizes that
            do not fit shapes, unknown types, more than 10,000 tensors.

    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise damaged(path, "not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise damaged(path, "not a regular file")
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            text = _header_text(file, status.st_size, path)
        data_size = status.st_size - 8 - len(text)
        places = _places(_parse(text, path), data_size, path)
        mapping = mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_READ)
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return {place.name: _view(mapping, place, 8 + len(text)) for place in places}


def check_finite(arrays: Mapping[str, Array], *, where: Path) -> None:
    """Refuse weights that are NaN or infinite; ``where`` names their file in the message.

    Raises:
        DlkitError: (DAMAGED) an array of floats has such a value.

    """
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            continue
        flat = array.reshape(-1)
        for start in range(0, flat.size, _PIECE):
            finite = np.isfinite(flat[start : start + _PIECE])
            if not finite.all():
                place = np.unravel_index(start + int(np.argmin(finite)), array.shape)
                index = ", ".join(str(int(each)) for each in place)
                raise damaged(where, f"{name}[{index}] is NaN or infinite", "train it again")


def _header_text(file: BinaryIO, size: int, path: Path) -> bytes:
    head = file.read(64)
    length = int.from_bytes(head[:8], "little")
    if size < 8:
        why = f"{size} bytes are too few for a safetensors file"
    elif length > LARGEST_HEADER or length > size - 8:
        why = f"a header of {length:,} bytes in a file of {size:,}"
    elif length < 2 or head[8:9] != b"{":
        why = "the header is not a JSON object"
    else:
        file.seek(8)
        text = file.read(length)
        if len(text) == length:
            return text
        why = "it became shorter while it was read"
    what, hint = foreign(head)
    raise damaged(path, what or why, hint)


def _parse(text: bytes, path: Path) -> dict[str, Any]:
    """The header as JSON; its memory stays within a few times its length."""
    # Counted before parsing: hostile JSON of many small objects takes a hundred times its length.
    many = text.count(b"{") > 2 * MOST_TENSORS or text.count(b"[") > 4 * MOST_TENSORS
    if many or text.count(b",") > 70 * MOST_TENSORS:
        raise damaged(path, f"more than {MOST_TENSORS:,} tensors")
    try:
        header = json.loads(text.rstrip(b" ").decode("utf-8"), object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"the header is not JSON: {error}") from error
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(x, str) for x in metadata.values()):
        raise damaged(path, f"{_METADATA} is not a table of texts")
    if len(header) > MOST_TENSORS:
        raise damaged(path, f"more than {MOST_TENSORS:,} tensors")
    return header  # type: ignore[no-any-return]


def _places(header: dict[str, Any], data_size: int, path: Path) -> list[_Place]:
    """Every tensor's place, after all of them together were found to fill the data exactly."""
    places = sorted(_place(name, header[name], path) for name in header)
    position = 0
    for place in places:
        if place.begin != position:
            kind = "overlap" if place.begin < position else "leave a hole"
            raise damaged(path, f"data {kind} before tensor {place.name[:80]!r}")
        position = place.end
    if position != data_size:
        raise damaged(path, f"{data_size:,} bytes of data, the header accounts for {position:,}")
    return places


def _place(name: str, entry: Any, path: Path) -> _Place:
    def wrong(why: str) -> Exception:
        return damaged(path, f"tensor {name[:80]!r}: {why}")

    if not 0 < len(name) <= LONGEST_NAME:
        raise wrong(f"a name of {len(name):,} characters")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong("not described by dtype, shape and data_offsets")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    dtype = _DTYPES.get(code) if isinstance(code, str) else None
    if dtype is None:
        raise wrong(f"unknown dtype {str(code)[:20]!r}")
    if not _sizes(shape) or len(shape) > _MOST_AXES:
        raise wrong("its shape is not a list of sizes")
    if not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise wrong("its data_offsets are not a begin and an end")
    # NumPy refuses axes whose product overflows even where another axis is empty.
    if math.prod(size for size in shape if size) * dtype.itemsize >= 1 << 63:
        raise wrong("its shape overflows")
    begin, end = offsets
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise wrong(f"{end - begin:,} bytes do not fit its shape")
    return _Place(begin, end, name, dtype, tuple(shape))


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(x) is int and 0 <= x < 1 << 63 for x in value)


def _view(mapping: mmap.mmap, place: _Place, origin: int) -> Array:
    count = math.prod(place.shape)
    if count == 0:
        array: Array = np.empty(place.shape, place.dtype)
        array.flags.writeable = False
        return array
    flat = np.frombuffer(mapping, place.dtype, count, origin + place.begin)
    return flat.reshape(place.shape)
