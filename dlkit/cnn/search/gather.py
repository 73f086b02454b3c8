"""The images of an index: with classes, from a data set or class folders, or as they lie about."""

from __future__ import annotations

import glob
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from dlkit.data.folders import walk
from dlkit.data.forms import ImageForm
from dlkit.data.loading import load
from dlkit.data.origins import anywhere
from dlkit.data.pixels import SUFFIXES
from dlkit.data.queries import read_queries
from dlkit.data.sources import existing
from dlkit.data.stdin_names import names_on
from dlkit.data.wording import counted, shown
from dlkit.encoders import read_for
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record
from dlkit.training.running import check_data

if TYPE_CHECKING:
    from dlkit.cnn.search.config import SearchConfig
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Samples, Split
    from dlkit.encoders import Encoder

EXAMPLE = "dlkit cnn search index photos/"


class Gathered(NamedTuple):
    """Images that were read.

    Attributes:
        split: the images to index; labels are places in ``classes``, -1 where there are none.
        classes: their names; none where nothing names classes.
        form: their size and channels.
        name: what a person calls them.
        origin: what to type to get them again from any folder.
        samples: the data set that they are of; None: they are files without classes.
        reading: how they were read.

    """

    split: Split
    classes: tuple[str, ...]
    form: ImageForm
    name: str
    origin: tuple[str, ...]
    samples: Samples | None
    reading: SampleConfig

    def document(self) -> dict[str, Any]:
        """What an artifact keeps of them."""
        if self.samples is not None:
            told = self.samples.document()
            told.pop("origin")
            return told | {"form": self.form.document()}
        return {
            "name": self.name,
            "kind": "images",
            "classes": 0,
            "form": self.form.document(),
            "held_out": False,
            "samples": {"train": len(self.split)},
            "fingerprints": {},
        }


def gather(
    config: SearchConfig, encoder: Encoder, stdin: BinaryIO | None = None
) -> Generator[Record, None, Gathered]:
    """Read ``config.data`` in the size that the network knows.

    Nothing is held out: without a test split of their own, all images are indexed.

    Args:
        config: the settings.
        encoder: the network.
        stdin: what ``-`` reads: names of files, a line each, or one image.

    Raises:
        DlkitError: no or unreadable data, other data than images.

    """
    check_data(config.data, example=EXAMPLE)
    form = encoder.form
    if form is None:
        raise DlkitError(f"{encoder.source.reference} encodes no images", code=USAGE)
    given = config.input
    if "test_share" not in given.model_fields_set:
        given = given.model_copy(update={"test_share": 0.0})
    reading = read_for(encoder, given)
    if without_classes(config.data, labels=config.labels):
        return (yield from _plain(config.data, form, reading, stdin))
    samples = yield from load(config.data, given, seed=config.training.seed, reading=reading)
    if samples.kind != "images":
        what = "a table" if samples.kind == "table" else "texts"
        raise DlkitError(f"{samples.name} holds {what}; cnn search looks at images", code=USAGE)
    assert isinstance(samples.form, ImageForm)
    paths = anywhere(samples.train.paths, config.data, samples.origin)
    split = replace(samples.train, paths=paths)
    return Gathered(
        split, samples.classes, samples.form, samples.name, samples.origin, samples, reading
    )


def without_classes(data: Sequence[str], *, labels: bool | None) -> bool:
    """Whether ``data`` are files whose folders name no classes.

    Args:
        data: as the user typed them.
        labels: what the user says; None: folders name classes where every image below lies in one.

    Raises:
        DlkitError: (USAGE) labels are not wanted of data that are no files.

    """
    if labels is False:
        for entry in data:
            if entry != "-" and existing(entry) is None and not glob.has_magic(entry):
                raise DlkitError(f"--no-labels: {shown(entry)} is no file or folder", code=USAGE)
    if labels is not None:
        return not labels
    return any(
        entry == "-" or _loose(existing(entry)) or (existing(entry) is None and _pattern(entry))
        for entry in data
    )


def _pattern(entry: str) -> bool:
    return glob.has_magic(entry) and not entry.startswith(("builtin:", "hub:"))


def _loose(path: Path | None) -> bool:
    """Whether a path is an image, or a folder with an image that lies in no class folder."""
    if path is None:
        return False
    if not path.is_dir():
        return path.suffix.lower() in SUFFIXES
    images = [each for each in walk(path)[0] if each.suffix.lower() in SUFFIXES]
    tables = any(each.suffix.lower() in (".csv", ".parquet", ".jsonl") for each in path.iterdir())
    return bool(images) and not tables and any(each.parent == path for each in images)


def _plain(
    data: Sequence[str], form: ImageForm, reading: SampleConfig, stdin: BinaryIO | None
) -> Generator[Record, None, Gathered]:
    """Images as files, without classes, each once."""
    entries = list(_named(data, stdin))
    if not entries:
        raise DlkitError("standard input names no files", hint="find . -name '*.jpg' | …")
    wanted = replace(form, height=form.height, width=form.width)
    split = yield from read_queries(entries, wanted, reading, stdin=stdin, what="images")
    paths = [str(Path(path).absolute()) if Path(path).exists() else path for path in split.paths]
    first = {path: place for place, path in reversed(list(enumerate(paths)))}
    if twice := len(paths) - len(first):
        yield Noted(f"{counted(twice, 'file')} named twice and read once")
    places = np.array(sorted(first.values()), np.int64)
    split = replace(split, paths=paths)
    name = next((Path(each).name for each in data if existing(each) is not None), "") or "images"
    yield Noted(f"{counted(len(places), 'image')} without classes")
    origin = tuple(_absolute(each) for each in data)
    return Gathered(split.take(places), (), wanted, name, origin, None, reading)


def _named(data: Sequence[str], stdin: BinaryIO | None) -> Generator[str]:
    for entry in data:
        names = names_on(stdin) if entry == "-" else None
        yield from [entry] if names is None else chain.from_iterable(names)


def _absolute(entry: str) -> str:
    path = existing(entry) if entry != "-" else None
    if path is not None:
        return str(path.absolute())
    return str(Path(entry).absolute()) if glob.has_magic(entry) else entry
