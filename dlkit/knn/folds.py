"""Cross-validation: each training sample judged by those of the other parts.

Where preprocessing learns nothing, all parts are searched at once: a sample finds no point of its
own part, which is what searching each part's complement anew would find. Where it learns, it learns
anew from each part's complement, which is then searched.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.data.groups import deal, told, undividable, units
from dlkit.data.preprocess import Wanted, fit
from dlkit.data.wording import shown
from dlkit.encoders import flat
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine, Points, choices, numbers_to_try, predict
from dlkit.knn.rows import learning
from dlkit.knn.scores import Score, judge
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Digests
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.prepare import Prepared

    Found = dict[Choice, npt.NDArray[np.int64]]

_MOST_FITS: Final = 100  # of the preprocessing; with more parts it is fitted once


@dataclass(frozen=True, eq=False)
class Validated:
    """How a choice did in cross-validation.

    Attributes:
        choice: the choice.
        correct: (F,) right answers in each part.
        sizes: (F,) samples in each part.
        score: of all training samples together.
        one_out: each part is one content (leave-one-out).
        refit: whether the preprocessing was fitted without the part that is judged; None: it
            learns nothing.

    """

    choice: Choice
    correct: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    score: Score
    one_out: bool = False
    refit: bool | None = None

    @property
    def accuracy(self) -> float:
        """The share of right answers, of all parts together."""
        return self.score.accuracy

    @property
    def deviation(self) -> float | None:
        """The standard deviation (n - 1) of the parts' accuracies; None for leave-one-out."""
        return None if self.one_out else float((self.correct / self.sizes).std(ddof=1))

    def document(self) -> dict[str, object]:
        """The score in JSON's types."""
        return {
            **self.choice.document(),
            "accuracy": self.accuracy,
            "deviation": self.deviation,
            "errors": self.score.total - self.score.correct,
            "samples": self.score.total,
            "folds": len(self.sizes),
            "refit": self.refit,
        }


def parts(
    labels: npt.NDArray[np.int64],
    digests: Digests,
    folds: int | str,
    *,
    seed: int,
    groups: Sequence[str] | None = None,
) -> npt.NDArray[np.int64]:
    """The part (N,) of each sample; samples of equal content, or of one group, are in one part.

    Parts are equal in distinct contents, and in these by class, as far as numbers allow. A content
    is of the class of its first sample. With groups parts are as equal in samples, and in these by
    class, as whole groups allow.

    Args:
        labels: (N,) classes.
        digests: (N,) of the contents.
        folds: how many parts; loo: one for each content, or group.
        seed: of the shuffling within each class.
        groups: (N,) what belongs together; None: each content by itself.

    Raises:
        DlkitError: (USAGE) there are fewer contents, or groups, than parts.

    """
    kinds = digests if groups is None else units(groups, digests)
    _, first, number = np.unique(kinds, return_index=True, return_inverse=True)
    # Contents are numbered in the order in which they come, not in that of their digests.
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    number, count = rank[number], len(first)
    if folds == "loo":
        return number
    assert isinstance(folds, int)
    if folds > count:
        distinct = f"{count:,} distinct training samples"
        of = distinct if groups is None else told(groups, number)
        raise DlkitError(
            f"folds: {folds:,} parts of {of}",
            hint=f"--folds loo makes one part of each {'sample' if groups is None else 'group'}",
            code=USAGE,
        )
    if groups is not None:
        return deal(labels, number, folds, seed=seed)
    label = labels[first[order]]
    shuffled = np.random.default_rng(seed).permutation(count)
    # Contents of a class stand together and are dealt out in turn, without a break between classes.
    ordered = shuffled[np.argsort(label[shuffled], kind="stable")]
    found = np.empty(count, np.int64)
    found[ordered] = np.arange(count) % folds
    return found[number]


class Plan(NamedTuple):
    """What cross-validation will do.

    Attributes:
        part: (N,) of each training sample.
        sizes: (F,) samples in each part.
        asked: the choices that are judged.
        first: place of the first step of preprocessing that is fitted anew; None: none is.
        refit: as ``Validated.refit``.

    """

    part: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    asked: list[Choice]
    first: int | None
    refit: bool | None


def check_parts(config: KnnConfig) -> None:
    """Raise DlkitError (USAGE) if no parts are asked for."""
    if config.folds == "none":
        raise DlkitError(
            "folds none: cross-validation needs parts", hint="--folds 5, or loo", code=USAGE
        )


def plan(ready: Prepared, config: KnnConfig) -> Generator[Record, None, Plan]:
    """What is to be judged and in which parts; what was chosen on the user's behalf is said.

    Raises:
        DlkitError: (USAGE) no parts are asked for; a k larger than what lies outside of the
            largest part; too few samples.

    """
    check_parts(config)
    train = ready.samples.train
    groups = train.groups
    part = parts(train.labels, train.digests, config.folds, seed=config.seed, groups=groups)
    sizes = np.bincount(part)
    if len(sizes) < 2 and groups is not None:
        raise undividable(
            groups, train.digests, column=config.input.group_column,
            where="cross-validation needs two parts", hint="--k 5 --folds none trains without",
        )  # fmt: skip
    if len(sizes) < 2:
        raise DlkitError("cross-validation needs at least two distinct training samples")
    equal = len(part) - len(np.unique(train.digests))
    if equal:
        yield Noted(
            f"cross-validation: {equal:,} training samples equal to an earlier one are judged in "
            "its part, where it does not vote"
        )
    if groups is not None:
        yield Noted(
            f"cross-validation: {told(groups, units(groups, train.digests))} (column "
            f"{shown(config.input.group_column or '')}), never divided, in {len(sizes):,} parts of "
            f"{int(sizes.min()):,} to {int(sizes.max()):,} samples"
        )
    where = " outside of the largest part of the cross-validation"
    ks = yield from numbers_to_try(config, len(part) - int(sizes.max()), where=where)
    first = learning(ready.wanted, pixels=ready.numbers.dtype == np.uint8)
    refit = None if first is None else len(sizes) <= _MOST_FITS
    if first is not None and not refit:
        names = ",".join(step.text for step in ready.wanted[first:])
        yield Warned(
            f"{len(sizes):,} parts: the preprocessing ({names}) is fitted once, on the judged "
            f"samples, too, which flatters; with at most {_MOST_FITS} parts it is fitted anew for "
            "each"
        )
    return Plan(part, sizes, choices(config, ks), first if refit else None, refit)


def cross_validate(
    ready: Prepared, config: KnnConfig, engine: Engine
) -> Generator[Record, None, list[Validated]]:
    """The score of every choice of ``config`` on the training data alone.

    Raises:
        DlkitError: as ``plan``; a step that does not suit so few samples.

    """
    made = yield from plan(ready, config)
    points, part = ready.points, made.part
    if made.first is None:
        found = yield from predict(points, points.rows, made.asked, engine, groups=(part, part))
    else:
        found = yield from _anew(ready, made, made.first, engine)
    return [
        Validated(
            choice,
            np.bincount(part[winners == points.labels], minlength=len(made.sizes)),
            made.sizes,
            judge(choice, winners, points.labels, len(points.classes)),
            config.folds == "loo",
            made.refit,
        )
        for choice, winners in found.items()
    ]


def _anew(
    ready: Prepared, made: Plan, first: int, engine: Engine
) -> Generator[Record, None, Found]:
    """The predictions (N,) by each choice, the preprocessing fitted on the other parts."""
    labels, classes = ready.points.labels, ready.points.classes
    found: Found = {choice: np.empty(len(labels), np.int64) for choice in made.asked}
    same: tuple[Wanted, ...] = ready.wanted[:first]
    numbers: npt.NDArray[Any] = ready.numbers
    if same:
        _, numbers = yield from fit(same, numbers)
    for each in range(len(made.sizes)):
        engine.check()
        others, own = (np.flatnonzero(there) for there in (made.part != each, made.part == each))
        with signals.waiting():
            pipeline, rows = yield from fit(ready.wanted[first:], numbers[others])
            queries = flat(pipeline.apply(numbers[own]))
        points = Points(flat(rows), labels[others], classes)
        some = yield from predict(points, queries, made.asked, engine)
        for choice, winners in some.items():
            found[choice][own] = winners
    return found


def best(scores: Sequence[Validated]) -> Validated:
    """The choice with the most right answers; of equal ones that of the fewest neighbours."""
    highest = max(score.score.correct for score in scores)
    equal = [each for each in scores if each.score.correct == highest]
    return min(equal, key=lambda score: score.choice.k)
