"""The groups that a table's column names, and groups that stand in several splits."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.cells import is_missing
from dlkit.data.groups import hold_out_groups, undividable
from dlkit.data.labels import class_name
from dlkit.data.splits import tell_far
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.frames import Frame
    from dlkit.data.groups import Places
    from dlkit.data.parts import Wish
    from dlkit.data.samples import Digests, Labels, Split

# A whole number as tables write it that have it among missing ones.
_WHOLE: Final = re.compile(r"(-?[0-9]+)\.0+")
_WORDS: Final = {"train": "training"}


def group_name(value: Any, declared: Sequence[str] | None = None) -> str | None:
    """The group that one cell names, None where it is missing.

    1 and 1.0 are one group, 7 and 007 are two.

    Args:
        value: text, a number, true or false, a date; with ``declared``, a place in it.
        declared: the names of a column of classes.

    Raises:
        ValueError: it is a list, an object or bytes; a place outside ``declared``.

    """
    if is_missing(value):
        return None
    if isinstance(value, (dict, list, bytes)):
        raise ValueError(f"a value of type {type(value).__name__} is not a group")
    if declared is not None:
        return class_name(value, declared)
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def group_names(
    frame: Frame, column: str | None, values: Sequence[Any], places: Sequence[str]
) -> list[str | None] | None:
    """The groups that the cells of a table's column name; None: no column was asked for.

    Args:
        frame: the table.
        column: its name.
        values: its cells.
        places: where each is.

    Raises:
        DlkitError: a cell that cannot name one.

    """
    if column is None:
        return None
    names: list[str | None] = []
    for place, value in zip(places, values, strict=True):
        try:
            names.append(group_name(value, frame.declared.get(column)))
        except ValueError as error:
            raise DlkitError(
                f"{place}: the group column {shown(column)}: {error}", hint="--group-column NAME"
            ) from error
    return names


def with_group(
    split: str,
    groups: Sequence[str | None] | None,
    keep: Places,
    places: Sequence[str],
    wish: Wish,
) -> Generator[Record, None, Places]:
    """Those of the places ``keep`` whose samples have a group; all where none was asked for.

    Args:
        split: its name, for messages.
        groups: of all samples of the split, labelled or not.
        keep: places of those that count.
        places: where each sample is.
        wish: whether those without may be left out.

    Raises:
        DlkitError: a sample without a group.

    """
    if groups is None:
        return keep
    there = np.array([groups[place] is not None for place in keep.tolist()], bool)
    if there.all():
        return keep
    first = places[int(keep[~there][0])]
    column = shown(wish.config.group_column or "")
    what = (
        f"the split {split}: {counted(int((~there).sum()), 'sample')} of {len(keep):,} without a "
        f"group (column {column})"
    )
    if not wish.config.skip_bad:
        raise DlkitError(
            f"{what}, the first at {shown(first)}",
            hint="--skip-bad leaves out, and counts, such samples",
        )
    if not there.any():
        raise DlkitError(f"{what}: nothing is left", hint="--group-column NAME")
    yield Warned(f"{what} left out")
    left: Places = keep[there]
    return left


def chosen(
    groups: Sequence[str | None] | None, places: npt.NDArray[np.int64] | Sequence[int]
) -> list[str] | None:
    """The groups at ``places``, all of which have one."""
    return None if groups is None else [groups[int(place)] or "" for place in places]


def hold_out_whole(
    digests: Digests, labels: Labels, groups: Sequence[str], config: SampleConfig, *, where: str
) -> Generator[Record, None, tuple[Places, Places]]:
    """Hold out whole groups, and say what was held out.

    Args:
        digests: of the samples' contents, (N,).
        labels: their classes, (N,).
        groups: N names.
        config: the share and the column's name.
        where: the data's name.

    Returns:
        The places of the training and of the test samples.

    Raises:
        DlkitError: no group can be held out.

    """
    share, column = config.test_share, shown(config.group_column or "")
    train, test = hold_out_groups(digests, labels, groups, share)
    if not share:
        yield Noted(f"{where}: nothing is held out (--test-share 0), so nothing can be judged on")
        return train, test
    if not len(test):
        raise undividable(
            groups, digests, column=config.group_column, where=f"{where}: no test split",
            hint="give a test split (--test-split NAME), or --test-share 0 for none",
        )  # fmt: skip
    held = len({groups[place] for place in test.tolist()})
    yield Noted(
        f"{where} has no test split: {counted(len(test), 'sample')} of {len(labels):,} held out, "
        f"{held:,} of {counted(len(set(groups)), 'group')} (column {column}), each class as nearly "
        "in proportion as whole groups allow"
    )
    yield from tell_far(len(test) / len(labels), share, why="groups stay together")
    alone = np.setdiff1d(labels[train], labels[test])
    if len(alone):
        yield Noted(f"{counted(len(alone), 'class', 'classes')} all in training")
    return train, test


def tell_divided(splits: Mapping[str, Split], column: str | None) -> Iterator[Record]:
    """Warn of groups that stand in two splits of the data's own.

    Args:
        splits: by name.
        column: of the groups; None: there are none.

    """
    for one, other in combinations(splits, 2):
        ours, theirs = splits[one].groups, splits[other].groups
        if column is None or ours is None or theirs is None:
            continue
        known = set(ours)
        places = [place for place, name in enumerate(theirs) if name in known]
        if not places:
            continue
        both, first = len({theirs[place] for place in places}), places[0]
        yield Warned(
            f"{both:,} of {counted(len(set(theirs)), 'group')} (column {shown(column)}) of the "
            f"{other} samples {'is' if both == 1 else 'are'} in {_WORDS.get(one, one)}, too, with "
            f"{counted(len(places), 'sample')}: {shown(theirs[first])} at "
            f"{shown(splits[other].paths[first])}"
        )
