"""Texts as weighted n-grams of words and characters, hashed into buckets.

The weights are those of scikit-learn's TfidfVectorizer with ``sublinear_tf``: (1 + log count) times
log((1 + N) / (1 + n)) + 1, n of N training texts having the bucket, and each text of length 1. Only
buckets that some training text uses have a place: what was never seen says nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.data.normalise import Normaliser
from dlkit.data.segment import SAMPLE, choose, segmenter
from dlkit.errors import DAMAGED, DlkitError
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

_AT_ONCE: Final = 1024  # texts
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd
_MOST_BUCKETS: Final = 2**30
_LONGEST: Final = 10

Range = tuple[int, int]


class Bags(NamedTuple):
    """N lists of n-grams, one after the other.

    Attributes:
        values: (T,) int64 places of n-grams, ascending within a text.
        offsets: (N+1,) int64 where each text begins, and T.
        weights: (T,) float32 what each counts.

    """

    values: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ngrams:
    """How a text becomes weighted n-grams.

    Attributes:
        tokens: what a word is: whitespace, char or zh.
        lowercase: whether words are folded to lower case.
        words: fewest and most words of an n-gram; None: no such n-grams.
        characters: fewest and most characters of one within ``<word>``; None: no such n-grams.
        buckets: how many n-grams are hashed into.
        used: (V,) int64 buckets that have a place, ascending.
        idf: (V,) float32 what each counts for its rarity.

    """

    tokens: str
    lowercase: bool
    words: Range | None
    characters: Range | None
    buckets: int
    used: npt.NDArray[np.int64]
    idf: npt.NDArray[np.float32]
    _known: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """V."""
        return len(self.used)

    def apply(self, texts: Sequence[str], *, what: str) -> Generator[Record, None, Bags]:
        """The weighted n-grams of ``texts``, which messages call ``what``."""
        counted = yield from _count(self, texts, what)
        places = np.searchsorted(self.used, counted.values)
        places[places == len(self.used)] = 0
        known = self.used[places] == counted.values
        text_of = np.repeat(np.arange(len(texts)), np.diff(counted.offsets))[known]
        values = places[known]
        weights = (1 + np.log(counted.weights[known].astype(np.float64))) * self.idf[values]
        squares = np.bincount(text_of, weights * weights, minlength=len(texts))
        weights /= np.sqrt(squares)[text_of]
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.bincount(text_of, minlength=len(texts)), out=offsets[1:])
        empty = int((np.diff(offsets) == 0).sum())
        if empty:
            yield Noted(f"{what}: {empty:,} of {len(texts):,} texts have no known n-gram")
        return Bags(values, offsets, weights.astype(np.float32))

    def document(self) -> dict[str, Any]:
        """The settings in JSON's types; arrays are in ``tensors``."""
        return {
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "words": self.words and list(self.words),
            "characters": self.characters and list(self.characters),
            "buckets": self.buckets,
            "ngrams": len(self.used),
        }

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """``ngrams.used`` and ``ngrams.idf``."""
        return {"ngrams.used": self.used.astype(np.int32), "ngrams.idf": self.idf}

    def spelled(self, text: str) -> dict[int, list[str]]:
        """The n-grams of a text in letters, by their places; of unknown ones nothing."""
        words = self._cutter()(text)
        found: dict[int, list[str]] = {}
        if self.words is not None:
            for size in range(self.words[0], self.words[1] + 1):
                for start in range(len(words) - size + 1):
                    gram = words[start : start + size]
                    self._note(found, _joined([_hash(word) for word in gram]), " ".join(gram))
        if self.characters is not None:
            for word in words:
                for piece in _pieces(word, self.characters):
                    self._note(found, _hash(piece, b"c"), piece)
        return found

    def _note(self, found: dict[int, list[str]], value: int, text: str) -> None:
        bucket = int(_bucket(np.array([value], np.uint64), self.buckets)[0])
        place = int(np.searchsorted(self.used, bucket))
        if place < len(self.used) and self.used[place] == bucket:
            spellings = found.setdefault(place, [])
            if text not in spellings:
                spellings.append(text)

    def _cutter(self) -> Callable[[str], list[str]]:
        normaliser = Normaliser(lowercase=self.lowercase, drop_punctuation=True)
        segment = segmenter(self.tokens)
        return lambda text: normaliser.strip(segment(normaliser.fold(text))).split()


def fit(
    texts: Sequence[str],
    *,
    tokens: str,
    lowercase: bool,
    words: Range | None,
    characters: Range | None,
    buckets: int,
    min_count: int,
) -> Generator[Record, None, tuple[Ngrams, Bags]]:
    """Learn from training texts which n-grams there are and how rare; return that and their bags.

    Args:
        texts: N texts.
        tokens: as ``Ngrams.tokens``, or auto.
        lowercase: as ``Ngrams.lowercase``.
        words: as ``Ngrams.words``.
        characters: as ``Ngrams.characters``.
        buckets: as ``Ngrams.buckets``.
        min_count: texts that a bucket must have.

    Raises:
        DlkitError: the texts have no n-grams.

    """
    if tokens == "auto":
        tokens, why = choose("\n".join(texts[:1000])[:SAMPLE])
        yield Noted(f"tokens {tokens}: {why}")
    none = np.zeros(0, np.int64)
    ngrams = Ngrams(
        tokens, lowercase, words, characters, buckets, none, none.astype(np.float32)
    )  # fmt: skip
    counted = yield from _count(ngrams, texts, "train")
    # A bucket stands once in each text that has it.
    used, having = np.unique(counted.values, return_counts=True)
    used, having = used[having >= min_count], having[having >= min_count]
    if not len(used):
        raise DlkitError(
            f"the training texts have no n-grams that {min_count:,} of them use",
            hint="--set text.min_count=1, or other --words and --characters",
        )
    idf = (np.log((1 + len(texts)) / (1 + having)) + 1).astype(np.float32)
    fitted = Ngrams(tokens, lowercase, words, characters, buckets, used, idf)
    return fitted, (yield from fitted.apply(texts, what="train"))


def read_ngrams(document: Any, tensors: Mapping[str, Any], *, where: str) -> Ngrams:
    """The n-grams that an artifact holds.

    Args:
        document: as ``Ngrams.document`` made it.
        tensors: those of ``Ngrams.tensors`` among them.
        where: the artifact, for messages.

    Raises:
        DlkitError: (DAMAGED) they do not fit each other.

    """
    try:
        used, idf = tensors["ngrams.used"], tensors["ngrams.idf"]
        buckets = document["buckets"]
        words, characters = _read_range(document["words"]), _read_range(document["characters"])
        if document["tokens"] not in ("whitespace", "char", "zh"):
            raise ValueError(document["tokens"])
        if type(buckets) is not int or not 1 <= buckets <= _MOST_BUCKETS:
            raise ValueError(buckets)
        if used.dtype != np.int32 or idf.dtype != np.float32 or used.ndim != 1:
            raise ValueError(used.dtype)
        used = used.astype(np.int64)
        sorted_once = len(used) and (np.diff(used) > 0).all() and used[0] >= 0
        if used.shape != idf.shape or not sorted_once or used[-1] >= buckets:
            raise ValueError(used.shape)
        if not np.isfinite(idf).all():
            raise ValueError("not finite")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DlkitError(f"{where}: the n-grams are damaged", code=DAMAGED) from error
    lowercase = bool(document["lowercase"])
    tokens = document["tokens"]
    return Ngrams(tokens, lowercase, words, characters, buckets, used, np.array(idf))


def _read_range(value: Any) -> Range | None:
    if value is None:
        return None
    fewest, most = value
    if type(fewest) is not int or type(most) is not int or not 1 <= fewest <= most <= _LONGEST:
        raise ValueError(value)
    return fewest, most


def _count(ngrams: Ngrams, texts: Sequence[str], what: str) -> Generator[Record, None, Bags]:
    """The buckets of each text, ascending, and as weights how often it has each."""
    cut = ngrams._cutter()
    ids: dict[str, int] = {}  # of words, in the order in which they come
    hashes: list[int] = []
    pieces: list[npt.NDArray[np.uint64]] = []
    values, weights, lengths = [], [], []
    for start in range(0, len(texts), _AT_ONCE):
        rows = []
        for text in texts[start : start + _AT_ONCE]:
            row = []
            for word in cut(text):
                place = ids.get(word)
                if place is None:
                    place = ids[word] = len(ids)
                    hashes.append(_hash(word))
                    if ngrams.characters is not None:
                        grams = [_hash(gram, b"c") for gram in _pieces(word, ngrams.characters)]
                        pieces.append(np.array(grams, np.uint64))
                row.append(place)
            rows.append(row)
        found, counts, sizes = _chunk(ngrams, rows, np.array(hashes, np.uint64), pieces)
        values.append(found)
        weights.append(counts)
        lengths.append(sizes)
        if len(texts) > _AT_ONCE:
            done = min(start + _AT_ONCE, len(texts))
            yield Step(f"counting the n-grams of {what}", done, len(texts), "texts", 0)
    offsets = np.zeros(len(texts) + 1, np.int64)
    if texts:
        np.cumsum(np.concatenate(lengths), out=offsets[1:])
        return Bags(np.concatenate(values), offsets, np.concatenate(weights))
    return Bags(np.zeros(0, np.int64), offsets, np.zeros(0, np.float32))


def _chunk(
    ngrams: Ngrams,
    rows: list[list[int]],
    hashes: npt.NDArray[np.uint64],
    pieces: list[npt.NDArray[np.uint64]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Buckets, their counts, and how many each text has, for some texts as ids of words."""
    sizes = np.array([len(row) for row in rows], np.int64)
    words = np.array([place for row in rows for place in row], np.int64)
    text_of = np.repeat(np.arange(len(rows)), sizes)
    keys: list[npt.NDArray[np.int64]] = []
    if ngrams.words is not None:
        value = hashes[words] if len(words) else np.zeros(0, np.uint64)
        gram, owner = value, text_of
        for size in range(1, ngrams.words[1] + 1):
            if size > 1:
                gram = (gram[:-1] * _MIX) + value[size - 1 :]
                owner = text_of[: len(gram)]
                inside = owner == text_of[size - 1 :]
            else:
                inside = np.ones(len(gram), bool)
            if size >= ngrams.words[0]:
                keys.append(owner[inside] * ngrams.buckets + _bucket(gram[inside], ngrams.buckets))
    if ngrams.characters is not None and len(words):
        grams = np.concatenate([pieces[place] for place in words.tolist()])
        owner = np.repeat(text_of, [len(pieces[place]) for place in words.tolist()])
        keys.append(owner * ngrams.buckets + _bucket(grams, ngrams.buckets))
    key = np.concatenate(keys) if keys else np.zeros(0, np.int64)
    found, counts = np.unique(key, return_counts=True)
    lengths = np.bincount(found // ngrams.buckets, minlength=len(rows))
    return found % ngrams.buckets, counts.astype(np.float32), lengths


def _pieces(word: str, sizes: Range) -> list[str]:
    """The n-grams of characters of ``<word>``."""
    whole = f"<{word}>"
    return [
        whole[start : start + size]
        for size in range(sizes[0], sizes[1] + 1)
        for start in range(len(whole) - size + 1)
    ]


def _hash(text: str, kind: bytes = b"w") -> int:
    """64 bits of a word or a piece of one."""
    content = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, person=kind).digest(), "little")


def _joined(hashes: list[int]) -> int:
    """The 64 bits of words in a row, as ``_chunk`` computes them."""
    value = hashes[0]
    for each in hashes[1:]:
        value = (value * int(_MIX) + each) & 0xFFFFFFFFFFFFFFFF
    return value


def _bucket(hashes: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    """Buckets, 0 to ``buckets`` - 1; all bits of a hash count (the finaliser of splitmix64)."""
    mixed = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(buckets)).astype(np.int64)
