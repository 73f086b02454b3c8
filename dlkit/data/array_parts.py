"""Samples in NumPy's files: which arrays are inputs and labels, and of which split."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.folders import SPLIT_WORDS
from dlkit.data.forms import Form, ImageForm, TableForm
from dlkit.data.images import wanted_of
from dlkit.data.labels import class_names
from dlkit.data.numpy_files import Stored, read_array, stored_arrays
from dlkit.data.parts import Part, Wish, labelled, limited_by_name
from dlkit.data.resizing import Wanted, remade
from dlkit.data.samples import digests_of
from dlkit.data.tabular import LARGEST, RawTable
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.samples import Pixels

# What people call the arrays of inputs and of labels, without case, in order of preference.
_INPUTS: Final = ("points", "x", "images", "data", "inputs", "features", "vectors", "embeddings")
_LABELS: Final = ("labels", "y", "label", "target", "targets", "classes")
_SHOULD_BE: Final = "arrays called points and labels, X and y, or x_train, y_train, x_test, y_test"


@dataclass(frozen=True)
class _Pair:
    inputs: Stored
    labels: Stored


def array_splits(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The splits that the arrays of some files make, each with all files.

    Raises:
        DlkitError: no inputs with labels, or a file that cannot be read.

    """
    pairs, _ = _pairs(stored_arrays(paths))
    return {split: list(paths) for split in pairs}


def _pairs(arrays: Sequence[Stored]) -> tuple[dict[str, _Pair], list[Stored]]:
    """Inputs and labels by split, and what else there is."""
    inputs: dict[str, list[tuple[int, Stored]]] = {}
    labels: dict[str, list[tuple[int, Stored]]] = {}
    for array in arrays:
        split, name = _split_and_name(array.name)
        for kinds, found in ((_INPUTS, inputs), (_LABELS, labels)):
            if name in kinds:
                found.setdefault(split, []).append((kinds.index(name), array))
    rest = [each for each in arrays if _split_and_name(each.name)[1] not in (*_INPUTS, *_LABELS)]
    if not inputs and list(labels) == ["train"] and len(rest) == 1:  # digits.npy and y.npy
        inputs["train"] = [(0, rest[0])]
    pairs = {
        split: _Pair(_first(inputs[split]), _first(labels[split]))
        for split in inputs
        if split in labels
    }
    if not pairs:
        what = ", ".join(f"{shown(each.name)} ({each.described})" for each in arrays[:8])
        raise DlkitError(
            f"{shown(arrays[0].path) if arrays else 'the file'} has no inputs with labels; it has "
            f"{what or 'no arrays'}",
            hint=_SHOULD_BE + "; of .npy files give both",
        )
    used = {id(each) for pair in pairs.values() for each in (pair.inputs, pair.labels)}
    return pairs, [each for each in arrays if id(each) not in used]


def _first(found: list[tuple[int, Stored]]) -> Stored:
    return min(found, key=lambda each: each[0])[1]


def _split_and_name(name: str) -> tuple[str, str]:
    """The split and the rest of an array's name: x_train is (train, x), y is (train, y)."""
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
    splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
    rest = "_".join(word for word in words if word not in SPLIT_WORDS)
    return (splits[0] if splits else "train"), rest


def read_arrays(
    split: str, name: str, files: Sequence[Path], wish: Wish
) -> Generator[Record, None, tuple[Part, tuple[str, ...] | None]]:
    """One split of arrays, and the class names that the file declares.

    Args:
        split: what it is for.
        name: what the arrays call it.
        files: where they are.
        wish: how it is to be read.

    Raises:
        DlkitError: shapes that are none of samples, lengths that differ, labels that name no
            class, a number that is infinite.

    """
    pairs, others = _pairs(stored_arrays(files))
    pair = pairs[name]
    facts = {each.name.lower(): each for each in others if each.path == pair.inputs.path}
    declared = _strings(facts.get("classes"))
    values, labels = read_array(pair.inputs), read_array(pair.labels)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or values.ndim < 1 or len(labels) != len(values):
        raise DlkitError(
            f"{pair.labels} is {pair.labels.described}, {pair.inputs} {pair.inputs.described}: a "
            "label for each sample is needed"
        )
    yield Noted(
        f"the split {split}: inputs {pair.inputs} ({pair.inputs.described}), labels {pair.labels}"
    )
    aside = [each.name for each in others if each.name.lower() not in ("classes", "columns")]
    if split == "train" and aside:
        yield Noted(f"{counted(len(aside), 'other array')} not read: {listed(aside)}")
    where = pair.inputs if len(pairs) > 1 else shown(pair.inputs.path)
    places = [f"{where}:{row}" for row in range(1, len(values) + 1)]
    found = class_names(labels.tolist(), declared, where=f"the labels {pair.labels}", places=places)
    keep = yield from labelled(split, found, places, wish)
    names = [found[place] or "" for place in keep.tolist()]
    chosen = yield from limited_by_name(split, names, wish)
    names = [names[place] for place in chosen.tolist()]
    keep = keep[chosen]
    places = [places[place] for place in keep.tolist()]
    form = wish.form
    if images_in(pair.inputs):
        if form is not None and not isinstance(form, ImageForm):
            raise DlkitError("these are images, which the artifact does not know")
        return _images(_pixels(values, pair.inputs)[keep], names, places, wish), declared
    columns = _columns(pair.inputs, _strings(facts.get("columns")), form)
    raw, kept = yield from _table(values[keep], columns, places, skip_bad=wish.config.skip_bad)
    return Part(raw, [names[place] for place in kept], raw.places), declared


def _images(pixels: Pixels, names: list[str], places: list[str], wish: Wish) -> Part:
    form = wish.form if isinstance(wish.form, ImageForm) else None
    made = remade(pixels, wanted_of(wish.config, form))
    height, width, channels = made.shape[1:]
    fit = form.fit if form else wish.config.fit
    return Part(made, names, places, ImageForm(height, width, channels, fit), digests_of(pixels))


def array_queries(
    path: Path, form: Form, *, skip_bad: bool
) -> Generator[Record, None, tuple[Pixels | RawTable, list[str]]]:
    """What is to be predicted in a file of arrays: the inputs, of several splits the test's.

    Raises:
        DlkitError: no array of inputs, or another kind than the artifact knows.

    """
    arrays = stored_arrays([path])
    there = [(_split_and_name(each.name), each) for each in arrays]
    inputs = [(split, each) for (split, name), each in there if name in _INPUTS]
    if len(arrays) == 1:
        inputs = [("test", arrays[0])]
    inputs.sort(key=lambda each: ("test", "validation", "train").index(each[0]))
    if not inputs:
        raise DlkitError(
            f"{shown(path)} has no array of inputs; it has "
            f"{listed([each.name for each in arrays]) or 'none'}",
            hint="call it X, points or images",
        )
    chosen = inputs[0][1]
    values = read_array(chosen)
    yield Noted(f"the inputs are {chosen} ({chosen.described})")
    places = [f"{shown(path)}:{row}" for row in range(1, len(values) + 1)]
    if isinstance(form, ImageForm) and images_in(chosen):
        wanted = Wanted((form.height, form.width), form.channels, form.fit)
        return remade(_pixels(values, chosen), wanted), places
    if not isinstance(form, TableForm) or images_in(chosen):
        raise DlkitError(
            f"{chosen} ({chosen.described}) is of another kind than the artifact knows"
        )
    named = {each.name.lower(): each for each in arrays}
    columns = _columns(chosen, _strings(named.get("columns")), form)
    raw, _ = yield from _table(values, columns, places, skip_bad=skip_bad)
    return raw, raw.places


def images_in(array: Stored) -> bool:
    """Whether an array's shape is that of images: (N, H, W) or (N, H, W, C)."""
    return len(array.shape) in (3, 4)


def _pixels(values: npt.NDArray[Any], array: Stored) -> Pixels:
    channels = values.shape[3] if values.ndim == 4 else 1
    if channels not in (1, 3) or not all(values.shape[1:]):
        turned = values.ndim == 4 and values.shape[1] in (1, 3)
        raise DlkitError(
            f"{array} is {array.described}: images are (N, height, width) or (N, height, width, "
            "1 or 3)",
            hint="numpy.moveaxis(images, 1, -1) puts the channels last" if turned else "",
        )
    if values.dtype != np.uint8:
        raise DlkitError(
            f"{array} is {array.described}: images are bytes (uint8, 0 to 255)",
            hint="(255 * images).round().astype('uint8') if they are 0 to 1",
        )
    images: Pixels = np.ascontiguousarray(values.reshape(*values.shape[:3], channels))
    return images


def _strings(array: Stored | None) -> tuple[str, ...] | None:
    """The names in an array of text, None if it is none."""
    if array is None or len(array.shape) != 1 or array.dtype.kind != "U":
        return None
    return tuple(map(str, read_array(array).tolist()))


def _columns(
    array: Stored, named: tuple[str, ...] | None, form: Form | None
) -> tuple[tuple[str, int], ...]:
    """The columns to read: name and place; those of the artifact by name, else all."""
    if len(array.shape) != 2 or array.dtype.kind in "US" or not array.shape[1]:
        raise DlkitError(
            f"{array} is {array.described}: inputs are numbers, a row for each sample, or images"
        )
    width = array.shape[1]
    names = named if named and len(named) == width == len(set(named)) else None
    names = names or tuple(f"x{place}" for place in range(width))
    if not isinstance(form, TableForm):
        return tuple((name, place) for place, name in enumerate(names))
    wanted = [column.name for column in form.sources]
    if named is None and len(wanted) == width:
        return tuple((name, place) for place, name in enumerate(wanted))
    for name in wanted:
        if name not in names:
            raise DlkitError(
                f"{array} has no column {shown(name)}, which the artifact learnt from",
                hint=f"it has {listed(names)}",
            )
    return tuple((name, names.index(name)) for name in wanted)


def _table(
    values: npt.NDArray[Any],
    columns: Sequence[tuple[str, int]],
    places: Sequence[str],
    *,
    skip_bad: bool,
) -> Generator[Record, None, tuple[RawTable, list[int]]]:
    """The rows as a table, and the places of those that are kept."""
    with np.errstate(over="ignore"):
        rows = values[:, [place for _, place in columns]].astype(np.float64)
    wrong = np.argwhere(np.abs(rows) > LARGEST)
    bad = np.unique(wrong[:, 0])
    if len(bad):
        row, column = wrong[0]
        what = (
            f"{places[row]}: column {shown(columns[column][0])}: {rows[row, column]:g} is infinite "
            "or too large"
        )
        if not skip_bad:
            raise DlkitError(
                what, hint="--skip-bad leaves out, and counts, rows that cannot be read"
            )
        yield Warned(f"{counted(len(bad), 'bad row')} ({what}) left out")
    kept = np.setdiff1d(np.arange(len(rows)), bad)
    names = tuple(name for name, _ in columns)
    raw = RawTable(
        {name: rows[kept, place] for place, name in enumerate(names)},
        {},
        [None] * len(kept),
        [places[place] for place in kept.tolist()],
        names,
        names,
    )
    return raw, kept.tolist()
