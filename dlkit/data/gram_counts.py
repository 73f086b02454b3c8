"""Which n-grams of words and of characters each text has, and how often.

The compiled kernel counts texts of white space and ASCII as they are; others are first composed,
segmented and stripped, many at once. Where numba is missing plain Python counts, word by word; both
give the same numbers.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.data.normalise import Normaliser
from dlkit.data.segment import segmenter
from dlkit.jit import has_numba
from dlkit.machine import cores
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

_BLOCK: Final = 1 << 20  # characters of texts that are counted together
_FEW: Final = 1 << 14  # characters that plain Python counts
_TOLD_EVERY: Final = 0.2  # seconds
_WORD: Final = 14695981039346656037  # what the hash of a word begins with, FNV's offset basis
_PIECE: Final = _WORD ^ 0x5BD1E9955BD1E995  # and that of a piece of a word
_PRIME: Final = 0x20000100000001B3
_TIMES: Final = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd
_HALVES: Final = re.compile("[\ud800-\udfff]")
_MASK: Final = 2**64 - 1

Range = tuple[int, int]


class Rules(NamedTuple):
    """What is counted; see ``ngrams.Ngrams``."""

    tokens: str
    lowercase: bool
    words: Range | None
    characters: Range | None
    buckets: int


class Counted(NamedTuple):
    """N lists of buckets, one after the other.

    Attributes:
        values: (T,) int32 buckets, ascending within a text.
        times: (T,) int32 how often a text has each.
        offsets: (N+1,) int64 where each text begins, and T.

    """

    values: npt.NDArray[np.int32]
    times: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]


def count(
    rules: Rules, texts: Sequence[str], *, what: str, threads: int | None = None
) -> Generator[Record, None, Counted]:
    """Count the n-grams of texts.

    Args:
        rules: which.
        texts: N texts.
        what: what messages call them.
        threads: that count; None: one for each core. The numbers are the same.

    """
    if not texts:
        empty = np.zeros(0, np.int32)
        return Counted(empty, empty, np.zeros(1, np.int64))
    # Of a few texts the numbers are there before numba is imported.
    fast = has_numba() and sum(map(len, texts)) > _FEW
    if not has_numba():
        yield Noted("numba is not installed: plain Python counts n-grams, many times slower")
    counted = _compiled if fast else _plain
    parts: list[Counted] = []
    done, told = 0, time.monotonic()
    for part in counted(rules, texts, threads or cores()):
        parts.append(part)
        done += len(part.offsets)
        now = time.monotonic()
        if now - told >= _TOLD_EVERY:
            told = now
            yield Step(f"counting the n-grams of {what}", done, len(texts), "texts", 0)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.concatenate([part.offsets for part in parts]), out=offsets[1:])
    values = np.concatenate([part.values for part in parts])
    return Counted(values, np.concatenate([part.times for part in parts]), offsets)


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start, size = 0, 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= _BLOCK:
            yield texts[start : place + 1]
            start, size = place + 1, 0
    if start < len(texts):
        yield texts[start:]


def _compiled(rules: Rules, texts: Sequence[str], threads: int) -> Iterator[Counted]:
    """The counts of some texts after others; ``offsets`` are how many each text has."""
    from dlkit.data import gram_kernels

    prepare = _preparer(rules)
    ahead: deque[Future[Counted]] = deque()
    with ThreadPoolExecutor(threads, "dlkit-ngrams") as pool:
        for block in _blocks(texts):
            ahead.append(pool.submit(gram_kernels.count, rules, prepare(block)))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _preparer(rules: Rules) -> Callable[[Sequence[str]], list[bytes]]:
    """What turns texts into UTF-8 that the kernel splits: words between ASCII white space."""
    tidy = _tidier(rules)
    plain = rules.tokens == "whitespace"

    def prepare(texts: Sequence[str]) -> list[bytes]:
        others = [text for text in texts if not (plain and text.isascii())]
        lines = iter(tidy("\n".join(map(_one_line, others))).split("\n")) if others else iter(())
        return [
            text.encode()
            if plain and text.isascii()
            else " ".join(next(lines).split()).encode("utf-8", "surrogatepass")
            for text in texts
        ]

    return prepare


def _tidier(rules: Rules) -> Callable[[str], str]:
    """What folds, segments and strips texts, one a line."""
    normaliser = Normaliser(lowercase=rules.lowercase, drop_punctuation=True)
    segment = segmenter(rules.tokens)

    def tidy(text: str) -> str:
        # Half a surrogate pair is no character, and the Chinese segmenter refuses it.
        whole = text if text.isascii() else _HALVES.sub("\ufffd", text)
        return normaliser.strip(segment(normaliser.fold(whole)))

    return tidy


def _one_line(text: str) -> str:
    return text.replace("\n", " ")


def cutter(rules: Rules) -> Callable[[str], list[str]]:
    """What cuts a text into words."""
    tidy = _tidier(rules)
    return lambda text: tidy(_one_line(text)).split()


def _plain(rules: Rules, texts: Sequence[str], _threads: int) -> Iterator[Counted]:
    """As ``_compiled``, in plain Python."""
    cut = cutter(rules)
    rest = iter(texts)
    while some := list(islice(rest, 256)):
        found = [sorted(Counter(_buckets(rules, cut(text))).items()) for text in some]
        flat = np.array([pair for pairs in found for pair in pairs], np.int32).reshape(-1, 2)
        sizes = np.array([len(pairs) for pairs in found], np.int64)
        yield Counted(flat[:, 0], flat[:, 1], sizes)


def _buckets(rules: Rules, words: Sequence[str]) -> Iterator[int]:
    if rules.words is not None:
        hashes = [word_hash(word) for word in words]
        for size in range(rules.words[0], rules.words[1] + 1):
            for start in range(len(words) - size + 1):
                yield bucket(joined(hashes[start : start + size]), rules.buckets)
    if rules.characters is not None:
        for word in words:
            for piece in pieces(word, rules.characters):
                yield bucket(piece_hash(piece), rules.buckets)


def spellings(rules: Rules, text: str) -> Iterator[tuple[int, str]]:
    """The n-grams of a text: the bucket and the letters of each."""
    words = cutter(rules)(text)
    if rules.words is not None:
        for size in range(rules.words[0], rules.words[1] + 1):
            for start in range(len(words) - size + 1):
                gram = words[start : start + size]
                value = joined([word_hash(word) for word in gram])
                yield bucket(value, rules.buckets), " ".join(gram)
    if rules.characters is not None:
        for word in words:
            for piece in pieces(word, rules.characters):
                yield bucket(piece_hash(piece), rules.buckets), piece


def pieces(word: str, sizes: Range) -> list[str]:
    """The n-grams of characters of ``<word>``."""
    whole = f"<{word}>"
    return [
        whole[start : start + size]
        for size in range(sizes[0], sizes[1] + 1)
        for start in range(len(whole) - size + 1)
    ]


@lru_cache(1 << 18)
def word_hash(word: str) -> int:
    """64 bits of a word."""
    return _fnv(word, _WORD)


def piece_hash(piece: str) -> int:
    """64 bits of a piece of a word."""
    return _fnv(piece, _PIECE)


def _fnv(text: str, value: int) -> int:
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * _PRIME) & _MASK
    return value ^ (value >> 29)


def joined(hashes: Sequence[int]) -> int:
    """The 64 bits of words in a row."""
    value = 0
    for each in hashes:
        value = (value * _TIMES + each) & _MASK
    return value


def bucket(value: int, buckets: int) -> int:
    """0 to ``buckets`` - 1; all bits of a hash count (the finaliser of SplitMix64)."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return (value ^ (value >> 31)) % buckets
