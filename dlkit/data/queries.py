"""What is to be predicted: files, folders, patterns, tables or standard input, without labels."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from dlkit.data import folders, formats
from dlkit.data.array_parts import array_queries
from dlkit.data.forms import Form, ImageForm, TableForm
from dlkit.data.frame_parts import told_bad, whole_text
from dlkit.data.frames import Frame, open_frame
from dlkit.data.image_parts import image_content
from dlkit.data.image_signs import followed
from dlkit.data.images import Cell, read_images, told
from dlkit.data.numpy_files import SUFFIXES as ARRAYS
from dlkit.data.pixels import SUFFIXES
from dlkit.data.roles import image_column, text_column
from dlkit.data.samples import Inputs, Rows, Split, split_of
from dlkit.data.sources import STANDARD_INPUT, existing, nearby
from dlkit.data.stdin_rows import stdin_frames
from dlkit.data.table_rules import encode
from dlkit.data.tabular import RawTable, read_table
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

_WHAT: Final = "queries"
_LARGEST_STDIN: Final = 1 << 28  # bytes of one image, or of all lines


def read_queries(
    inputs: Sequence[str],
    form: Form,
    config: SampleConfig,
    *,
    stdin: BinaryIO | None = None,
    tally: Counter[str] | None = None,
    what: str = _WHAT,
) -> Generator[Record, None, Split]:
    """Read what is to be predicted, in the form that an artifact knows.

    Args:
        inputs: for images: files, folders (all images below), patterns such as ``*.png``, tables
            with a column of images, ``-`` for the bytes of one image. For tables: files of tables.
            ``-`` a table's rows. For texts: text files (a text a line), folders (a text in each
            ``.txt`` below), tables, ``-``.
        form: the artifact's.
        config: columns, encoding, whether bad inputs are left out.
        stdin: what ``-`` reads.
        tally: counts what was done to images over several calls; who gives it tells it
            (``told_queries``).
        what: what messages call the images.

    Returns:
        A split without labels (all -1).

    Raises:
        DlkitError: there is no such input, or one cannot be read.

    """
    if not inputs:
        raise DlkitError("nothing to predict", hint="give a file, a folder, or -", code=USAGE)
    values: Inputs
    if len(inputs) == 1 and _is_array(inputs[0]):
        values, paths = yield from _arrays(Path(inputs[0]).expanduser(), form, config)
    elif isinstance(form, ImageForm):
        names: list[str] = []
        sources = list(_image_cells(inputs, config, stdin))
        cells = _noted(chain.from_iterable(some for some, _ in sources), names)
        total = sum(count for _, count in sources)
        found = yield from read_images(cells, total, config, form=form, what=what, tally=tally)
        paths = [names[place] for place in found.places.tolist()]
        # Digests of what the files hold, as samples have them, whatever size images are made.
        return Split(found.pixels, np.full(len(paths), -1, np.int64), paths, found.digests)
    elif isinstance(form, TableForm):
        values, paths = yield from _table(inputs, form, config, stdin)
    else:
        pairs = list(_texts(inputs, config, stdin))
        values, paths = [text for _, text in pairs], [path for path, _ in pairs]
    return split_of(values, np.full(len(paths), -1, np.int64), paths)


def _is_array(text: str) -> bool:
    return Path(text).suffix.lower() in ARRAYS and existing(text) is not None


def _arrays(
    path: Path, form: Form, config: SampleConfig
) -> Generator[Record, None, tuple[Inputs, list[str]]]:
    values, places = yield from array_queries(path, form, skip_bad=config.skip_bad)
    if not isinstance(values, RawTable):
        return values, places
    assert isinstance(form, TableForm)
    made: list[Rows] = []
    for each in encode(values, form, what=shown(path)):
        if isinstance(each, np.ndarray):
            made.append(each)
        else:
            yield each
    return made[0], places


def told_queries(tally: Counter[str]) -> Iterator[Noted]:
    """What was done to the images that ``read_queries`` counted in ``tally``."""
    yield from told(tally, _WHAT)


def named_by(text: str) -> list[Path]:
    """The files that one input names, in the order of their names; none if there are none."""
    path = existing(text) if text else None
    if path is not None:
        return [path]
    if not glob.has_magic(text):
        return []
    names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - absolute ones, too
    return [Path(name) for name in names]


def _paths(text: str) -> list[Path]:
    """The files that one input names.

    Raises:
        DlkitError: there are none.

    """
    if found := named_by(text):
        return found
    if glob.has_magic(text):
        raise DlkitError(f"no file is like {shown(text)}")
    raise DlkitError(f"no such file or folder: {shown(text)}", hint=nearby(text))


def _image_cells(
    inputs: Sequence[str], config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[tuple[Iterable[Cell], int]]:
    """The images of each input, those of tables not yet read, and how many there are."""
    for text in inputs:
        if text == "-":
            content = _standard_input(stdin)
            if followed(content):
                raise DlkitError(
                    "standard input holds several images, one behind the other",
                    hint="give one, or the files themselves",
                )
            yield [(STANDARD_INPUT, content)], 1
            continue
        for path in _paths(text):
            if path.is_dir():
                below, _ = folders.walk(path)
                images = [each for each in below if each.suffix.lower() in SUFFIXES]
                if not images:
                    raise DlkitError(f"no images in the folder {shown(path)}")
                yield [(str(each), each) for each in images], len(images)
            elif formats.by_name(path.name)[0] in folders.TABLES:
                frame = open_frame([path], config)
                column = image_column(frame, config)
                count = frame.count
                if count is None:
                    count = sum(1 for _ in frame.rows([column]))
                yield _rows(frame, column), count
            else:
                yield [(str(path), path)], 1


def _rows(frame: Frame, column: str) -> Iterator[Cell]:
    for place, cells in frame.rows([column]):
        yield place, image_content(cells[0], frame.folder)


def _noted(cells: Iterable[Cell], names: list[str]) -> Iterator[Cell]:
    """The cells, whose names are kept, and nothing else of them."""
    for name, content in cells:
        names.append(name)
        yield name, content


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


def _frames(
    inputs: Sequence[str], form: TableForm, config: SampleConfig, stdin: BinaryIO | None
) -> Iterator[Frame]:
    for text in inputs:
        if text == "-":
            yield from stdin_frames(stdin, form, config)
            continue
        for path in _paths(text):
            if formats.by_name(path.name)[0] not in folders.TABLES:
                raise DlkitError(
                    f"{shown(path)} is no table", hint="give .csv, .tsv, .json, .parquet or .npz"
                )
            yield open_frame([path], config)


def _table(
    inputs: Sequence[str], form: TableForm, config: SampleConfig, stdin: BinaryIO | None
) -> Generator[Record, None, tuple[Inputs, list[str]]]:
    made: list[Rows] = []
    paths: list[str] = []
    for frame in _frames(inputs, form, config, stdin):
        split = yield from read_frame(frame, form, config)
        made.append(split.rows)
        paths += split.paths
    rows: Rows = np.concatenate(made)  # type: ignore[assignment]  # of either type
    return rows, paths


def read_frame(
    frame: Frame, form: TableForm, config: SampleConfig, *, first: bool = True
) -> Generator[Record, None, Split]:
    """The rows of one table by an artifact's rules.

    Args:
        frame: the table.
        form: the artifact's.
        config: whether bad rows are left out.
        first: tell which columns are not read.

    Raises:
        DlkitError: a column is missing, or a cell is no number.

    """
    columns = [column.name for column in form.sources]
    numeric = [column.name for column in form.sources if column.levels is None]
    for note in frame.notes:
        yield Noted(note)
    for name in columns:
        if name not in frame.kinds:
            raise DlkitError(
                f"{frame.name} has no column {shown(name)}, which the artifact learnt from"
            )
    if first and (spare := [name for name in frame.kinds if name not in columns]):
        number = counted(len(spare), "column")
        yield Noted(f"{frame.name}: {number} not read: {listed(spare)}")
    rows: Rows | None = None
    paths: list[str] = []
    for record in read_table(frame, None, columns, numeric=numeric, skip_bad=config.skip_bad):
        if not isinstance(record, RawTable):
            yield record
            continue
        paths = record.places
        for each in encode(record, form, what=frame.name):
            if isinstance(each, np.ndarray):
                rows = each
            else:
                yield each
    assert rows is not None
    yield from told_bad(frame)
    return split_of(rows, np.full(len(paths), -1, np.int64), paths)


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
            if path.is_dir():
                yield from _text_folder(path, config)
                continue
            if formats.by_name(path.name)[0] in folders.TABLES:
                frame = open_frame([path], config)
                for place, cells in frame.rows([text_column(frame, config)]):
                    yield place, str(cells[0] or "")
                continue
            with characters(path, config) as chunks:
                lines = _lines("".join(chunks))
            yield from ((f"{path}:{number}", line) for number, line in enumerate(lines, 1))


def _text_folder(folder: Path, config: SampleConfig) -> Iterator[tuple[str, str]]:
    """The texts below a folder, one a file, as they are learnt from."""
    below, _ = folders.walk(folder)
    files = [path for path in below if path.suffix.lower() == ".txt"]
    if not files:
        raise DlkitError(f"no .txt files in the folder {shown(folder)}")
    for path in files:
        yield str(path), whole_text(path, config)
