"""A part of the training data to judge epochs by: each class in proportion, groups whole."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dlkit.data.groups import take_whole, wanted_of

Places = npt.NDArray[np.int64]


def split(
    labels: npt.ArrayLike,
    share: float,
    *,
    seed: int,
    groups: npt.ArrayLike | None = None,
    some: bool = False,
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
        some: where no group brings the classes nearer, take the one that leads away least.

    Returns:
        Places to learn from and places to judge by, ascending.

    """
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    if not share or not len(label):
        return np.arange(len(label)), np.arange(0)
    sizes = np.bincount(label, minlength=len(classes))
    wanted = wanted_of(sizes, share)
    generator = np.random.default_rng([seed, 0x5AD])
    order = generator.permutation(len(label))
    if groups is None:
        taken = _each(label, order, wanted)
    else:
        found, group = np.unique(np.asarray(groups), return_inverse=True)
        drawn = generator.permutation(len(found))
        taken = take_whole(label, group.reshape(-1), wanted, drawn, some=some)
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _each(label: Places, order: Places, wanted: Places) -> npt.NDArray[np.bool_]:
    """The first ``wanted`` samples of each class in ``order``."""
    sorted_ = order[np.argsort(label[order], kind="stable")]
    sizes = np.bincount(label, minlength=len(wanted))
    rank = np.arange(len(label)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    taken = np.zeros(len(label), bool)
    taken[sorted_[rank < np.repeat(wanted, sizes)]] = True
    return taken
