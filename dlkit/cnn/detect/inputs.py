"""Images that are asked about, as they are named, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from dlkit.cnn.detect.entries import Entry
from dlkit.data import folders, formats
from dlkit.data.frames import open_frame
from dlkit.data.image_parts import image_content
from dlkit.data.image_signs import followed
from dlkit.data.pixels import SUFFIXES
from dlkit.data.queries import named_by
from dlkit.data.roles import image_column
from dlkit.data.sources import STANDARD_INPUT, nearby
from dlkit.data.stdin_names import names_on
from dlkit.data.wording import shown
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig

_LARGEST: Final = 1 << 28  # bytes of an image on stdin
_MOST: Final = 32  # images that are asked about together


def entries_of(
    inputs: Sequence[str], config: BoxesConfig, stdin: BinaryIO | None
) -> Iterator[list[Entry]]:
    """The images that inputs name, one, two, four and so on: the first answer leaves early.

    Args:
        inputs: files, folders, patterns, tables with a column of images; ``-``: an image, or names
            of such inputs, a line each.
        config: the column of images, the encoding.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: there is no such input.

    """
    if not inputs:
        raise DlkitError("nothing to look at", hint="give a file, a folder, or -", code=USAGE)
    if list(inputs).count("-") > 1:
        raise DlkitError("- is given twice: stdin can be read once", code=USAGE)
    waiting: list[Entry] = []
    size = 1
    for some in _together(inputs, config, stdin):
        for entry in some:
            waiting.append(entry)
            if len(waiting) == size:
                yield waiting
                waiting, size = [], min(2 * size, _MOST)
        if waiting:  # more may be long in coming
            yield waiting
            waiting = []


def _together(
    inputs: Sequence[str], config: BoxesConfig, stdin: BinaryIO | None
) -> Iterator[Iterable[Entry]]:
    """What is known at once: inputs of the command line, and lines of stdin that came together."""
    before: list[str] = []
    for text in inputs:
        if text != "-":
            before.append(text)
            continue
        if before:
            yield _named(before, config)
            before = []
        names = names_on(stdin)
        if names is None:
            yield [_from_stdin(stdin)]
            continue
        for lines in names:
            yield _named(lines, config)
    if before:
        yield _named(before, config)


def _named(inputs: Sequence[str], config: BoxesConfig) -> Iterator[Entry]:
    for text in inputs:
        paths = named_by(text)
        if not paths:
            raise DlkitError(f"no such file or folder: {shown(text)}", hint=nearby(text))
        for path in paths:
            if path.is_dir():
                images = [p for p in folders.walk(path)[0] if p.suffix.lower() in SUFFIXES]
                if not images:
                    raise DlkitError(f"no images in the folder {shown(path)}")
                yield from (Entry(str(each), each, []) for each in images)
            elif formats.by_name(path.name)[0] in folders.TABLES:
                yield from _rows(path, config)
            else:
                yield Entry(str(path), path, [])


def _rows(path: Path, config: BoxesConfig) -> Iterator[Entry]:
    frame = open_frame([path], config.samples)
    column = image_column(frame, config.samples)
    for place, cells in frame.rows([column]):
        yield Entry(place, image_content(cells[0], frame.folder), [])


def _from_stdin(stdin: BinaryIO | None) -> Entry:
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    content = stdin.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise DlkitError(f"standard input has more than {_LARGEST:,} bytes")
    if followed(content):
        raise DlkitError(
            "standard input holds several images, one behind the other",
            hint="give one, or the files themselves",
        )
    return Entry(STANDARD_INPUT, content, [])
