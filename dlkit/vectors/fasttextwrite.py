"""fastText's own model format, ``.bin``, written; fasttextbin.py tells what stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from dlkit.vectors.detect import FASTTEXT
from dlkit.vectors.fasttextbin import ENTRY, HEAD, SHAPE, SIZES, VERSION, Settings

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.subwords import Subwords

    Matrix = npt.NDArray[np.floating[Any]]

_VALUES_AT_ONCE: Final = 1 << 18


def write_model(
    stream: BinaryIO,
    settings: Settings,
    words: Sequence[bytes],
    counts: Sequence[int],
    own: Iterator[npt.NDArray[np.float32]],
    *,
    tokens: int,
    subwords: Subwords | None = None,
    outputs: Matrix | None = None,
) -> Iterator[int]:
    """Write a model as fastText does; buckets and outputs that are not there become zeros.

    Yields how many rows of the matrices are written, of 2 V + ``settings.buckets``.

    Args:
        stream: where to.
        settings: how it was trained; ``buckets``, ``minn`` and ``maxn`` fit ``subwords``.
        words: V words in UTF-8 without NUL.
        counts: (V,) how often each stood in the text.
        own: the words' own rows, (V, D) altogether, some at a time.
        tokens: words of the text.
        subwords: the rows of n-grams' buckets.
        outputs: (V, D) the output matrix.

    """
    total, dim = len(words), settings.dim
    stream.write(FASTTEXT + HEAD.pack(0, VERSION, *settings)[4:])
    stream.write(SIZES.pack(total, total, 0, tokens, -1))
    for word, count in zip(words, counts, strict=True):
        stream.write(word + b"\0" + ENTRY.pack(count, 0))
    done = 0
    for shape, blocks in (
        ((total + settings.buckets, dim), (own, _bucket_rows(settings, subwords))),
        ((total, dim), (_rows(outputs, total, dim),)),
    ):
        stream.write(b"\0" + SHAPE.pack(*shape))
        for rows in blocks:
            for block in rows:
                stream.write(np.ascontiguousarray(block, "<f4").tobytes())
                done += len(block)
                yield done


def _rows(matrix: Matrix | None, total: int, dim: int) -> Iterator[npt.NDArray[np.float32]]:
    """The rows (total, dim) of ``matrix``, or zeros, some at a time."""
    at_once = max(1, _VALUES_AT_ONCE // dim)
    for start in range(0, total, at_once):
        some = min(at_once, total - start)
        if matrix is None:
            yield np.zeros((some, dim), np.float32)
        else:
            yield matrix[start : start + some].astype(np.float32)


def _bucket_rows(
    settings: Settings, subwords: Subwords | None
) -> Iterator[npt.NDArray[np.float32]]:
    """The rows of all buckets, zeros for those that ``subwords`` lacks, some at a time."""
    if subwords is None or len(subwords.used) == settings.buckets:
        matrix = None if subwords is None else subwords.vectors
        yield from _rows(matrix, settings.buckets, settings.dim)
        return
    at_once = max(1, _VALUES_AT_ONCE // settings.dim)
    for start in range(0, settings.buckets, at_once):
        block = np.zeros((min(at_once, settings.buckets - start), settings.dim), np.float32)
        first, last = np.searchsorted(subwords.used, (start, start + len(block)))
        block[subwords.used[first:last] - start] = subwords.vectors[first:last]
        yield block
