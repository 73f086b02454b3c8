"""Files of tests of word vectors, as they are published.

- Analogies, as in word2vec's ``questions-words.txt``: lines of four words, of which the fourth is
  asked for, in sections that begin with a line ``: NAME``.
- Pairs, as in WordSim-353, SimLex-999, MEN or wordsim-240: two words and a number between tabs,
  commas or spaces; perhaps a header before them and more columns beside them. The score is the
  first column after the two words that holds a number.
"""

from __future__ import annotations

import csv
import io
import math
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from dlkit.errors import FAILED, NOT_FOUND, DlkitError
from dlkit.records import Noted, Record, Warned
from dlkit.vectors.wordtests import Analogies, Kind, Pairs, Quadruple, Test

_LARGEST: Final = 1 << 28  # bytes; the largest published tests have some millions
_LONGEST_SHOWN: Final = 60  # characters of a malformed line
_SEPARATORS: Final = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "spaces"}
_SKIP: Final = "--skip-malformed leaves such lines out and counts them"


class _Line(NamedTuple):
    number: int
    text: str


class _Layout(NamedTuple):
    separator: str
    column: int  # of the score, from 0
    header: bool


def read_file(
    path: Path,
    *,
    kind: Kind | None = None,
    skip_malformed: bool = False,
    score_column: int | None = None,
) -> Generator[Record, None, Test]:
    """The test in a file, which may be packed by gzip; see ``read_test``.

    Raises:
        DlkitError: the file cannot be read, or as ``read_test``.

    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or problem
        raise DlkitError(f"{path} cannot be read: {reason}", code=FAILED) from None
    return (
        yield from read_test(
            data, str(path), kind=kind, skip_malformed=skip_malformed, score_column=score_column
        )
    )


def read_test(
    data: bytes,
    name: str,
    *,
    kind: Kind | None = None,
    skip_malformed: bool = False,
    score_column: int | None = None,
) -> Generator[Record, None, Test]:
    """The test that ``data`` holds; yields what was found.

    Args:
        data: the bytes of a file, UTF-8, perhaps packed by gzip.
        name: what messages call it.
        kind: what it holds; None: told from its first lines.
        skip_malformed: leave out lines that cannot be read, with a warning.
        score_column: of a file of pairs, from 1; None: the first that holds a number.

    Raises:
        DlkitError: FAILED for bytes that are no text, a test of neither kind, or a malformed line;
            NOT_FOUND if there is no question.

    """
    text = _text(data, name)
    lines = [
        _Line(number, line.strip())
        for number, line in enumerate(io.StringIO(text, newline=None), start=1)
        if line.strip()
    ]
    layout = _layout(lines, score_column) if kind != "analogies" else None
    if kind is None:
        asked = layout is not None or score_column is not None
        kind = _kind(lines, name, pairs=asked)
    if kind == "analogies":
        return (yield from _analogies(lines, name, skip_malformed=skip_malformed))
    if layout is None:
        raise _no_pairs(lines, score_column, name)
    return (yield from _pairs(lines, layout, name, skip_malformed=skip_malformed))


def _text(data: bytes, name: str) -> str:
    if data[:2] == b"\x1f\x8b":
        unpacking = zlib.decompressobj(wbits=31)
        try:
            data = unpacking.decompress(data, _LARGEST + 1)
        except zlib.error as problem:
            raise DlkitError(f"{name}: damaged gzip data: {problem}", code=FAILED) from None
        if len(data) <= _LARGEST and not unpacking.eof:
            raise DlkitError(f"{name}: the gzip data are cut off", code=FAILED)
    if len(data) > _LARGEST:
        raise DlkitError(f"{name} has more than {_LARGEST:,} bytes: no test has", code=FAILED)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DlkitError(
            f"{name}: byte {problem.start:,} (0x{data[problem.start]:02x}) is not valid UTF-8",
            hint="iconv -f gb18030 -t utf-8 (or what it is in)",
            code=FAILED,
        ) from None
    if "\0" in text:
        raise DlkitError(f"{name} is no text: it holds zero bytes", code=FAILED)
    return text


def _kind(lines: Sequence[_Line], name: str, *, pairs: bool) -> Kind:
    """What the lines hold, told from the first; ``pairs``: if no section, then pairs."""
    if not lines:
        raise _empty(name)
    if _heading(lines[0].text) is not None:
        return "analogies"
    if pairs:
        return "pairs"
    if len(lines[0].text.split()) == 4:
        return "analogies"
    raise DlkitError(
        f"{name}: line {lines[0].number} begins neither analogies nor pairs: "
        f"'{_shown(lines[0].text)}'",
        hint="--kind analogies (four words a line) or --kind pairs (two words and a number)",
        code=FAILED,
    )


def _heading(line: str) -> str | None:
    """The name of the section that ``line`` begins; None if it begins none."""
    if not line.startswith(":"):
        return None
    # A question may begin with a word such as ":)".
    return None if line[1:2].strip() and len(line.split()) == 4 else line[1:].strip()


def _analogies(
    lines: Sequence[_Line], name: str, *, skip_malformed: bool
) -> Generator[Record, None, Analogies]:
    sections: list[str] = []
    questions: list[Quadruple] = []
    section_of: list[int] = []
    malformed: list[_Line] = []
    for line in lines:
        heading = _heading(line.text)
        if heading is not None:
            sections.append(heading)
            continue
        words = line.text.split()
        if len(words) != 4:
            malformed.append(line)
            if skip_malformed:
                continue
            raise _malformed(name, line, "a question of four words")
        if not sections:
            sections.append("")
        questions.append((words[0], words[1], words[2], words[3]))
        section_of.append(len(sections) - 1)
    yield from _skipped(name, malformed)
    if not questions:
        raise _empty(name)
    named = sum(bool(section) for section in sections)
    inside = f" in {named:,} section{'s' * (named != 1)}" if named else ""
    asked = f"{len(questions):,} question{'s' * (len(questions) != 1)}"
    yield Noted(f"{name}: analogies, {asked}{inside}")
    return Analogies(name, tuple(sections), tuple(questions), tuple(section_of), len(malformed))


def _pairs(
    lines: Sequence[_Line], layout: _Layout, name: str, *, skip_malformed: bool
) -> Generator[Record, None, Pairs]:
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    malformed: list[_Line] = []
    lines = _content(lines)
    for line in lines[layout.header :]:
        fields = _fields(line.text, layout.separator)
        score = _number(fields[layout.column]) if len(fields) > layout.column else None
        if score is None or not fields[0] or not fields[1]:
            malformed.append(line)
            if skip_malformed:
                continue
            raise _malformed(name, line, f"two words and a number in column {layout.column + 1}")
        pairs.append((fields[0], fields[1]))
        scores.append(score)
    yield from _skipped(name, malformed)
    if not pairs:
        raise _empty(name)
    header = f", line {lines[0].number} is a header" if layout.header else ""
    count = f"{len(pairs):,} pair{'s' * (len(pairs) != 1)}"
    yield Noted(
        f"{name}: {count} between {_SEPARATORS[layout.separator]}, "
        f"score in column {layout.column + 1}{header}"
    )
    return Pairs(name, tuple(pairs), tuple(scores), len(malformed))


def _layout(lines: Sequence[_Line], score_column: int | None) -> _Layout | None:
    """How one of the first two lines holds two words and a number; None if neither does."""
    first = [line.text for line in _content(lines)[:2]]
    for separator in _SEPARATORS:
        for header, line in enumerate(first):
            fields = _fields(line, separator)
            for column in range(2, len(fields)):
                asked = score_column is None or column == score_column - 1
                if asked and _number(fields[column]) is not None:
                    return _Layout(separator, column, bool(header))
    return None


def _content(lines: Sequence[_Line]) -> list[_Line]:
    """The lines of a file of pairs that are no comments."""
    return [line for line in lines if not line.text.startswith("#")]


def _fields(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    if separator == "," and '"' in line:
        return [field.strip() for field in next(csv.reader([line]))]
    return [field.strip() for field in line.split(separator)]


def _number(field: str) -> float | None:
    """The finite number that ``field`` is; None if it is none."""
    try:
        number = float(field)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in field else None


def _skipped(name: str, malformed: Sequence[_Line]) -> Generator[Record, None, None]:
    if malformed:
        count, first = len(malformed), malformed[0]
        what = "1 malformed line is" if count == 1 else f"{count:,} malformed lines are"
        yield Warned(
            f"{name}: {what} left out; the first is line {first.number}: '{_shown(first.text)}'"
        )


def _malformed(name: str, line: _Line, wanted: str) -> DlkitError:
    return DlkitError(
        f"{name}: line {line.number} is not {wanted}: '{_shown(line.text)}'",
        hint=_SKIP,
        code=FAILED,
    )


def _no_pairs(lines: Sequence[_Line], score_column: int | None, name: str) -> DlkitError:
    content = _content(lines)
    if not content:
        return _empty(name)
    column = "" if score_column is None else f" in column {score_column}"
    return _malformed(name, content[0], f"two words and a number{column}")


def _empty(name: str) -> DlkitError:
    return DlkitError(f"{name} has no questions", code=NOT_FOUND)


def _shown(line: str) -> str:
    """``line`` as an error shows it: a long one cut, and the cut shown."""
    return line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + "…"
