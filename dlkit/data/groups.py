"""Groups of samples that are never divided: one patient's, one author's, one film's frames.

Samples of one group belong together, and so do equal samples, whatever their groups are: what is
divided are units, the connected parts of the graph whose edges are both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dlkit.data.samples import digest_of
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.samples import Digests, Labels

Places = npt.NDArray[np.int64]


def units(groups: Sequence[str], digests: Digests) -> Places:
    """The unit (N,) of each sample: samples of one group, or of equal content, are in one.

    Units are numbered from 0 as the first of their groups' names sort, in whatever order the
    samples lie.

    Args:
        groups: of the samples, N names.
        digests: of their contents, (N,).

    """
    names = sorted(set(groups))
    place = {name: number for number, name in enumerate(names)}
    group = np.fromiter((place[name] for name in groups), np.int64, len(groups))
    _, content = np.unique(digests, return_inverse=True)
    joined = np.unique(np.stack([content.reshape(-1), group], axis=1), axis=0)
    # A content in several groups joins each of them with the next one.
    same = np.flatnonzero(joined[1:, 0] == joined[:-1, 0])
    parent = list(range(len(names)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for one, other in zip(joined[same, 1].tolist(), joined[same + 1, 1].tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    roots = np.array([root(number) for number in range(len(names))], np.int64)
    _, found = np.unique(roots[group], return_inverse=True)
    return found.reshape(-1)


def wanted_of(sizes: Places, share: float) -> Places:
    """How many samples of each class (C,) are to go: one at least and never all; of one none."""
    wanted = np.clip(np.round(share * sizes), 1, None)
    return np.where(sizes < 2, 0, np.minimum(wanted, sizes - 1)).astype(np.int64)


def take_whole(
    label: Places, unit: Places, wanted: Places, order: Places, *, some: bool = False
) -> npt.NDArray[np.bool_]:
    """Which samples go over (N,): whole units, while they bring the classes nearer to ``wanted``.

    Args:
        label: the class of each sample, (N,) from 0.
        unit: what is not divided, (N,) from 0.
        wanted: how many samples of each class are to go over, (C,).
        order: of the units, each once.
        some: where no unit brings the classes nearer, take the one that leads away least.

    Returns:
        True for each sample that goes over. Of every class a sample stays.

    """
    sizes = np.bincount(label, minlength=len(wanted))
    members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
    taken = np.zeros(len(label), bool)
    have = np.zeros(len(wanted), np.int64)
    best: tuple[int, int] | None = None
    for number in order.tolist():
        mine = np.bincount(label[members[number]], minlength=len(wanted))
        after = have + mine
        gap = np.abs(wanted - after).sum()
        # A class that would have nothing left to learn from keeps this unit.
        if not np.all((after < sizes) | (mine == 0)):
            continue
        if gap < np.abs(wanted - have).sum():
            taken[members[number]] = True
            have = after
        elif not have.any() and (best is None or gap < best[0]):
            best = (int(gap), number)
    if some and best is not None and not taken.any():
        taken[members[best[1]]] = True
    return taken


def hold_out_groups(
    digests: Digests, labels: Labels, groups: Sequence[str], share: float
) -> tuple[Places, Places]:
    """Divide samples by their groups: the same samples in any order are divided alike.

    Units are taken in the order of the digests of their first names, as long as they bring the
    classes nearer to their share; one at least where one can go and leave samples of every class.

    Args:
        digests: of the samples' contents, (N,).
        labels: their classes, (N,).
        groups: N names.
        share: of each class' samples to take for the test split; 0: none at all.

    Returns:
        The places of the training and of the test samples, in their order.

    """
    if not share or not len(labels):
        return np.arange(len(labels)), np.empty(0, np.int64)
    unit = units(groups, digests)
    first: dict[int, str] = {}
    for number, name in zip(unit.tolist(), groups, strict=True):
        first[number] = min(name, first.get(number, name))
    keys = {
        number: (digest_of(name.encode("utf-8", "surrogatepass")), name)
        for number, name in first.items()
    }
    order = np.array(sorted(first, key=keys.__getitem__), np.int64)
    _, label = np.unique(labels, return_inverse=True)
    wanted = wanted_of(np.bincount(label), share)
    taken = take_whole(label.reshape(-1), unit, wanted, order, some=True)
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def deal(labels: Labels, unit: Places, parts: int, *, seed: int) -> Places:
    """The part (N,) of each sample, units whole, each class spread as evenly as they allow.

    The largest units are dealt first, of equal ones in a drawn order, each to the part that has the
    least of its classes, of several the smallest. No part is empty.

    Args:
        labels: (N,) classes.
        unit: (N,) what is not divided, from 0.
        parts: how many; not more than units.
        seed: of the drawing.

    """
    _, label = np.unique(labels, return_inverse=True)
    of_class = np.bincount(label.reshape(-1))
    pairs, counts = np.unique(unit * len(of_class) + label.reshape(-1), return_counts=True)
    owner, of = pairs // len(of_class), pairs % len(of_class)
    sizes = np.bincount(unit)
    ends = np.cumsum(np.bincount(owner, minlength=len(sizes)))
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    have = np.zeros((parts, len(of_class)), np.int64)
    filled = np.zeros(parts, np.int64)
    part = np.empty(len(sizes), np.int64)
    for number in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        mine = slice(ends[number - 1] if number else 0, ends[number])
        # What the sum of the squares of all parts' shares grows by, but for what is the same.
        crowd = have[:, of[mine]] @ (counts[mine] / of_class[of[mine]] ** 2)
        to = int(np.lexsort((filled, crowd))[0])
        have[to, of[mine]] += counts[mine]
        filled[to] += sizes[number]
        part[number] = to
    return part[unit]


def told(groups: Sequence[str], unit: Places) -> str:
    """How many groups there are, and how many units, where these are fewer."""
    many, apart = len(set(groups)), len(np.unique(unit))
    joined = f", {apart:,} where equal samples join them" if apart < many else ""
    return f"{counted(many, 'group')}{joined}"


def undividable(
    groups: Sequence[str], digests: Digests, *, column: str | None, where: str, hint: str
) -> DlkitError:
    """The error of groups of which none can be set apart from the others.

    Args:
        groups: of the samples, N names.
        digests: of their contents, (N,).
        column: that tells them.
        where: the data's name, and what they are too few for.
        hint: what to do.

    """
    unit = units(groups, digests)
    if len(np.unique(unit)) > 1:
        why = "each has all samples of a class, which would have none to learn from"
    elif len(set(groups)) > 1:
        why = "they cannot be divided"
    else:
        why = f"all samples are of the group {shown(groups[0])}"
    return DlkitError(
        f"{where}: {told(groups, unit)} in the column {shown(column or '')}: {why}", hint=hint
    )
