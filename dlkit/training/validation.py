"""A part of the training data to judge epochs by: each class in proportion, groups whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


def split(
    labels: npt.ArrayLike,
    share: float,
    *,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> tuple[Places, Places]:
    """Divide the places 0 … N-1 into those to learn from and those to judge by.

    A class of n samples gives ``share * n`` of them, rounded, at least one and never all; a class
    of one sample gives none. With groups whole groups go over, drawn at random, as long as they
    bring the classes nearer to their share; every class keeps a sample to learn from.

    Args:
        labels: the class of each sample, (N,) integers.
        share: of the samples to judge by, 0 to 1; 0 takes none.
        seed: of the choice.
        groups: (N,) what must not be divided (a patient, a video); None: each sample by itself.

    Returns:
        Places to learn from and places to judge by, ascending.

    """
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    if not share or not len(label):
        return np.arange(len(label)), np.arange(0)
    sizes = np.bincount(label, minlength=len(classes))
    wanted = np.clip(np.round(share * sizes), 1, None)
    wanted = np.where(sizes < 2, 0, np.minimum(wanted, sizes - 1)).astype(np.int64)
    generator = np.random.default_rng([seed, 0x5AD])
    order = generator.permutation(len(label))
    if groups is None:
        taken = _each(label, order, wanted)
    else:
        taken = _whole(label, np.asarray(groups), wanted, sizes, generator)
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _each(label: Places, order: Places, wanted: Places) -> npt.NDArray[np.bool_]:
    """The first ``wanted`` samples of each class in ``order``."""
    sorted_ = order[np.argsort(label[order], kind="stable")]
    sizes = np.bincount(label, minlength=len(wanted))
    rank = np.arange(len(label)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    taken = np.zeros(len(label), bool)
    taken[sorted_[rank < np.repeat(wanted, sizes)]] = True
    return taken


def _whole(
    label: Places,
    groups: npt.NDArray[Any],
    wanted: Places,
    sizes: Places,
    generator: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Whole groups, in a drawn order, while they bring the classes nearer to ``wanted``."""
    _, group = np.unique(groups, return_inverse=True)
    group = group.reshape(-1)
    by_group = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    members = np.split(by_group, ends[:-1])
    taken = np.zeros(len(label), bool)
    have = np.zeros(len(wanted), np.int64)
    for number in generator.permutation(len(members)):
        mine = np.bincount(label[members[number]], minlength=len(wanted))
        after = have + mine
        nearer = np.abs(wanted - after).sum() < np.abs(wanted - have).sum()
        # A class that would have nothing left to learn from keeps this group.
        if nearer and np.all((after < sizes) | (mine == 0)):
            taken[members[number]] = True
            have = after
    return taken
