"""Which n-grams training texts have, and what each of them counts."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.data.gram_counts import Counted, Range, Rules, count
from dlkit.data.ngrams import Bags, Ngrams, Weighting
from dlkit.data.segment import SAMPLE, choose
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY: Final = 1_000  # texts of which an n-gram that only one has says little


def fit(
    texts: Sequence[str],
    *,
    tokens: str,
    lowercase: bool,
    words: Range | None,
    characters: Range | None,
    buckets: int,
    min_count: int | None,
    weighting: Weighting = "tfidf",
    labels: npt.NDArray[np.int64] | None = None,
    threads: int | None = None,
) -> Generator[Record, None, tuple[Ngrams, Bags]]:
    """Learn from training texts which n-grams there are and how rare; return that and their bags.

    Args:
        texts: N texts.
        tokens: as ``Ngrams.tokens``, or auto.
        lowercase: as ``Ngrams.lowercase``.
        words: as ``Ngrams.words``.
        characters: as ``Ngrams.characters``.
        buckets: as ``Ngrams.buckets``.
        min_count: texts that a bucket must have; None: 2 of 1,000 texts or more, else 1.
        weighting: as ``Ngrams.weighting``.
        labels: (N,) classes; weighting ``ratio`` asks for them.
        threads: that count; None: one for each core.

    Raises:
        DlkitError: the texts have no n-grams.

    """
    if tokens == "auto":
        tokens, why = choose("\n".join(texts[:1000])[:SAMPLE])
        yield Noted(f"tokens {tokens}: {why}")
    rules = Rules(tokens, lowercase, words, characters, buckets)
    counted = yield from count(rules, texts, what="train", threads=threads)
    used, having = _having(counted.values, buckets)
    if min_count is None:
        min_count = 2 if len(texts) >= _MANY else 1
        if min_count > 1:
            yield Noted(
                f"{int((having < min_count).sum()):,} of {len(used):,} n-grams (buckets) stand in "
                "one training text alone and are left out"
            )
    used, having = used[having >= min_count], having[having >= min_count]
    if not len(used):
        if not len(counted.values):
            raise DlkitError(
                "the training texts have no n-grams", hint="other --words and --characters"
            )
        raise DlkitError(
            f"the training texts have no n-grams that {min_count:,} of them use",
            hint="--set text.min_count=1, or other --words and --characters",
        )
    factors = np.ones(len(used))
    if weighting in ("tfidf", "ratio"):
        factors = np.log((1 + len(texts)) / (1 + having)) + 1
    if weighting == "ratio":
        assert labels is not None
        factors *= _ratios(counted, labels, used, having, buckets)
    narrow = factors.astype(np.float32)
    fitted = Ngrams(tokens, lowercase, words, characters, buckets, weighting, used, narrow)
    bags = fitted.weighed(counted)
    if empty := int((np.diff(bags.offsets) == 0).sum()):
        yield Noted(f"train: {empty:,} of {len(texts):,} texts have no known n-gram")
    return fitted, bags


def _having(
    values: npt.NDArray[np.int32], buckets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The different buckets, ascending, and how many texts have each: it stands once in each."""
    if _is_sparse(buckets, len(values)):
        used, having = np.unique(values, return_counts=True)
        return used.astype(np.int64), having.astype(np.int64)
    every = np.bincount(values, minlength=1).astype(np.int64)
    places = np.flatnonzero(every).astype(np.int64)
    return places, every[places]


def _is_sparse(buckets: int, values: int) -> bool:
    """Whether so few buckets are used that a table of all costs more than sorting those."""
    return buckets > max(2**20, 16 * values)


def _ratios(
    counted: Counted,
    labels: npt.NDArray[np.int64],
    used: npt.NDArray[np.int64],
    having: npt.NDArray[np.int64],
    buckets: int,
) -> npt.NDArray[np.float64]:
    """(V,) how far the n-grams' log-count ratios are from 0, the farthest of the classes."""
    found = np.zeros(len(used))
    classes = np.unique(labels)
    sizes = np.diff(counted.offsets)
    sparse = _is_sparse(buckets, len(counted.values))
    for label in classes.tolist():
        mine = counted.values[np.repeat(labels == label, sizes)]
        if sparse:
            places = np.searchsorted(used, mine)
            places[places == len(used)] = 0
            having_own = np.bincount(places[used[places] == mine], minlength=len(used))
        else:
            having_own = np.bincount(mine, minlength=int(used[-1]) + 1)[used]
        own = having_own + 1.0
        others = having - own + 2.0
        ratio = np.log(own / own.sum()) - np.log(others / others.sum())
        np.maximum(found, np.abs(ratio), out=found)
    return found
