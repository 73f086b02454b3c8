"""Small word vectors and minimal writers of the files that other tools write."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.store import WordVectors


def make(words: list[str], matrix, **options) -> WordVectors:
    text = "".join(f"{word}\t{len(words) - row}\n" for row, word in enumerate(words))
    matrix = np.asarray(matrix, dtype=np.float32)
    return WordVectors("test", Lexicon(text.encode(), end=b"\t"), matrix, **options)


def text_file(words, matrix, *, header=True, trailing=b" ", end=b"\n", separator=b" ") -> bytes:
    """As the C tools write it: ``V D``, then rows, each with a space after its last number."""
    lines = [b"%d %d" % matrix.shape] if header else []
    for word, row in zip(words, matrix, strict=True):
        word = word if isinstance(word, bytes) else word.encode()
        lines.append(separator.join([word, *(b"%s" % str(x).encode() for x in row)]) + trailing)
    return end.join(lines) + end


def binary_file(words, matrix, *, newline: bool) -> bytes:
    """As the C tool (``newline``) or gensim (no newline) writes it."""
    parts = [b"%d %d\n" % matrix.shape]
    for word, row in zip(words, matrix, strict=True):
        word = word if isinstance(word, bytes) else word.encode()
        parts.append(word + b" " + row.astype("<f4").tobytes() + (b"\n" if newline else b""))
    return b"".join(parts)


def finished(work: Generator) -> tuple[object, list]:
    """What a generator of records returns, and its records."""
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            return end.value, records


@pytest.fixture
def vectors_of() -> Callable[..., WordVectors]:
    return make


@pytest.fixture(scope="session")
def files() -> SimpleNamespace:
    return SimpleNamespace(text=text_file, binary=binary_file, finished=finished)
