"""Bytes to characters: decompressed within limits, decoded strictly and in pieces."""

from __future__ import annotations

import codecs
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from dlkit.data.raw import CHUNK, Meter, RawReader, inflating
from dlkit.data.wording import counted
from dlkit.errors import DlkitError

# Text packs to a tenth, at most a fiftieth of its size; a bomb to a thousandth or less.
_BOMB_SIZE: Final = 100_000_000  # bytes
_BOMB_RATIO: Final = 200

_local = threading.local()


def _count_and_replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    _local.replaced = getattr(_local, "replaced", 0) + 1
    return "\ufffd", error.end


codecs.register_error("dlkit.replace", _count_and_replace)


def out_of_proportion(size: int, packed: int) -> bool:
    """Whether so many bytes from so few packed ones are more than any data grow by."""
    return size > _BOMB_SIZE and size > _BOMB_RATIO * packed


def plain_bytes(raw: RawReader, codec: str | None, *, name: str, meter: Meter) -> Iterator[bytes]:
    """What a reader gives, decompressed, in chunks of at most CHUNK bytes.

    Raises:
        DlkitError: the compressed data are damaged or cut off, or grow out of all proportion.

    """
    if codec is None:
        while data := raw.read(CHUNK):
            yield data
        return
    import lzma

    start, total = meter.done, 0
    with inflating(raw, codec) as packed:
        take = getattr(packed, "read1", packed.read)
        while True:
            try:
                data = take(CHUNK)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                place = f"after {counted(total, 'byte')} of text"
                raise DlkitError(
                    f"{name}: the {codec} data are damaged {place}: {error}",
                    hint=f"compare with the original, or test it with `{_TESTS[codec]}`",
                ) from error
            if not data:
                return
            total += len(data)
            if out_of_proportion(total, meter.done - start):
                raise DlkitError(
                    f"{name} grows more than {_BOMB_RATIO} times when decompressed: "
                    f"{total:,} bytes from {meter.done - start:,} so far",
                    hint="if it is meant to, decompress it first",
                )
            yield data


_TESTS: Final = {"gzip": "gzip -t", "bz2": "bzip2 -t", "xz": "xz -t", "zstd": "zstd -t"}


def utf8(content: bytes, name: str, *, hint: str = "") -> str:
    """A small file's text, without a byte order mark.

    Args:
        content: the file.
        name: what a person calls it.
        hint: what to do where it is not UTF-8.

    Raises:
        DlkitError: it is not, with the line and the byte.

    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        byte = error.object[error.start]
        raise DlkitError(
            f"{name}: line {line:,} is not UTF-8: byte 0x{byte:02x}", hint=hint
        ) from error


def decoded(
    chunks: Iterator[bytes],
    *,
    name: str,
    encoding: str,
    errors: str,
    tally: Counter[str],
    replaceable: bool = True,
) -> Iterator[str]:
    """Characters of a stream of bytes; characters that lie across chunks are put together.

    Args:
        chunks: the bytes.
        name: what a person calls the source.
        encoding: of the text.
        errors: strict or replace; what is replaced is counted in ``tally["replaced"]``.
        tally: counts.
        replaceable: the command has the option --encoding-errors.

    Raises:
        DlkitError: invalid bytes, with their place in the decompressed stream.

    """
    handler = "dlkit.replace" if errors == "replace" else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(handler)
    offset = 0  # of the next chunk
    while True:
        data = next(chunks, b"")
        held = len(decoder.getstate()[0])
        _local.replaced = 0
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            place = max(0, offset - held + error.start)
            byte = error.object[error.start] if error.start < len(error.object) else 0
            raise DlkitError(
                f"{name}: byte {place:,} (0x{byte:02x}) is not valid {encoding.upper()}",
                hint="--encoding gb18030 (or what it is in)"
                + (", or --encoding-errors replace" if replaceable else ""),
            ) from error
        except UnicodeError as error:  # utf-16 without a byte order mark, for instance
            raise DlkitError(f"{name} is not valid {encoding.upper()}: {error}") from error
        tally["replaced"] += _local.replaced
        offset += len(data)
        if text:
            yield text
        if not data:
            return
