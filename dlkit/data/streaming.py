"""What is to be predicted, read a batch at a time, so that the first answer leaves early."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from dlkit.data.columns import LONGEST_ROW
from dlkit.data.folders import walk
from dlkit.data.forms import ImageForm, TableForm, TextForm
from dlkit.data.pixels import SUFFIXES
from dlkit.data.queries import named_by, read_frame, read_queries
from dlkit.data.samples import Split, split_of
from dlkit.data.stdin_names import names_on
from dlkit.data.stdin_rows import stdin_frames
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from collections import Counter

    from dlkit.data.config import SampleConfig
    from dlkit.data.forms import Form
    from dlkit.records import Record

_MOST_FILES: Final = 64  # read together
_PIECE: Final = 1 << 16  # bytes of stdin

Batch = Generator["Record", None, Split]


def batches(
    inputs: Sequence[str],
    form: Form,
    config: SampleConfig,
    stdin: BinaryIO | None,
    *,
    tally: Counter[str] | None = None,
) -> Iterator[Batch]:
    """The work of reading ``inputs``, some at a time and in their order.

    The first answer shall leave before the last question has come: images are read in batches
    that grow, those of a folder or a pattern, too; so are the rows of a table from stdin, and lines
    of text as they come. Where stdin is no image, its lines name images.

    Args:
        inputs: as the user typed them.
        form: the artifact's.
        config: how they are read.
        stdin: what ``-`` reads.
        tally: counts what was done to images; None: each batch tells it.

    """
    if inputs.count("-") > 1:
        raise DlkitError("- is given twice: stdin can be read once", code=USAGE)
    if isinstance(form, ImageForm):
        read = partial(read_queries, form=form, config=config, stdin=stdin, tally=tally)
        yield from _images(inputs, stdin, read)
        return
    for entry in inputs:
        if entry == "-" and isinstance(form, TextForm):
            yield from _lines(stdin, config.encoding)
        elif entry == "-" and isinstance(form, TableForm):
            for place, frame in enumerate(stdin_frames(stdin, form, config)):
                yield read_frame(frame, form, config, first=not place)
        else:
            yield read_queries([entry], form, config, stdin=stdin, tally=tally)


def _images(
    inputs: Sequence[str], stdin: BinaryIO | None, read: Callable[[list[str]], Batch]
) -> Iterator[Batch]:
    """Batches of images, one, two, four and so on; those of a folder or a pattern one by one."""
    size = 1
    for known in _known(inputs, stdin):
        waiting: list[str] = []
        for entry in chain.from_iterable(map(_below, known)):
            if _single(entry):
                waiting.append(entry)
                if len(waiting) == size:
                    yield read(waiting)
                    waiting, size = [], min(2 * size, _MOST_FILES)
                continue
            if waiting:
                yield read(waiting)
                waiting = []
            yield read([entry])
        if waiting:
            yield read(waiting)


def _known(inputs: Sequence[str], stdin: BinaryIO | None) -> Iterator[list[str]]:
    """Inputs as they become known: those of the command line, and names that stdin holds."""
    for from_stdin, some in groupby(inputs, "-".__eq__):
        names = names_on(stdin) if from_stdin else None
        if names is None:
            yield list(some)
        else:
            yield from names


def _below(entry: str) -> list[str]:
    """The images of a folder, the files of a pattern; any other input as it is."""
    if entry == "-":
        return [entry]
    found: list[str] = []
    for path in named_by(entry):
        images = []
        if path.is_dir():
            images = [each for each in walk(path)[0] if each.suffix.lower() in SUFFIXES]
        found += map(str, images or [path])
    return found or [entry]


def _single(entry: str) -> bool:
    """Whether ``entry`` is one image file."""
    path = Path(entry).expanduser()
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _lines(stdin: BinaryIO | None, encoding: str) -> Iterator[Batch]:
    """The lines of stdin as texts, those that have come by then together."""
    if stdin is None:
        raise DlkitError("there is no standard input to read", code=USAGE)
    decoder = codecs.getincrementaldecoder(encoding)()
    parts: list[str] = []  # of a line that has not ended
    size, number, last = 0, 0, False
    read = getattr(stdin, "read1", stdin.read)
    while not last:
        piece = read(_PIECE)
        last = not piece
        try:
            *lines, rest = decoder.decode(piece, last).split("\n")
        except UnicodeDecodeError:
            raise DlkitError(
                f"standard input: line {number + 1:,} or one after it is not valid "
                f"{encoding.upper()}",
                hint="--encoding NAME",
            ) from None
        if lines:
            lines[0] = "".join([*parts, lines[0]])
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > LONGEST_ROW:
            raise DlkitError(
                f"standard input: line {number + len(lines) + 1:,} has more than {LONGEST_ROW:,} "
                "characters",
                hint="a line is a text: part texts by line feeds",
            )
        if last and size:
            lines.append("".join(parts))
        if lines:
            yield _texts([line.removesuffix("\r") for line in lines], number)
            number += len(lines)


def _texts(lines: list[str], before: int) -> Batch:
    yield from ()
    paths = [f"-:{before + place}" for place in range(1, len(lines) + 1)]
    return split_of(lines, np.full(len(lines), -1, np.int64), paths)
