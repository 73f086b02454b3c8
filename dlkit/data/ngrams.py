"""Texts as weighted n-grams of words and characters, hashed into buckets.

A text's n-gram weighs its term frequency times what the n-gram's rarity, or its telling of the
classes, makes it count; each text is then scaled to length 1. By ``weighting``:

    tfidf    (1 + log count) · (log((1 + N) / (1 + n)) + 1), n of N training texts having it: the
             TfidfVectorizer of scikit-learn with ``sublinear_tf``
    binary   1
    counts   the count
    ratio    (log((1 + N) / (1 + n)) + 1) · max_c |log((1 + n_c) / Σ(1 + n_c)) - log((1 + m_c) /
             Σ(1 + m_c))|, n_c training texts of class c and m_c of all others having it, sums over
             all n-grams: the rarity, and the size of the log-count ratio of NB-SVM (Wang and
             Manning 2012), whose sign a linear classifier finds

Only buckets that some training text uses have a place: what was never seen says nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import numpy as np

from dlkit.data.gram_counts import Counted, Range, Rules, count, spellings
from dlkit.errors import DAMAGED, DlkitError
from dlkit.jit import has_numba
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    import numpy.typing as npt

Weighting = Literal["tfidf", "binary", "counts", "ratio"]

_HASH: Final = "fnv1a-splitmix64"  # of the n-grams
_MOST_BUCKETS: Final = 2**30
_LONGEST: Final = 10
_TABLE: Final = 2**26  # buckets that have a table of places, where the texts are many


class Bags(NamedTuple):
    """N lists of n-grams, one after the other.

    Attributes:
        values: (T,) int32 places of n-grams, ascending within a text.
        offsets: (N+1,) int64 where each text begins, and T.
        weights: (T,) float32 what each counts.

    """

    values: npt.NDArray[np.int32]
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
        weighting: see the module.
        used: (V,) int64 buckets that have a place, ascending.
        factors: (V,) float32 what each counts besides its frequency in the text.

    """

    tokens: str
    lowercase: bool
    words: Range | None
    characters: Range | None
    buckets: int
    weighting: Weighting
    used: npt.NDArray[np.int64]
    factors: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """V."""
        return len(self.used)

    @property
    def rules(self) -> Rules:
        """What of a text is counted."""
        return Rules(self.tokens, self.lowercase, self.words, self.characters, self.buckets)

    def apply(
        self, texts: Sequence[str], *, what: str, threads: int | None = None
    ) -> Generator[Record, None, Bags]:
        """The weighted n-grams of ``texts``, which messages call ``what``."""
        counted = yield from count(self.rules, texts, what=what, threads=threads)
        bags = self.weighed(counted)
        empty = int((np.diff(bags.offsets) == 0).sum())
        if empty:
            yield Noted(f"{what}: {empty:,} of {len(texts):,} texts have no known n-gram")
        return bags

    def weighed(self, counted: Counted) -> Bags:
        """The weighted n-grams of texts whose n-grams were counted by ``rules``."""
        tf = self._tf(int(counted.times.max(initial=0)))
        if has_numba() and self.buckets <= min(_TABLE, 64 * len(counted.values)):
            from dlkit.data import gram_kernels

            table = np.full(self.buckets, -1, np.int32)
            table[self.used] = np.arange(len(self.used), dtype=np.int32)
            values, weights, offsets = gram_kernels.weigh(counted, table, self.factors, tf)
            return Bags(values, offsets, weights)
        places = np.searchsorted(self.used, counted.values)
        places[places == len(self.used)] = 0
        known = self.used[places] == counted.values
        text_of = np.repeat(np.arange(len(counted.offsets) - 1), np.diff(counted.offsets))[known]
        values = places[known].astype(np.int32)
        wide = tf[counted.times[known]] * self.factors[values].astype(np.float64)
        squares = np.bincount(text_of, wide * wide, minlength=len(counted.offsets) - 1)
        lengths = np.sqrt(squares).astype(np.float32)
        lengths[lengths == 0] = 1
        offsets = np.zeros(len(counted.offsets), np.int64)
        np.cumsum(np.bincount(text_of, minlength=len(offsets) - 1), out=offsets[1:])
        return Bags(values, offsets, wide.astype(np.float32) / lengths[text_of])

    def _tf(self, most: int) -> npt.NDArray[np.float64]:
        """What an n-gram counts that stands 0, 1, … ``most`` times in a text."""
        times = np.arange(most + 1, dtype=np.float64)
        if self.weighting == "tfidf":
            return 1 + np.log(np.maximum(times, 1))
        return times if self.weighting == "counts" else np.ones(most + 1)

    def document(self) -> dict[str, Any]:
        """The settings in JSON's types; arrays are in ``tensors``."""
        return {
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "words": self.words and list(self.words),
            "characters": self.characters and list(self.characters),
            "buckets": self.buckets,
            "hash": _HASH,
            "weighting": self.weighting,
            "ngrams": len(self.used),
        }

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """``ngrams.used`` and ``ngrams.factors``."""
        return {"ngrams.used": self.used.astype(np.int32), "ngrams.factors": self.factors}

    def spelled(self, text: str) -> dict[int, list[str]]:
        """The n-grams of a text in letters, by their places; of unknown ones nothing."""
        found: dict[int, list[str]] = {}
        for bucket, letters in spellings(self.rules, text):
            place = int(np.searchsorted(self.used, bucket))
            if place < len(self.used) and self.used[place] == bucket:
                told = found.setdefault(place, [])
                if letters not in told:
                    told.append(letters)
        return found


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
        if document.get("hash") != _HASH:
            raise DlkitError(
                f"{where}: its n-grams are hashed in a way that this dlkit does not know",
                hint="train it anew",
                code=DAMAGED,
            )
        used, factors = tensors["ngrams.used"], tensors["ngrams.factors"]
        buckets = document["buckets"]
        words, characters = _read_range(document["words"]), _read_range(document["characters"])
        if document["tokens"] not in ("whitespace", "char", "zh"):
            raise ValueError(document["tokens"])
        if document["weighting"] not in get_args(Weighting):
            raise ValueError(document["weighting"])
        if type(buckets) is not int or not 1 <= buckets <= _MOST_BUCKETS:
            raise ValueError(buckets)
        if used.dtype != np.int32 or factors.dtype != np.float32 or used.ndim != 1:
            raise ValueError(used.dtype)
        used = used.astype(np.int64)
        sorted_once = len(used) and (np.diff(used) > 0).all() and used[0] >= 0
        if used.shape != factors.shape or not sorted_once or used[-1] >= buckets:
            raise ValueError(used.shape)
        if not np.isfinite(factors).all():
            raise ValueError("not finite")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DlkitError(f"{where}: the n-grams are damaged", code=DAMAGED) from error
    return Ngrams(
        document["tokens"], bool(document["lowercase"]), words, characters, buckets,
        document["weighting"], used, np.array(factors),
    )  # fmt: skip


def _read_range(value: Any) -> Range | None:
    if value is None:
        return None
    fewest, most = value
    if type(fewest) is not int or type(most) is not int or not 1 <= fewest <= most <= _LONGEST:
        raise ValueError(value)
    return fewest, most
