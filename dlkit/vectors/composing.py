"""Vectors of a vocabulary composed as fastText composes them: a word's own row and its n-grams'.

The vector of a word is the mean of its own row and the rows of its n-grams' buckets
(https://arxiv.org/abs/1607.04606, section 3.2). n-grams are found in bytes, not in text, so that
words that are not UTF-8 get those of fastText, too: a byte 10xxxxxx belongs to the code point
before it. The end of a line, ``</s>``, is a word without n-grams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.vectors.subwords import LINE_END, MOST_NGRAMS, OFFSET, PRIME

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.subwords import Subwords

    Matrix = npt.NDArray[np.floating[Any]]
    Numbers = npt.NDArray[np.int64]

_LINE_END: Final = LINE_END.encode()
_VALUES_AT_ONCE: Final = 1 << 22  # float64; 32 MB


def composed(
    words: Sequence[bytes], own: Matrix, subwords: Subwords | None, *, name: str = "vocabulary"
) -> Iterator[npt.NDArray[np.float32]]:
    """The vectors of V words, (N, D) float32 some at a time, in the order of ``words``.

    A bucket that ``subwords`` lacks counts as a row of zeros.

    Args:
        words: V words, none empty.
        own: (V, D) their own rows.
        subwords: the rows of n-grams' buckets; None: a word's vector is its own row.
        name: what messages call the words.

    Raises:
        DlkitError: a word has more than 100,000 n-grams.

    """
    for start, sums, parts in sums_of_ngrams(words, own.shape[1], subwords, name=name):
        # inf - inf is NaN, and what float32 cannot hold infinite: whoever takes it finds it.
        with np.errstate(invalid="ignore", over="ignore"):
            sums += own[start : start + len(sums)]
            block = (sums / (parts + 1)[:, None]).astype(np.float32)
        yield block


def sums_of_ngrams(
    words: Sequence[bytes], dim: int, subwords: Subwords | None, *, name: str = "vocabulary"
) -> Iterator[tuple[int, npt.NDArray[np.float64], Numbers]]:
    """Some words at a time: the first's place, the sums (N, D) of their n-grams' rows, how many.

    Raises:
        DlkitError: a word has more than 100,000 n-grams.

    """
    most = max(1, _VALUES_AT_ONCE // dim)
    for start, stop in _blocks(words, subwords, most, name):
        sums = np.zeros((stop - start, dim))
        parts = np.zeros(stop - start, np.int64)
        if subwords is not None:
            owners, found = buckets_of_words(
                words[start:stop],
                shortest=subwords.shortest,
                longest=subwords.longest,
                buckets=subwords.buckets,
            )
            parts = np.bincount(owners, minlength=len(parts))
            _add(sums, owners, found, subwords, most)
        yield start, sums, parts


def _blocks(
    words: Sequence[bytes], subwords: Subwords | None, most: int, name: str
) -> Iterator[tuple[int, int]]:
    """Ranges of words that have at most ``most`` n-grams together, or are a single word."""
    start = held = 0
    for place, word in enumerate(words):
        more = 1 if subwords is None else 1 + _most_ngrams(word, subwords, name)
        if held and held + more > most:
            yield start, place
            start, held = place, 0
        held += more
    if start < len(words):
        yield start, len(words)


def _most_ngrams(word: bytes, subwords: Subwords, name: str) -> int:
    """No fewer than the n-grams of ``word``."""

    def bound(letters: int) -> int:
        return letters * max(0, min(subwords.longest, letters) - subwords.shortest + 1)

    found = bound(len(word) + 2)
    if found > MOST_NGRAMS:
        found = bound(sum(byte & 0xC0 != 0x80 for byte in word) + 2)
    if found > MOST_NGRAMS:
        shown = word[:40].decode("utf-8", "backslashreplace")
        raise DlkitError(
            f"{name}: the word '{shown}…' has {len(word):,} bytes, too many n-grams", code=FAILED
        )
    return found


def buckets_of_words(
    words: Sequence[bytes], *, shortest: int, longest: int, buckets: int
) -> tuple[Numbers, Numbers]:
    """The n-grams of N words: whose each is, 0 to N - 1 and ascending, and its bucket.

    Those of a word stand by where they begin, then by their length.

    Args:
        words: N words, none empty.
        shortest: code points of an n-gram of ``<word>``, at least.
        longest: and at most.
        buckets: the number of buckets.

    """
    whole = [b"" if word == _LINE_END else b"<%b>" % word for word in words]
    text = np.frombuffer(b"".join(whole), np.uint8)
    if not len(text):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    signed = text.view(np.int8).astype(np.int32).view(np.uint32)
    # Code points: where each begins, its bytes, its word, and the word's last one.
    begins = np.flatnonzero(text & 0xC0 != 0x80)
    sizes = np.diff(begins, append=len(text))
    ends = np.cumsum([len(each) for each in whole])
    owner = np.searchsorted(ends, begins, side="right")
    last = np.searchsorted(owner, owner, side="right") - 1
    first = np.searchsorted(owner, owner, side="left")
    alive = np.arange(len(begins))  # where n-grams of this length begin
    hashes = np.full(len(begins), OFFSET, np.uint32)
    starts: list[Numbers] = []
    found: list[Numbers] = []
    for length in range(1, longest + 1):
        ending = alive + length - 1
        inside = ending <= last[alive]
        alive, hashes, ending = alive[inside], hashes[inside], ending[inside]
        if not len(alive):
            break
        for byte in range(int(sizes[ending].max())):
            some = np.flatnonzero(sizes[ending] > byte)
            hashes[some] = (hashes[some] ^ signed[begins[ending[some]] + byte]) * np.uint32(PRIME)
        if length >= shortest:
            kept: Any = slice(None)
            if length == 1:  # "<" and ">" alone are none
                kept = (alive != first[alive]) & (alive != last[alive])
            starts.append(alive[kept])
            found.append((hashes[kept] % np.uint32(buckets)).astype(np.int64))
    if not starts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    where = np.concatenate(starts)
    order = np.argsort(where, kind="stable")
    return owner[where[order]], np.concatenate(found)[order]


def _add(
    sums: npt.NDArray[np.float64], owners: Numbers, asked: Numbers, subwords: Subwords, most: int
) -> None:
    """Add to the ``sums`` (N, D) the rows of the buckets ``asked``, each to its owner's."""
    places, known = subwords.places(asked)
    owners = owners[known]
    for start in range(0, len(places), most):
        some = owners[start : start + most]
        begins = np.flatnonzero(np.diff(some, prepend=-1))
        with np.errstate(invalid="ignore"):
            # Widened first: reduceat with another dtype is slower than both steps.
            rows = subwords.vectors[places[start : start + most]].astype(np.float64)
            sums[some[begins]] += np.add.reduceat(rows, begins, axis=0)
