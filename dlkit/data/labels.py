"""Classes by name: what a column's values call them, and the same class in every split."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.data import cells
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.samples import Labels

MOST_CLASSES: Final = 100_000


def class_name(value: Any, declared: Sequence[str] | None, *, numeric: bool = False) -> str | None:
    """The class that one cell names, None where it is empty or says that there is none (-1).

    Args:
        value: text, a whole number, true or false; with ``declared``, a place in it.
        declared: the names of a column of classes.
        numeric: the column is of numbers, even where they are written as text.

    Raises:
        ValueError: a number that is no whole number, or a place outside ``declared``.

    """
    if isinstance(value, str):
        value = value.strip()
        # 007 is another class than 7, and a word among numbers is a class, too.
        if not numeric or value.isdecimal() or not cells.is_number(value):
            return str(value) or None
        value = cells.number(value)
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return None
        if not float(value).is_integer():
            raise ValueError(f"{value:g} is a measured number, not a class")
    elif not isinstance(value, (int, np.integer)):
        raise ValueError(f"a value of type {type(value).__name__} is not a class")
    return str(int(value)) if declared is None else _declared(int(value), declared)


def are_numbers(classes: Sequence[str]) -> bool:
    """Whether the class names of an artifact come from numbers, so that 1.0 means the class 1."""
    numbers = [name for name in classes if cells.is_number(name)]
    return bool(numbers) and all(name.removeprefix("-").isdecimal() for name in numbers)


def _declared(place: int, declared: Sequence[str]) -> str | None:
    if place == -1:  # how data sets of the hub say that a label is withheld
        return None
    if not 0 <= place < len(declared):
        raise ValueError(f"{place} is not one of the {len(declared):,} declared classes")
    return declared[place]


def class_names(
    values: Sequence[Any],
    declared: Sequence[str] | None,
    *,
    where: str,
    places: Sequence[str],
    numeric: bool = False,
) -> list[str | None]:
    """The classes that a column's cells name.

    Args:
        values: the cells.
        declared: the names of a column of classes, where it is one.
        where: the column, for messages.
        places: where each cell is, for messages.
        numeric: the column is of numbers, even where they are written as text.

    Raises:
        DlkitError: a cell that names no class.

    """
    known: dict[Any, str | None] = {}  # few classes, many samples: each is looked at once
    names: list[str | None] = []
    for row, value in enumerate(values):
        key = (type(value), value) if value.__hash__ else (row,)
        if key not in known:
            try:
                known[key] = class_name(value, declared, numeric=numeric)
            except ValueError as error:
                raise DlkitError(
                    f"{places[row]}: {where}: {error}", hint="--label-column NAME"
                ) from error
        names.append(known[key])
    return names


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts class names as a person does: 2 before 10, a2 before a10, -1 before 1."""
    if re.fullmatch("-[0-9]{1,3999}", name):
        return ((0, int(name), ""),)
    return tuple(
        (0, int(part), "")
        if part.isascii() and part.isdigit() and len(part) < 4000
        else (1, 0, part)
        for part in re.split(r"([0-9]+)", name)
        if part
    )


def match_classes(
    found: Mapping[str, Sequence[str]],
    declared: Sequence[str] | None = None,
    *,
    given: Sequence[str] | None = None,
) -> Iterator[Record | tuple[tuple[str, ...], dict[str, Labels]]]:
    """Number the classes of all splits alike, by name.

    Args:
        found: the class of each sample, by split; "train" among them unless ``given``.
        declared: the order of the training data's classes, where they declare one.
        given: the classes of an artifact, whose numbers count.

    Yields:
        What to tell, and last the classes and each split's labels, (N,) int64.

    Raises:
        DlkitError: a split has a class that is not among ``given``.

    """
    there = {split: dict.fromkeys(names) for split, names in found.items()}
    if given is not None:
        classes = tuple(given)
        for split, names in there.items():
            if unknown := [name for name in names if name not in set(classes)]:
                raise DlkitError(
                    f"the split {split} has {_classes(unknown)} that the artifact does not know",
                    hint=f"it knows {listed(classes)}",
                )
    else:
        seen = {name: None for names in there.values() for name in names}
        order = [*dict.fromkeys(declared or ())]
        rest = sorted(sorted(set(seen) - set(order)), key=natural)  # 0 and 00 sort alike
        classes = (*order, *rest)
        yield from _told(classes, there)
    if len(classes) > MOST_CLASSES:
        raise DlkitError(
            f"the labels name {len(classes):,} classes; {MOST_CLASSES:,} are allowed",
            hint="--label-column NAME",
        )
    number = {name: place for place, name in enumerate(classes)}
    yield (
        classes,
        {
            split: np.fromiter((number[name] for name in names), np.int64, len(names))
            for split, names in found.items()
        },
    )


def _told(classes: Sequence[str], there: Mapping[str, Mapping[str, None]]) -> Iterator[Record]:
    """What is odd about the classes of the splits."""
    train = there.get("train", {})
    if len(train) == 1:
        yield Warned(f"all training samples are of one class, {shown(next(iter(train)))}")
    for split, names in there.items():
        if split == "train":
            continue
        if only := [name for name in names if name not in train]:
            yield Warned(f"{_classes(only)} in the split {split} and not in training: never learnt")
        if absent := [name for name in train if name not in names]:
            yield Noted(f"{_classes(absent)} in training and not in the split {split}")
    seen = {name for names in there.values() for name in names}
    if empty := [name for name in classes if name not in seen]:
        yield Noted(f"{_classes(empty)} declared, without a sample")


def _classes(names: Sequence[str]) -> str:
    return f"{counted(len(names), 'class', 'classes')} ({listed(names)})"
