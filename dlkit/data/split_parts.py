"""The splits of a data set to parts with classes, each by the reader of its form."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dlkit.data import hub
from dlkit.data.array_parts import read_arrays
from dlkit.data.binaries import read_binaries
from dlkit.data.forms import TableForm
from dlkit.data.frame_parts import frame_part, numeric_columns, text_files
from dlkit.data.frames import Frame, hub_frame, open_frame
from dlkit.data.image_parts import image_files
from dlkit.data.labels import are_numbers, match_classes
from dlkit.data.parts import Part, Wish
from dlkit.data.roles import Roles, choose_roles
from dlkit.data.tabular import RawTable
from dlkit.data.wording import shown
from dlkit.records import Epoch, Noted, Record, Saved, Started, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.layout import Layout
    from dlkit.data.samples import Kind, Labels

_RECORDS: Final = (Started, Noted, Warned, Step, Epoch, Saved)


@dataclass(frozen=True, eq=False)
class Source:
    """The splits of a data set by their own names, not yet read."""

    layout: Layout
    names: Sequence[str]
    hub: Any = None

    def frame(self, name: str, config: SampleConfig) -> Frame:
        """The table of one split."""
        if self.hub is not None:
            return hub_frame(self.layout.name, name, self.hub[name])
        return open_frame(self.layout.files[name], config)


@dataclass(frozen=True, eq=False)
class Read:
    """What was read: parts by split, the classes, and each split's labels."""

    kind: Kind
    parts: dict[str, Part]
    classes: tuple[str, ...]
    labels: dict[str, Labels]


def source_of(layout: Layout) -> Source:
    """The splits that ``layout`` names.

    Raises:
        DlkitError: the hub has no such data set.

    """
    if layout.kind == "hub":
        found = hub.splits(layout.name)
        return Source(layout, list(found), found)
    return Source(layout, list(layout.files))


def read_splits(
    source: Source, chosen: Mapping[str, str], wish: Wish, given: Sequence[str] | None = None
) -> Generator[Record, None, Read]:
    """Read the splits that were chosen.

    Args:
        source: where they are.
        chosen: what each is for, and what the data call it; the first tells how others are read.
        wish: how they are to be read.
        given: an artifact's classes; None: those of the data.

    Raises:
        DlkitError: a sample cannot be read, or is not of the form wished for; a class that is not
            among ``given``.

    """
    layout = source.layout
    parts: dict[str, Part] = {}
    declared: tuple[str, ...] | None = None
    if layout.kind == "binaries":
        kind: Kind = "images"
        for split, name in chosen.items():
            parts[split], names = yield from read_binaries(split, layout.files[name], wish)
            declared = declared or names
            wish = _like(wish, parts[split])
    elif layout.kind == "arrays":
        kind = "images"
        for split, name in chosen.items():
            parts[split], said = yield from read_arrays(split, name, layout.files[name], wish)
            kind = "images" if parts[split].form else "table"
            declared = declared or said
            wish = _like(wish, parts[split])
    elif layout.kind in ("images", "texts"):
        kind = "images" if layout.kind == "images" else "texts"
        for split, name in chosen.items():
            reader = image_files if kind == "images" else text_files
            parts[split] = yield from reader(split, layout.files[name], layout.classes[name], wish)
            wish = _like(wish, parts[split])
    else:
        kind, parts, declared = yield from _tables(source, chosen, wish, given)
    found = {split: part.names for split, part in parts.items()}
    classes, labels = yield from last_of(match_classes(found, declared, given=given))
    return Read(kind, parts, classes, labels)


def _tables(
    source: Source, chosen: Mapping[str, str], wish: Wish, given: Sequence[str] | None
) -> Generator[Record, None, tuple[Kind, dict[str, Part], tuple[str, ...] | None]]:
    """What the rows of tables hold, the parts, and the class names that the first declares."""
    parts: dict[str, Part] = {}
    declared: tuple[str, ...] | None = None
    roles: Roles | None = None
    numeric: list[str] = []
    for split, name in chosen.items():
        frame = source.frame(name, wish.config)
        for note in frame.notes:
            yield Noted(note)
        if roles is None:
            roles = _roles(frame, wish if "train" in chosen else _any_groups(wish, frame), given)
            if "train" not in chosen:  # nothing is divided; a column of groups is no class, though
                roles = replace(roles, group=None)
            for note in roles.notes:
                yield Noted(note)
            numeric = numeric_columns(frame, roles, wish.form)
            declared = frame.declared.get(roles.label)
        its = roles
        if roles.group is not None and roles.group not in frame.kinds:
            its = replace(roles, group=None)
            yield Warned(
                f"{frame.name} has no column {shown(roles.group)}: which groups of training are in "
                f"the split {split}, too, is not known"
            )
        parts[split] = yield from frame_part(split, frame, its, wish, numeric=numeric)
        inputs = parts[split].inputs
        if isinstance(inputs, RawTable) and split == "train":
            roles = replace(roles, inputs=inputs.order)  # without what numbers rows
        wish = _like(wish, parts[split])
    assert roles is not None
    return roles.kind, parts, declared


def _any_groups(wish: Wish, frame: Frame) -> Wish:
    """Data that nothing is learnt from need no column of groups."""
    if wish.config.group_column is None or wish.config.group_column in frame.kinds:
        return wish
    return replace(wish, config=wish.config.model_copy(update={"group_column": None}))


def _roles(frame: Frame, wish: Wish, given: Sequence[str] | None) -> Roles:
    """What the first split's columns are for, or what an artifact's form says of the inputs."""
    roles = choose_roles(frame, wish.config)
    if isinstance(wish.form, TableForm):
        columns = tuple(column.name for column in wish.form.sources)
        roles = replace(roles, kind="table", inputs=columns)
    numbered = frame.kinds[roles.label] == "number" if given is None else are_numbers(given)
    return replace(roles, numbered=numbered)


def _like(wish: Wish, part: Part) -> Wish:
    """Splits after the first are read into the form that the first one has."""
    if part.form is None or wish.form is not None:
        return wish
    return Wish(wish.config, wish.seed, part.form, exact=True)


def last_of(work: Iterator[Any]) -> Generator[Record, None, Any]:
    """Pass on records; the one value that is none is the result."""
    result = None
    for each in work:
        if isinstance(each, _RECORDS):
            yield each
        else:
            result = each
    return result
