"""What is to be predicted: files, folders, patterns, tables or standard input, without labels."""

from __future__ import annotations

import glob
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from dlkit.data import folders, formats
from dlkit.data.forms import Form, ImageForm, TableForm
from dlkit.data.frames import Frame, open_frame
from dlkit.data.image_parts import image_content
from dlkit.data.images import Cell, read_images
from dlkit.data.pixels import SUFFIXES
from dlkit.data.roles import image_column, text_column
from dlkit.data.samples import Inputs, Split, split_of
from dlkit.data.sources import existing, nearby
from dlkit.data.tabular import RawTable, encode, read_table
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

_LARGEST_STDIN: Final = 1 << 28  # bytes of one image, or of all lines


def read_queries(
    inputs: Sequence[str], form: Form, config: SampleConfig, *, stdin: BinaryIO | None = None
) -> Generator[Record, None, Split]:
    """Read what is to be predicted, in the form that an artifact knows.

    Args:
        inputs: for images: files, folders (all images below), patterns such as ``*.png``, tables
            with a column of images, ``-`` for the bytes of one image. For tables: files of tables.
            For texts: text files (a text a line), tables, ``-``.
        form: the artifact's.
        config: columns, encoding, whether bad inputs are left out.
        stdin: what ``-`` reads.

    Returns:
        A split without labels (all -1).

    Raises:
        DlkitError: there is no such input, or one cannot be read.

    """
    if not inputs:
        raise DlkitError("nothing to predict", hint="give a file, a folder, or -", code=USAGE)
    values: Inputs
    if isinstance(form, ImageForm):
        cells = list(_image_cells(inputs, config, stdin))
        found = yield from read_images(cells, len(cells), config, form=form, what="queries")
        values = found.pixels
        paths = [cells[place][0] for place in found.places.tolist()]
    elif isinstance(form, TableForm):
        values, paths = yield from _table(inputs, form, config)
    else:
        pairs = list(_texts(inputs, config, stdin))
        values, paths = [text for _, text in pairs], [path for path, _ in pairs]
    return split_of(values, np.full(len(paths), -1, np.int64), paths)


def _paths(text: str) -> list[Path]:
    """The files that one input names."""
    path = existing(text) if text else None
    if path is None and glob.has_magic(text):
        names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - absolute ones, too
        if found := [Path(name) for name in names]:
            return found
        raise DlkitError(f"no file is like {shown(text)}")
    if path is None:
        raise DlkitError(f"no such file or folder: {shown(text)}", hint=nearby(text))
    return [path]


def _image_cells(
    inputs: Sequence[str], config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[Cell]:
    for text in inputs:
        if text == "-":
            yield "standard input", _standard_input(stdin)
            continue
        for path in _paths(text):
            if path.is_dir():
                below, _ = folders.walk(path)
                images = [each for each in below if each.suffix.lower() in SUFFIXES]
                if not images:
                    raise DlkitError(f"no images in the folder {shown(path)}")
                yield from ((str(each), each) for each in images)
            elif formats.by_name(path.name)[0] in folders.TABLES:
                frame = open_frame([path], config)
                column = image_column(frame, config)
                for place, cells in frame.rows([column]):
                    yield place, image_content(cells[0], frame.folder)
            else:
                yield str(path), path


def _lines(text: str) -> list[str]:
    """Lines as editors count them: a page break or a separator within a text ends none."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _standard_input(stdin: BinaryIO | None) -> bytes:
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    content = stdin.read(_LARGEST_STDIN + 1)
    if len(content) > _LARGEST_STDIN:
        raise DlkitError(f"standard input has more than {_LARGEST_STDIN:,} bytes")
    return content


def _frames(inputs: Sequence[str], config: SampleConfig) -> Iterator[Frame]:
    for text in inputs:
        if text == "-":
            raise DlkitError("a table cannot be read from standard input", hint="give a file")
        for path in _paths(text):
            if formats.by_name(path.name)[0] not in folders.TABLES:
                raise DlkitError(
                    f"{shown(path)} is no table", hint="give .csv, .tsv, .json or .parquet"
                )
            yield open_frame([path], config)


def _table(
    inputs: Sequence[str], form: TableForm, config: SampleConfig
) -> Generator[Record, None, tuple[Inputs, list[str]]]:
    columns = [column.name for column in form.sources]
    numeric = [column.name for column in form.sources if column.levels is None]
    made, paths = [], []
    for frame in _frames(inputs, config):
        for note in frame.notes:
            yield Noted(note)
        for name in columns:
            if name not in frame.kinds:
                raise DlkitError(
                    f"{frame.name} has no column {shown(name)}, which the artifact learnt from"
                )
        if spare := [name for name in frame.kinds if name not in columns]:
            listed = ", ".join(map(shown, spare[:5])) + (", …" if len(spare) > 5 else "")
            yield Noted(f"{frame.name}: {counted(len(spare), 'column')} not read: {listed}")
        for record in read_table(frame, None, columns, numeric=numeric, skip_bad=config.skip_bad):
            if not isinstance(record, RawTable):
                yield record
                continue
            paths += record.places
            for each in encode(record, form, what=frame.name):
                if isinstance(each, np.ndarray):
                    made.append(each)
                else:
                    yield each
    return np.concatenate(made), paths


def _texts(
    inputs: Sequence[str], config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[tuple[str, str]]:
    """Each text with where it comes from; empty lines stay, so that answers line up."""
    from dlkit.data.cells import characters

    for text in inputs:
        if text == "-":
            content = _standard_input(stdin)
            try:
                lines = _lines(content.decode(config.encoding))
            except UnicodeDecodeError as error:
                raise DlkitError(
                    f"standard input: byte {error.start:,} is not valid {config.encoding.upper()}"
                ) from error
            yield from ((f"-:{number}", line) for number, line in enumerate(lines, 1))
            continue
        for path in _paths(text):
            if formats.by_name(path.name)[0] in folders.TABLES:
                frame = open_frame([path], config)
                for place, cells in frame.rows([text_column(frame, config)]):
                    yield place, str(cells[0] or "")
                continue
            with characters(path, config) as chunks:
                lines = _lines("".join(chunks))
            yield from ((f"{path}:{number}", line) for number, line in enumerate(lines, 1))
