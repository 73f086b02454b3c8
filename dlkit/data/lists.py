"""Columns of lists of numbers, such as embeddings, as a column for each of their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.frames import Frame, Row


def are_lists(values: Sequence[Any]) -> bool:
    """Whether all values that there are are lists of numbers."""
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, list) and _numbers(value) for value in there)


def _numbers(values: list[Any]) -> bool:
    return bool(values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        for value in values
    )


def spread(frame: Frame) -> Frame:
    """The table with ``name[0]``, ``name[1]`` and so on for a column of the kind "list".

    How many there are the first row says; a row with more or fewer is an error where it is read,
    and one without a list lacks all of them.
    """
    widths = {
        name: next((len(value) for value in frame.sample[name] if value is not None), 0)
        for name, kind in frame.kinds.items()
        if kind == "list"
    }
    if not widths:
        return frame
    kinds: dict[str, Any] = {}
    origin: dict[str, tuple[str, int]] = {}
    sample: dict[str, list[Any]] = {}
    for name, kind in frame.kinds.items():
        if name not in widths:
            kinds[name] = kind
            sample |= {name: frame.sample[name]} if name in frame.sample else {}
            continue
        for place in range(widths[name]):
            column = f"{name}[{place}]"
            if column in frame.kinds:
                raise DlkitError(
                    f"{frame.name}: the list {shown(name)} and the column {shown(column)} have "
                    "one name",
                    hint="rename the column",
                )
            kinds[column], origin[column] = "number", (name, place)
            sample[column] = [
                value[place] if value is not None and place < len(value) else None
                for value in frame.sample[name]
            ]

    def rows(columns: Sequence[str]) -> Iterator[Row]:
        whole = list(dict.fromkeys(origin.get(name, (name, 0))[0] for name in columns))
        lists = [(place, widths[name]) for place, name in enumerate(whole) if name in widths]
        plan = [
            (whole.index(origin[name][0]), origin[name][1])
            if name in origin
            else (whole.index(name), -1)
            for name in columns
        ]
        for row in frame.rows(whole):
            cells = list(row.cells)
            for place, width in lists:
                cells[place] = _of_width(cells[place], width, whole[place], row.place)
            yield row._replace(
                cells=[cells[at] if part < 0 else cells[at][part] for at, part in plan]
            )

    return replace(frame, kinds=kinds, sample=sample, rows=rows)


def _of_width(value: Any, width: int, name: str, place: str) -> list[Any]:
    if value is None:
        return [None] * width
    if not isinstance(value, list) or len(value) != width:
        has = counted(len(value), "number") if isinstance(value, list) else "no list"
        raise DlkitError(
            f"{place}: {shown(name)} has {has}, but in the first row {width:,}",
            hint="all rows need equally many",
        )
    return value
