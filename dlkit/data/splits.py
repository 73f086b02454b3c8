"""Splits: which is for learning and which for judging, held out where there is none, and leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Digests, Labels, Split

_Places = npt.NDArray[np.int64]

_NAMED: Final = 8  # splits in a message
_FAR: Final = 0.05  # of the samples: a share that is so far from the one asked for is told


def choose_splits(
    names: Sequence[str], config: SampleConfig, *, where: str
) -> tuple[dict[str, str], list[str]]:
    """Which split of the data is for what.

    Args:
        names: the splits that there are.
        config: names some of them, perhaps.
        where: the data's name, for messages.

    Returns:
        The data's own names of "train" and, where there are any, "validation" and "test"; and what
        to tell.

    Raises:
        DlkitError: (USAGE) there is no such split, or one is to be both.

    """
    for option, wanted in (("train", config.train_split), ("test", config.test_split)):
        if wanted is not None and wanted not in names:
            raise DlkitError(
                f"--{option}-split {shown(wanted)}: {where} has no such split",
                hint=f"it has {listed(names, _NAMED)}",
                code=USAGE,
            )
    if config.train_split is not None and config.train_split == config.test_split:
        raise DlkitError(
            f"--test-split {shown(config.train_split)} is the training split, too", code=USAGE
        )
    free = [name for name in names if name != config.test_split]
    train = config.train_split or ("train" if "train" in free else None)
    if train is None:
        if len(free) != 1:
            raise DlkitError(
                f"{where} has no split train; it has {listed(names, _NAMED)}",
                hint="--train-split NAME",
            )
        train = free[0]
    chosen, notes = {"train": train}, []
    rest = [name for name in free if name != train]
    test = config.test_split or next((n for n in ("test", "validation") if n in rest), None)
    if test is not None:
        chosen["test"] = test
        if config.test_split is None and test == "validation":
            notes.append(f"{where}: no split test; validation is what is judged on")
    if "validation" in rest and test != "validation":
        chosen["validation"] = "validation"
    if idle := [name for name in names if name not in chosen.values()]:
        notes.append(f"{where}: {listed(idle, _NAMED)} not read")
    if config.train_split is None and train != "train":
        notes.append(f"{where}: the split {train} is what is learnt from")
    return chosen, notes


def hold_out(digests: Digests, labels: Labels, share: float) -> tuple[_Places, _Places]:
    """Divide samples by their content: the same samples in any order are divided alike.

    Of each class the distinct contents are sorted by their digests, and the first ``share`` of
    them, at least one and never all, go to the test split; a class with one content stays. Equal
    contents stay together, in the class that most of them have, of as many the one with the lowest
    number.

    Args:
        digests: of the samples' contents, (N,).
        labels: their classes, (N,).
        share: of the samples to take for the test split; 0: none at all.

    Returns:
        The places of the training and of the test samples, in their order.

    """
    if not share:
        return np.arange(len(labels)), np.empty(0, np.int64)
    contents, number = np.unique(digests, return_inverse=True)  # sorted
    many = int(labels.max(initial=0)) + 1
    pairs, sizes = np.unique(number * many + labels, return_counts=True)
    order = np.lexsort((pairs, -sizes, pairs // many))
    _, best = np.unique(pairs[order] // many, return_index=True)
    label = pairs[order][best] % many  # of each content
    tested = np.zeros(len(contents), bool)
    for each in np.unique(label):
        of_class = np.flatnonzero(label == each)
        if len(of_class) > 1:
            size = min(max(1, round(share * len(of_class))), len(of_class) - 1)
            tested[of_class[:size]] = True
    mask = tested[number]
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def tell_held_out(
    labels: Labels, train: _Places, test: _Places, *, where: str, share: float | None = None
) -> Iterator[Record]:
    """Say what was held out.

    Args:
        labels: of all samples, (N,).
        train: the places of those that stay.
        test: the places of those that were taken.
        where: the data's name.
        share: that was to be held out; told where it came to be another.

    Raises:
        DlkitError: there was nothing to hold out.

    """
    if share == 0:
        yield Noted(f"{where}: nothing is held out (--test-share 0), so nothing can be judged on")
        return
    if not len(test):
        raise DlkitError(
            f"{where} is too small for a test split: no class has two samples that differ",
            hint="give a test split (--test-split NAME), or more samples",
        )
    yield Noted(
        f"{where} has no test split: {counted(len(test), 'sample')} of {len(labels):,} held out "
        "by content, each class in proportion"
    )
    if share is not None:
        why = "equal samples stay together, and each class of several gives one at least"
        yield from tell_far(len(test) / len(labels), share, why=why)
    alone = np.setdiff1d(labels[train], labels[test])
    if len(alone):
        yield Noted(
            f"{counted(len(alone), 'class', 'classes')} with one sample, or equal ones only, "
            "all in training"
        )


def tell_far(found: float, share: float, *, why: str) -> Iterator[Record]:
    """Say that another share is held out than was asked for, where it is far from that."""
    if abs(found - share) > _FAR:
        yield Noted(f"{found:.0%} are held out, not {share:.0%} (--test-share): {why}")


def limited(labels: Labels, limit: int | None, *, seed: int) -> _Places | None:
    """The places of at most ``limit`` samples, each class in proportion; None: take all.

    Args:
        labels: the class of each sample, (N,).
        limit: how many to take.
        seed: of the choice within each class.

    """
    if limit is None or limit >= len(labels):
        return None
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(labels))
    # Samples of a class, shuffled, stand at even distances; the first `limit` of all are taken.
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, start, size = np.unique(labels[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(start, size)
    distance = (rank + 0.5) / np.repeat(size, size)
    return np.sort(order[np.argsort(distance, kind="stable")[:limit]])


def duplicates(splits: dict[str, Split]) -> Iterator[Record]:
    """Tell of samples whose content is in another split, too, and of equal ones with two labels."""
    train = splits["train"]
    contents, first = np.unique(train.digests, return_index=True)
    if twice := len(train) - len(contents):
        number = np.searchsorted(contents, train.digests)
        other = int((train.labels != train.labels[first[number]]).sum())
        more = f", {other:,} of them of another class" if other else ""
        yield Noted(f"{counted(twice, 'training sample')} equal to an earlier one{more}")
    for name, split in splits.items():
        if name == "train":
            continue
        leaked = shared(split, train.digests)
        place = first[np.searchsorted(contents, split.digests[leaked])]
        other = int((split.labels[leaked] != train.labels[place]).sum())
        more = f"; {other:,} of another class" if other else ""
        yield from tell_shared(split, leaked, name, where=f"in training, too (equal content{more})")


def shared(split: Split, digests: Digests) -> _Places:
    """The places of the samples of a split whose content is one of ``digests``."""
    return np.flatnonzero(np.isin(split.digests, digests))


def tell_shared(split: Split, places: _Places, name: str, *, where: str) -> Iterator[Record]:
    """Warn of samples that are somewhere else, too.

    Args:
        split: all samples.
        places: which they are.
        name: the split's.
        where: where they are, too.

    """
    count, total = len(places), len(split)
    if not count:
        return
    some = f"{count:,} of the {total:,} {name} samples {'is' if count == 1 else 'are'}"
    if count == total:
        some = f"the one {name} sample is" if count == 1 else f"all {count:,} {name} samples are"
    yield Warned(f"{some} {where}: {shown(split.paths[int(places[0])])}")
