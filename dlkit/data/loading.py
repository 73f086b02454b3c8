"""A data argument to samples: found, read, numbered by class, split, and looked over."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from dlkit.data import hub
from dlkit.data.array_parts import read_arrays
from dlkit.data.binaries import read_binaries
from dlkit.data.forms import Form, ImageForm, TableForm, TextForm
from dlkit.data.frame_parts import frame_part, numeric_columns, text_files
from dlkit.data.frames import Frame, hub_frame, open_frame
from dlkit.data.image_parts import image_files
from dlkit.data.labels import are_numbers, match_classes
from dlkit.data.layout import Layout, find_layout
from dlkit.data.parts import Part, Wish, refuse_idle
from dlkit.data.roles import Roles, choose_roles
from dlkit.data.samples import Digests, Inputs, Kind, Labels, Rows, Samples, Split, split_of
from dlkit.data.splits import (
    choose_splits,
    duplicates,
    hold_out,
    shared,
    tell_held_out,
    tell_shared,
)
from dlkit.data.tabular import RawTable, encode, fit_form
from dlkit.data.wording import shown
from dlkit.errors import DlkitError
from dlkit.records import Epoch, Noted, Record, Saved, Started, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

T = TypeVar("T")
_RECORDS = (Started, Noted, Warned, Step, Epoch, Saved)


def load(
    data: Sequence[str], config: SampleConfig, *, seed: int = 0
) -> Generator[Record, None, Samples]:
    """Read a data set for training: its splits, with a test split held out where there is none.

    Args:
        data: a folder, ``builtin:NAME`` or hub id, or one or more files of tables.
        config: columns, splits, size; None where they are to be found.
        seed: of what is drawn, and of the choice that ``limit`` makes.

    Raises:
        DlkitError: there is no such data, or a sample cannot be read.

    """
    layout = find_layout(data, config)
    for note in layout.notes:
        yield Noted(note)
    if layout.kind == "builtin":
        from dlkit.data.builtin_samples import make

        made = make(layout.name, config, seed=seed)
        refuse_idle(config, made.kind, columns=False)
        chosen, notes = choose_splits(list(made.splits), config, where=layout.origin[0])
        for note in (*made.notes, *notes):
            yield Noted(note)
        splits = {split: made.splits[name] for split, name in chosen.items()}
        kind, classes, form = made.kind, made.classes, made.form
        held = "test" not in splits
        if held:
            splits = yield from _divided(splits["train"], config, layout.name)
    else:
        source = _source(layout)
        chosen, notes = choose_splits(list(source.names), config, where=shown(layout.name))
        for note in notes:
            yield Noted(note)
        read = yield from _read(source, chosen, Wish(config, seed))
        refuse_idle(config, read.kind, columns=layout.kind in ("tables", "hub"))
        kind, classes = read.kind, read.classes
        held = "test" not in chosen
        form, splits = yield from _finish(read, config, shown(layout.name))
    yield from duplicates(splits)
    return Samples(kind, layout.name, layout.origin, classes, form, splits, held)


def load_test(
    data: Sequence[str],
    config: SampleConfig,
    *,
    form: Form,
    classes: Sequence[str],
    seed: int = 0,
    learnt: Digests | None = None,
) -> Generator[Record, None, Samples]:
    """Read what a finished artifact is to be judged on: the test split, else all there is.

    Args:
        data: as for ``load``.
        config: as for ``load``.
        form: the artifact's: images are made its size and colour, columns found by their names.
        classes: the artifact's: labels are places in this list, by name.
        seed: as for ``load``.
        learnt: ``Split.digests`` of what the artifact was trained on, (N,); samples of equal
            content are told.

    Returns:
        Samples whose one split is "test".

    Raises:
        DlkitError: as ``load``; another kind of data; a class that the artifact does not know.

    """
    layout = find_layout(data, config)
    for note in layout.notes:
        yield Noted(note)
    if layout.kind == "builtin":
        samples = yield from load(data, config, seed=seed)
        if (samples.form.document(), samples.classes) != (form.document(), tuple(classes)):
            raise DlkitError(f"builtin:{layout.name} is not of the form that the artifact knows")
        yield from _leaks(samples.test, learnt)
        return samples.with_splits({"test": samples.test})
    source = _source(layout)
    names = list(source.names)
    wanted = config.test_split or ("test" if "test" in names else None)
    if wanted is None and len(names) == 1:
        wanted = names[0]
        yield Noted(f"{shown(layout.name)} has no split test: all of {wanted} is judged on")
    if wanted not in names:
        listed = ", ".join(map(shown, names))
        raise DlkitError(
            f"{shown(layout.name)} has no split {shown(wanted or 'test')}; it has {listed}",
            hint="--test-split NAME",
        )
    read = yield from _read(source, {"test": wanted}, Wish(config, seed, form), classes)
    part = read.parts["test"]
    inputs = yield from _inputs(part, form, "test")
    splits = {"test": _split(part, inputs, read.labels["test"], form)}
    yield from _leaks(splits["test"], learnt)
    return Samples(read.kind, layout.name, layout.origin, tuple(classes), form, splits)


def _leaks(test: Split, learnt: Digests | None) -> Iterator[Record]:
    if learnt is not None:
        where = "in the artifact's training data, too (equal content)"
        yield from tell_shared(test, shared(test, learnt), "test", where=where)


@dataclass(frozen=True, eq=False)
class _Source:
    """The splits of a data set by their own names, not yet read."""

    layout: Layout
    names: Sequence[str]
    hub: Any = None

    def frame(self, name: str, config: SampleConfig) -> Frame:
        if self.hub is not None:
            return hub_frame(self.layout.name, name, self.hub[name])
        return open_frame(self.layout.files[name], config)


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read: parts by split, the classes, and each split's labels."""

    kind: Kind
    parts: dict[str, Part]
    classes: tuple[str, ...]
    labels: dict[str, Labels]


def _source(layout: Layout) -> _Source:
    if layout.kind == "hub":
        found = hub.splits(layout.name)
        return _Source(layout, list(found), found)
    return _Source(layout, list(layout.files))


def _read(
    source: _Source, chosen: Mapping[str, str], wish: Wish, given: Sequence[str] | None = None
) -> Generator[Record, None, _Read]:
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
        roles: Roles | None = None
        numeric: list[str] = []
        for split, name in chosen.items():
            frame = source.frame(name, wish.config)
            for note in frame.notes:
                yield Noted(note)
            if roles is None:
                roles = _roles(frame, wish, given)
                for note in roles.notes:
                    yield Noted(note)
                numeric = numeric_columns(frame, roles, wish.form)
                declared = frame.declared.get(roles.label)
            parts[split] = yield from frame_part(split, frame, roles, wish, numeric=numeric)
            inputs = parts[split].inputs
            if isinstance(inputs, RawTable) and split == "train":
                roles = replace(roles, inputs=inputs.order)  # without what numbers rows
            wish = _like(wish, parts[split])
        assert roles is not None
        kind = roles.kind
    found = {split: part.names for split, part in parts.items()}
    classes, labels = yield from _last(match_classes(found, declared, given=given))
    return _Read(kind, parts, classes, labels)


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


def _finish(
    read: _Read, config: SampleConfig, where: str
) -> Generator[Record, None, tuple[Form, dict[str, Split]]]:
    """Hold out a test split if there is none, and learn a table's rules from training rows."""
    parts, labels = dict(read.parts), dict(read.labels)
    train = parts["train"]
    if not isinstance(train.inputs, RawTable):
        form: Form = train.form or TextForm()
        splits = {
            name: _split(part, _plain(part.inputs), labels[name], form)
            for name, part in parts.items()
        }
        if "test" not in splits:
            splits |= yield from _divided(splits["train"], config, where)
        return form, splits
    if "test" not in parts:
        places = hold_out(train.inputs.digests(), labels["train"], config.test_share)
        share = config.test_share
        yield from tell_held_out(labels["train"], *places, where=where, share=share)
        whole = labels["train"]
        for name, some in zip(("train", "test"), places, strict=True):
            parts[name], labels[name] = _rows(train, some), whole[some]
        train = parts["train"]
    assert isinstance(train.inputs, RawTable)
    form = yield from _last(fit_form(train.inputs))
    splits = {}
    for name, part in parts.items():
        inputs = yield from _inputs(part, form, name)
        splits[name] = _split(part, inputs, labels[name], form)
    return form, splits


def _divided(
    whole: Split, config: SampleConfig, where: str
) -> Generator[Record, None, dict[str, Split]]:
    train, test = hold_out(whole.digests, whole.labels, config.test_share)
    share = config.test_share
    yield from tell_held_out(whole.labels, train, test, where=where, share=share)
    return {"train": whole.take(train), "test": whole.take(test)}


def _rows(part: Part, places: Any) -> Part:
    assert isinstance(part.inputs, RawTable)
    chosen = places.tolist()
    raw = part.inputs.take(places)
    return Part(raw, [part.names[place] for place in chosen], raw.places)


def _inputs(part: Part, form: Form, what: str) -> Generator[Record, None, Inputs]:
    if isinstance(part.inputs, RawTable):
        if not isinstance(form, TableForm):
            raise DlkitError("this is a table, which the artifact does not know")
        rows: Rows = yield from _last(encode(part.inputs, form, what=what))
        return rows
    if isinstance(part.inputs, list) != isinstance(form, TextForm):
        raise DlkitError("the data are of another kind than the artifact knows")
    assert part.form is None or isinstance(form, ImageForm)
    return part.inputs


def _split(part: Part, inputs: Inputs, labels: Labels, form: Form) -> Split:
    if isinstance(part.inputs, RawTable):
        assert isinstance(form, TableForm)
        return Split(inputs, labels, part.paths, part.inputs.digests(form))
    if part.digests is None:
        return split_of(inputs, labels, part.paths)
    return Split(inputs, labels, part.paths, part.digests)


def _plain(inputs: Any) -> Inputs:
    assert not isinstance(inputs, RawTable)
    return inputs  # type: ignore[no-any-return]


def _last(work: Iterator[Any]) -> Generator[Record, None, Any]:
    """Pass on records; the one value that is none is the result."""
    result = None
    for each in work:
        if isinstance(each, _RECORDS):
            yield each
        else:
            result = each
    return result
