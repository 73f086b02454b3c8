"""A data argument to samples: found, read, numbered by class, split, and looked over."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dlkit.data.forms import Form, ImageForm, TableForm, TextForm
from dlkit.data.group_cells import hold_out_whole, tell_divided
from dlkit.data.layout import find_layout
from dlkit.data.parts import Part, Places, Wish, refuse_idle
from dlkit.data.samples import Digests, Inputs, Labels, Rows, Samples, Split, digests_of
from dlkit.data.split_parts import Read, last_of, read_splits, source_of
from dlkit.data.splits import (
    choose_splits,
    duplicates,
    hold_out,
    shared,
    tell_held_out,
    tell_shared,
)
from dlkit.data.table_rules import encode, fit_form
from dlkit.data.tabular import RawTable
from dlkit.data.wording import shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig


def load(
    data: Sequence[str],
    config: SampleConfig,
    *,
    seed: int = 0,
    form: Form | None = None,
    classes: Sequence[str] | None = None,
    reading: SampleConfig | None = None,
) -> Generator[Record, None, Samples]:
    """Read a data set for training: its splits, with a test split held out where there is none.

    Args:
        data: a folder, ``builtin:NAME`` or hub id, or one or more files of tables.
        config: columns, splits, size; None where they are to be found.
        seed: of what is drawn, and of the choice that ``limit`` makes.
        form: an artifact's, into which inputs are brought; None: one is learnt. What is held out
            does not depend on it.
        classes: the artifact's, whose numbers count; None: those of the data.
        reading: ``config`` with a size and colour for images that nobody asked for; other data do
            not listen to them.

    Raises:
        DlkitError: there is no such data, a sample cannot be read, or is not of ``form``; a class
            that is not among ``classes``.

    """
    layout = find_layout(data, config)
    reading = reading or config
    for note in layout.notes:
        yield Noted(note)
    if layout.kind == "builtin":
        from dlkit.data.builtin_samples import make

        made = make(layout.name, reading, seed=seed)
        refuse_idle(config, made.kind, columns=False)
        chosen, notes = choose_splits(list(made.splits), config, where=layout.origin[0])
        for note in (*made.notes, *notes):
            yield Noted(note)
        splits = {split: made.splits[name] for split, name in chosen.items()}
        known = (
            made.form if form is None else form,
            made.classes if classes is None else tuple(classes),
        )
        if known != (made.form, made.classes):
            raise DlkitError(f"builtin:{layout.name} is not of the form that the artifact knows")
        kind, names, form = made.kind, made.classes, made.form
        held = "test" not in splits
        if held:
            splits = yield from _divided(splits["train"], config, layout.name)
    else:
        source = source_of(layout)
        chosen, notes = choose_splits(list(source.names), config, where=shown(layout.name))
        for note in notes:
            yield Noted(note)
        # Of a table the columns are read as for the first time: by them a test split is held out.
        wish = Wish(reading, seed, form if isinstance(form, ImageForm) else None)
        read = yield from read_splits(source, chosen, wish, classes)
        refuse_idle(config, read.kind, columns=layout.kind in ("tables", "hub"))
        kind, names = read.kind, read.classes
        held = "test" not in chosen
        form, splits = yield from _finish(read, config, shown(layout.name), form)
    yield from duplicates(splits)
    yield from tell_divided(splits, config.group_column)
    return Samples(kind, layout.name, layout.origin, names, form, splits, held)


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
    source = source_of(layout)
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
    read = yield from read_splits(source, {"test": wanted}, Wish(config, seed, form), classes)
    part = read.parts["test"]
    inputs = yield from _inputs(part, form, "test")
    splits = {"test": _split(part, inputs, read.labels["test"], form)}
    yield from _leaks(splits["test"], learnt)
    return Samples(read.kind, layout.name, layout.origin, tuple(classes), form, splits)


def _leaks(test: Split, learnt: Digests | None) -> Iterator[Record]:
    if learnt is not None:
        where = "in the artifact's training data, too (equal content)"
        yield from tell_shared(test, shared(test, learnt), "test", where=where)


def _finish(
    read: Read, config: SampleConfig, where: str, known: Form | None
) -> Generator[Record, None, tuple[Form, dict[str, Split]]]:
    """Hold out a test split if there is none, and learn a table's rules from training rows."""
    parts, labels = dict(read.parts), dict(read.labels)
    train = parts["train"]
    if not isinstance(train.inputs, RawTable):
        form: Form = train.form or TextForm()
        if known is not None and form != known:
            raise DlkitError(f"{where}: the data are of another kind than the artifact knows")
        splits = {
            name: _split(part, _plain(part.inputs), labels[name], form)
            for name, part in parts.items()
        }
        if "test" not in splits:
            splits |= yield from _divided(splits["train"], config, where)
        return form, splits
    if "test" not in parts:
        whole = labels["train"]
        places = yield from _held(train.inputs.digests(), whole, train.groups, config, where)
        for name, some in zip(("train", "test"), places, strict=True):
            parts[name], labels[name] = _rows(train, some), whole[some]
        train = parts["train"]
    assert isinstance(train.inputs, RawTable)
    if known is None:
        form = yield from last_of(fit_form(train.inputs))
    else:
        form = known
        _check_columns(train.inputs, known, where)
    splits = {}
    for name, part in parts.items():
        inputs = yield from _inputs(part, form, name)
        splits[name] = _split(part, inputs, labels[name], form)
    return form, splits


def _check_columns(raw: RawTable, form: Form, where: str) -> None:
    """Do nothing if a table has the columns that ``form`` makes numbers of.

    Raises:
        DlkitError: it has not.

    """
    if not isinstance(form, TableForm):
        raise DlkitError(f"{where} is a table, which the artifact does not know")
    for column in form.sources:
        kind, there = (
            ("words", raw.words) if column.levels is not None else ("numbers", raw.numbers)
        )
        if column.name not in there:
            raise DlkitError(f"{where} has no column {shown(column.name)} of {kind}")


def _divided(
    whole: Split, config: SampleConfig, where: str
) -> Generator[Record, None, dict[str, Split]]:
    train, test = yield from _held(whole.digests, whole.labels, whole.groups, config, where)
    return {"train": whole.take(train), "test": whole.take(test)}


def _held(
    digests: Digests,
    labels: Labels,
    groups: Sequence[str] | None,
    config: SampleConfig,
    where: str,
) -> Generator[Record, None, tuple[Places, Places]]:
    """The places of training and test samples; what is held out is said."""
    if groups is not None:
        return (yield from hold_out_whole(digests, labels, groups, config, where=where))
    share = config.test_share
    train, test = hold_out(digests, labels, share)
    yield from tell_held_out(labels, train, test, where=where, share=share)
    return train, test


def _rows(part: Part, places: Any) -> Part:
    assert isinstance(part.inputs, RawTable)
    chosen = places.tolist()
    raw = part.inputs.take(places)
    names, groups = [part.names[place] for place in chosen], part.groups
    return Part(raw, names, raw.places, groups=groups and [groups[place] for place in chosen])


def _inputs(part: Part, form: Form, what: str) -> Generator[Record, None, Inputs]:
    if isinstance(part.inputs, RawTable):
        if not isinstance(form, TableForm):
            raise DlkitError("this is a table, which the artifact does not know")
        rows: Rows = yield from last_of(encode(part.inputs, form, what=what))
        return rows
    if isinstance(part.inputs, list) != isinstance(form, TextForm):
        raise DlkitError("the data are of another kind than the artifact knows")
    assert part.form is None or isinstance(form, ImageForm)
    return part.inputs


def _split(part: Part, inputs: Inputs, labels: Labels, form: Form) -> Split:
    if isinstance(part.inputs, RawTable):
        assert isinstance(form, TableForm)
        digests = part.inputs.digests(form)
    else:
        digests = digests_of(inputs) if part.digests is None else part.digests
    return Split(inputs, labels, part.paths, digests, groups=part.groups)


def _plain(inputs: Any) -> Inputs:
    assert not isinstance(inputs, RawTable)
    return inputs  # type: ignore[no-any-return]
