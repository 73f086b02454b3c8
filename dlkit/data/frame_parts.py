"""Texts and tables of one split, and the choice of who reads a table."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.data.cells import characters, is_missing
from dlkit.data.forms import Form, TableForm
from dlkit.data.group_cells import chosen as chosen_groups
from dlkit.data.group_cells import group_names, with_group
from dlkit.data.image_parts import frame_images
from dlkit.data.parts import Part, Wish, labelled, limited_by_name, named
from dlkit.data.row_numbers import row_numbers
from dlkit.data.tabular import RawTable, read_table
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.frames import Frame
    from dlkit.data.roles import Roles

_NAMED: Final = 5  # bad rows in a message
_LARGEST_TEXT: Final = 1 << 26  # characters of one text file


def text_files(
    split: str, files: Sequence[Path], classes: Sequence[str], wish: Wish
) -> Generator[Record, None, Part]:
    """The part of texts in class folders, one a file."""
    keep = yield from limited_by_name(split, classes, wish)
    texts = [whole_text(files[place], wish.config) or None for place in keep.tolist()]
    paths = [str(files[place]) for place in keep]
    return (yield from _texts(split, texts, [classes[place] for place in keep], paths, wish))


def whole_text(path: Path, config: SampleConfig) -> str:
    """The text that a file holds, without white space around it.

    Raises:
        DlkitError: it cannot be read, or is too large for one text.

    """
    with characters(path, config) as chunks:
        return "".join(_bounded(chunks, path)).strip()


def _bounded(chunks: Iterable[str], path: Path) -> Iterator[str]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > _LARGEST_TEXT:
            raise DlkitError(f"{shown(path)} has more than {_LARGEST_TEXT:,} characters")
        yield chunk


def frame_part(
    split: str, frame: Frame, roles: Roles, wish: Wish, *, numeric: Sequence[str]
) -> Generator[Record, None, Part]:
    """The part of one split of a table.

    Args:
        split: its name, for messages.
        frame: the table.
        roles: which columns are what.
        wish: how it is to be read.
        numeric: which columns are of numbers, in the training split.

    Raises:
        DlkitError: a column is missing, a cell is not what it should be, or a label is missing.

    """
    for name in (*roles.inputs, roles.label):
        if name not in frame.kinds:
            raise DlkitError(f"the split {split} ({frame.name}) has no column {shown(name)}")
    part = yield from _part(split, frame, roles, wish, numeric)
    yield from told_bad(frame)
    return part


def told_bad(frame: Frame) -> Iterator[Record]:
    """A warning of rows of another length that were left out."""
    if frame.bad:
        some = "; ".join(frame.bad[:_NAMED]) + ("; …" if len(frame.bad) > _NAMED else "")
        yield Warned(f"{counted(len(frame.bad), 'bad row')} ({some}) left out")


def _part(
    split: str, frame: Frame, roles: Roles, wish: Wish, numeric: Sequence[str]
) -> Generator[Record, None, Part]:
    if roles.kind == "images":
        return (yield from frame_images(split, frame, roles, wish))
    if roles.kind == "texts":
        apart = [] if roles.group is None else [roles.group]
        rows = list(frame.rows([*roles.inputs, roles.label, *apart]))
        texts = [_text(row.cells[0], row.place) for row in rows]
        places = [row.place for row in rows]
        found = named(frame, roles, [row.cells[1] for row in rows], places)
        groups = group_names(frame, roles.group, [row.cells[-1] for row in rows], places)
        return (yield from _texts(split, texts, found, places, wish, groups))
    return (yield from _frame_table(split, frame, roles, wish, numeric))


def _frame_table(
    split: str, frame: Frame, roles: Roles, wish: Wish, numeric: Sequence[str]
) -> Generator[Record, None, Part]:
    raw: RawTable | None = None
    learnt = split == "train" and wish.form is None
    for record in read_table(
        frame,
        roles.label,
        roles.inputs,
        numeric=numeric,
        skip_bad=wish.config.skip_bad,
        beside=_beside(frame, roles) if learnt else (),
        group=roles.group,
    ):
        if isinstance(record, RawTable):
            raw = record
        else:
            yield record
    assert raw is not None
    if learnt:
        raw = yield from _without_row_numbers(raw, asked=bool(wish.config.columns))
    found = named(frame, roles, raw.labels, raw.places)
    keep = yield from labelled(split, found, raw.places, wish)
    groups = group_names(frame, roles.group, raw.groups or (), raw.places)
    keep = yield from with_group(split, groups, keep, raw.places, wish)
    names = [found[place] or "" for place in keep.tolist()]
    chosen = yield from limited_by_name(split, names, wish)
    keep = keep[chosen]
    raw = raw.take(keep)
    names = [names[place] for place in chosen.tolist()]
    return Part(raw, names, raw.places, groups=chosen_groups(groups, keep))


def _beside(frame: Frame, roles: Roles) -> list[str]:
    """The columns that are neither inputs, label nor groups, and hold numbers or words."""
    taken = {roles.label, roles.group, *roles.inputs}
    kinds = ("number", "text", "classes")
    return [name for name, kind in frame.kinds.items() if kind in kinds and name not in taken]


def _without_row_numbers(raw: RawTable, *, asked: bool) -> Generator[Record, None, RawTable]:
    """The table whose row numbers are no content and, unless ``asked`` for, no inputs."""
    numbers = {name: raw.numbers[name] for name in raw.content if name in raw.numbers}
    found = row_numbers(numbers, others=len(raw.content) - len(numbers))
    content = tuple(name for name in raw.content if name not in found)
    if asked:
        return replace(raw, content=content or raw.content)
    for name, why in found.items():
        yield Warned(
            f"the column {shown(name)} has a different whole number in each of "
            f"{counted(len(raw), 'row')} {why}: left out, it tells rows apart, not classes "
            "(--columns names what is to be learnt from)"
        )
    order = tuple(name for name in raw.order if name not in found)
    return replace(raw, order=order, content=content)


def _texts(
    split: str,
    texts: Sequence[str | None],
    names: Sequence[str | None],
    paths: Sequence[str],
    wish: Wish,
    groups: Sequence[str | None] | None = None,
) -> Generator[Record, None, Part]:
    empty = [place for place, text in enumerate(texts) if text is None]
    if empty:
        what = counted(len(empty), "sample")
        if not wish.config.skip_bad:
            raise DlkitError(
                f"the split {split}: {what} without text, the first at {shown(paths[empty[0]])}",
                hint="--skip-bad leaves out, and counts, such samples",
            )
        yield Warned(f"the split {split}: {what} without text left out")
    keep = yield from labelled(split, names, paths, wish)
    keep = keep[~np.isin(keep, empty)]
    keep = yield from with_group(split, groups, keep, paths, wish)
    there = [names[place] or "" for place in keep.tolist()]
    keep = keep[(yield from limited_by_name(split, there, wish))]
    places = keep.tolist()
    return Part(
        [texts[place] or "" for place in places],
        [names[place] or "" for place in places],
        [paths[place] for place in places],
        groups=chosen_groups(groups, places),
    )


def _text(cell: Any, place: str) -> str | None:
    if is_missing(cell) and not isinstance(cell, str):
        return None
    if not isinstance(cell, str):
        raise DlkitError(f"{place}: {shown(repr(cell))} is not text", hint="--text-column NAME")
    return cell.strip() or None


def numeric_columns(frame: Frame, roles: Roles, form: Form | None) -> list[str]:
    """Which inputs are of numbers: as the artifact's form says, else as the table looks."""
    if isinstance(form, TableForm):
        return [column.name for column in form.sources if column.levels is None]
    if roles.kind != "table":
        return []
    kinds = {name: frame.kinds[name] for name in roles.inputs}
    if odd := [name for name, kind in kinds.items() if kind in ("image", "other")]:
        raise DlkitError(f"the column {shown(odd[0])} holds neither numbers nor words", code=USAGE)
    return [name for name, kind in kinds.items() if kind == "number"]
