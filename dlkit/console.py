"""All that a person or a pipe sees: results on stdout, everything else on stderr.

Results have three forms. On a terminal they are tables (``human``); in a pipe they are lines of
tab-separated values (``tsv``); on request one JSON object a line (``json``).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO

from dlkit.errors import FAILED, USAGE, DlkitError, ReaderGoneError

Format = Literal["human", "tsv", "json"]

FORMATS = ("human", "tsv", "json")

# C0, DEL and C1: what could move a terminal's cursor or forge a second line of an error.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPES = _CONTROLS | str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
# Those that JSON lets stand in a string.
_IN_JSON = {code: f"\\u{code:04x}" for code in range(127, 160)}


def printable(text: str) -> str:
    """``text`` on one line, its control characters written as escapes."""
    return text.translate(_CONTROLS)


def say(text: str) -> None:
    """One line to stderr; nothing where stderr is closed or its reader has gone."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def note(text: str) -> None:
    """Something chosen or done on the user's behalf, to stderr."""
    say(printable(text))


def warn(text: str) -> None:
    """Something that may hurt the result, to stderr."""
    say(_label("warning", "33") + printable(text))


def error(message: str, hint: str = "") -> None:
    """What is wrong and what mends it, to stderr: one line each."""
    say(_label("error", "1;31") + printable(message))
    if hint:
        say(_label("hint", "36") + printable(hint))


def _label(word: str, colour: str) -> str:
    coloured = is_terminal(sys.stderr) and not os.environ.get("NO_COLOR")
    return f"\x1b[{colour}m{word}:\x1b[0m " if coloured else f"{word}: "


def is_terminal(stream: TextIO | None) -> bool:
    """True if ``stream`` is a terminal that understands cursor and colour codes."""
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


class Output:
    """Where a command's results go, in the form that was asked for.

    Args:
        form: ``human``, ``tsv`` or ``json``; None: ``human`` on a terminal, else ``tsv``.
        json_lines: the ``--json`` flag, the same as ``form="json"``.
        header: in ``tsv``, write the names of the columns first.

    Raises:
        DlkitError: ``form`` is none of the three, or stdout is closed.

    """

    def __init__(
        self, form: str | None = None, *, json_lines: bool = False, header: bool = False
    ) -> None:
        if json_lines:
            form = "json"
        if form is None:
            form = "human" if is_terminal(sys.stdout) else "tsv"
        if form not in FORMATS:
            raise DlkitError(
                f"--format: unknown format {form!r}", hint=f"use {', '.join(FORMATS)}", code=USAGE
            )
        self.form = form
        self._header = header
        self._header_written = False

    def answer(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        value: Mapping[str, object] | Iterable[Mapping[str, object]],
        *,
        title: str = "",
    ) -> None:
        """Write one answer and flush it.

        Args:
            columns: the names of the columns of ``rows``.
            rows: what a table or a pipe gets.
            value: what ``--json`` gets: an object, or several, one a line.
            title: stands above a table on a terminal.

        """
        if self.form == "json":
            for each in [value] if isinstance(value, Mapping) else value:
                line = json.dumps(plain(each), ensure_ascii=False, allow_nan=False)
                self._write(line.translate(_IN_JSON) + "\n")
        elif self.form == "tsv":
            lines = ["\t".join(_cell(x) for x in row) + "\n" for row in rows]
            if self._header and not self._header_written:
                lines.insert(0, "\t".join(columns) + "\n")
                self._header_written = True
            self._write("".join(lines))
        else:
            self._table(columns, rows, title)

    def facts(self, facts: Mapping[str, object]) -> None:
        """Write one answer of named values: a line a value on a terminal, else one row."""
        if self.form == "human":
            self.answer(("result", "value"), list(facts.items()), facts)
        else:
            self.answer(list(facts), [list(facts.values())], facts)

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write ``rows``, which in JSON are objects with the names of the ``columns``."""
        rows = list(rows)
        self.answer(columns, rows, (dict(zip(columns, row, strict=True)) for row in rows))

    def text(self, text: str) -> None:
        """Write ``text`` as it is, whatever the form: a recipe, a path."""
        self._write(text)

    def _write(self, text: str) -> None:
        if sys.stdout is None:
            raise DlkitError("stdout is closed: the results have nowhere to go", code=FAILED)
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            raise ReaderGoneError from None
        except OSError as problem:
            reason = problem.strerror or problem
            raise DlkitError(f"cannot write the results to stdout: {reason}") from None

    def _table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        rows = [list(row) for row in rows]
        bold = "" if os.environ.get("NO_COLOR") else "bold"
        table = Table(
            box=SIMPLE_HEAD, header_style=bold, pad_edge=False, show_edge=False, border_style=""
        )
        for index, column in enumerate(columns):
            numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
            table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_human(x)) for x in row))
        # Data goes through Text objects: a word such as [/s] is no markup.
        console = Console(highlight=False, markup=False, emoji=False)
        with console.capture() as drawn:
            if title:
                console.print(Text(printable(title), style=bold))
            console.print(table)
            console.print()
        self._write(drawn.get())


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or hasattr(value, "dtype")


def _human(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) or hasattr(value, "dtype"):
        return f"{value:.4f}"
    return printable("" if value is None else str(value))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    # str() of a NumPy float32 gives the shortest digits that read back as the same float32.
    return str(value).translate(_ESCAPES)


def plain(value: Any) -> Any:
    """``value`` as what JSON knows; NumPy numbers by their shortest digits."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "dtype"):
        number = value.item()
        return float(str(value)) if isinstance(number, float) else number
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
