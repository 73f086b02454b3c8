"""Training data in two: what is learnt from, and what epochs and settings are judged by."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.groups import undividable, units
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record
from dlkit.training.validation import split

if TYPE_CHECKING:
    from dlkit.data.samples import Samples, Split


def set_aside(
    samples: Samples,
    share: float,
    *,
    seed: int,
    column: str | None,
    blocks: int | None = None,
) -> Generator[Record, None, tuple[Split, Split | None]]:
    """The samples to learn from, and those to judge by; None: no share was asked for.

    A validation split of the data's own is taken where there is one.

    Args:
        samples: the data; of them the training split alone is looked at.
        share: of the training samples to judge by.
        seed: of the choice.
        column: the one that told the groups, for messages.
        blocks: so many samples of a class that follow one another stay together; None: each
            sample is by itself.

    Raises:
        DlkitError: (USAGE) blocks of data whose groups are known; the samples to learn from are
            all of one class; no group can be set apart.

    """
    learnt, judged = samples.train, None
    if share and "validation" in samples.splits:
        judged = samples.splits["validation"]
        yield Noted(f"validation: the data's own split of {len(judged):,} samples")
    elif share:
        if blocks is not None:
            samples = _in_blocks(samples, blocks)
            yield Noted(
                f"validation: blocks of {blocks:,} samples of a class that follow one another are "
                "not divided"
            )
        learnt, judged = _divided(samples, share, seed, column)
    present = int((np.bincount(learnt.labels) > 0).sum())
    if present < 2:
        raise DlkitError(
            f"{samples.name}: the training samples are all of one class, there is nothing to learn",
            hint="a folder needs a folder below it for each class; --label-column names the "
            "column of a table",
        )
    return learnt, judged


def _in_blocks(samples: Samples, size: int) -> Samples:
    """The data with groups: of each class, ``size`` samples that follow one another.

    Raises:
        DlkitError: (USAGE) their groups are known.

    """
    train = samples.train
    if train.groups is not None:
        raise DlkitError(
            "--validation-blocks and --group-column both say what belongs together",
            hint="leave out --validation-blocks",
            code=USAGE,
        )
    order = np.argsort(train.labels, kind="stable")
    sizes = np.bincount(train.labels)
    place = np.empty(len(train), np.int64)  # of each sample within its class
    place[order] = np.arange(len(train)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    pairs = zip(train.labels.tolist(), (place // size).tolist(), strict=True)
    groups = [f"class {label} block {block}" for label, block in pairs]
    return samples.with_splits({**samples.splits, "train": replace(train, groups=groups)})


def _divided(
    samples: Samples, share: float, seed: int, column: str | None
) -> tuple[Split, Split | None]:
    """The samples to learn from, and those to judge by; equal ones, and groups, stay together.

    Raises:
        DlkitError: no group can be set apart.

    """
    train = samples.train
    groups: Any = None
    if train.groups is not None:
        groups = units(train.groups, train.digests)
    elif len(np.unique(train.digests)) < len(train):
        # As the test split is held out: of what was learnt by heart nothing may be judged.
        groups = train.digests
    some = train.groups is not None
    ours, theirs = split(train.labels, share, seed=seed, groups=groups, some=some)
    if len(theirs) or train.groups is None:
        return (train.take(ours), train.take(theirs)) if len(theirs) else (train, None)
    where = f"{samples.name}: no training samples to judge by"
    hint = "--validation 0 sets none aside"
    raise undividable(train.groups, train.digests, column=column, where=where, hint=hint)
