"""Where data come from: what a person typed, found and checked before any of it is read.

An existing path wins. What has a suffix or begins with ``.``, ``/`` or ``~`` is only a path.
``builtin:NAME`` is ours, ``hub:NAME`` forces the Hugging Face hub, and what is left is a hub id.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, Final

from dlkit.data import builtin, folders, formats, hub
from dlkit.data.raw import check_kind, is_regular, open_file, unreadable
from dlkit.data.wording import shown
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import TextConfig

STANDARD_INPUT: Final = "standard input"
_SIMILAR: Final = 0.75  # of a mistyped name's letters that are those of the name meant


@dataclass(frozen=True)
class Source:
    """One thing to read, once.

    Attributes:
        name: what a person calls it.
        format: text, csv, tsv, json, parquet, arrow or hub.
        path: the file; None for standard input and for hub data sets.
        size: bytes on disk, None where it is not known.
        origin: what was typed, with an absolute path, so that it can be typed again elsewhere.
        notes: what was chosen on the user's behalf.
        of_split: whether it was chosen by its split.

    """

    name: str
    format: str
    path: Path | None
    size: int | None
    origin: str
    notes: tuple[str, ...] = ()
    of_split: bool = False

    def absolute(self) -> str:
        """What to write into a recipe so that the same data are found from any folder."""
        return self.origin


def locate(
    inputs: Sequence[str], config: TextConfig, *, stdin: BinaryIO | None = None
) -> list[Source]:
    """Find everything that the inputs name and check that it can be read.

    Cheap: files are opened for their first bytes only, and of standard input nothing is read.

    Args:
        inputs: paths of files and folders, ``-``, ``builtin:NAME``, hub ids.
        config: says which split of a data set is meant.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: something does not exist, cannot be read, or has no text that we know of; or
            a column or split is asked for where there is none (USAGE).

    """
    if not inputs:
        raise DlkitError(
            "no input", hint="give a file, a folder, or - for standard input", code=USAGE
        )
    if list(inputs).count("-") > 1:
        raise DlkitError("standard input (-) is given twice", code=USAGE)
    sources = [source for text in inputs for source in _resolve(os.fspath(text), config, stdin)]
    _refuse_idle_options(sources, config)
    seen: set[str] = set()
    for place, source in enumerate(sources):
        key = str(source.path or source.name)
        if key in seen:
            note = f"{source.name} is given twice, and is read twice"
            sources[place] = replace(source, notes=(*source.notes, note))
        seen.add(key)
    return sources


def _refuse_idle_options(sources: Sequence[Source], config: TextConfig) -> None:
    """Refuse an option that nothing of the input listens to."""
    name = sources[0].name + (" and the other inputs" if len(sources) > 1 else "")
    have = "have" if len(sources) > 1 else "has"
    column, split = config.text_column, config.split
    if column is not None and all(source.format == "text" for source in sources):
        raise DlkitError(
            f"--text-column {shown(column)}: {name} {have} no columns",
            hint="leave out --text-column",
            code=USAGE,
        )
    default = type(config).model_fields["split"].default
    if split != default and not any(source.of_split for source in sources):
        raise DlkitError(
            f"--split {shown(split)}: {name} {have} no splits",
            hint="leave out --split",
            code=USAGE,
        )


def _resolve(text: str, config: TextConfig, stdin: BinaryIO | None) -> Iterator[Source]:
    name = shown(text)
    if text == "-":
        if stdin is None:
            raise DlkitError("there is no standard input to read", code=USAGE)
        yield Source(STANDARD_INPUT, "text", None, _size(stdin), "-")
        return
    if not text:
        raise DlkitError("an input is empty text", code=USAGE)
    path = existing(text)
    if path is not None:
        note = won(text)
        found = _folder(path, config) if path.is_dir() else iter([_file(path, name)])
        for source in found:
            yield replace(source, notes=(*note, *source.notes))
            note = ()
    elif text.startswith("builtin:"):
        for file in builtin.files(text.removeprefix("builtin:")):
            yield replace(_file(file, f"{text} ({file.name})"), origin=text)
    elif text.startswith("hub:") or may_be_hub(text):
        identity = text.removeprefix("hub:")
        hub.check(identity, typed=text)
        yield Source(identity, "hub", None, None, f"hub:{identity}", of_split=True)
    else:
        raise DlkitError(f"no such file or folder: {name}", hint=nearby(text))


def existing(text: str) -> Path | None:
    """The path, if there is anything; a link that leads nowhere is an error of its own."""
    try:
        # As the shell does: where there is no such user, the text stands for itself.
        path = Path(os.path.expanduser(text))  # noqa: PTH111
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RuntimeError) as error:
        raise unreadable(
            shown(text), error if isinstance(error, OSError) else ValueError(str(error))
        ) from error
    try:
        path.stat()
    except FileNotFoundError as error:
        target = path.readlink()
        raise DlkitError(
            f"{shown(text)} is a link to {shown(target)}, which does not exist"
        ) from error
    except OSError as error:
        raise unreadable(shown(text), error) from error
    return path


def won(text: str) -> tuple[str, ...]:
    """What to tell where a path exists of a name that could have meant something else."""
    if text.startswith(("builtin:", "hub:")):
        return (f"{text} is taken as the path that exists here",)
    # Most folders have names that could be ids: only of what was fetched before is it likely.
    if may_be_hub(text) and hub.cached(text.partition(":")[0]):
        return (f"{text} is taken as the path that exists here, not as a hub id (hub:{text})",)
    return ()


def may_be_hub(text: str) -> bool:
    """Whether text can only be meant as a hub id if no path of that name exists.

    A hub id begins with a letter or a digit, so ``./x``, ``/x`` and ``~/x`` are never one.
    """
    return not PurePath(text).suffix and hub.is_id(text)


def nearby(text: str) -> str:
    """A hint for a mistyped path: the most similar name in its folder, suffixes aside."""
    import difflib

    path = Path(text)
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    stems = {name: _stem(name) for name in names}
    stem = difflib.get_close_matches(_stem(path.name), set(stems.values()), n=1, cutoff=_SIMILAR)
    alike = [name for name in names if stems[name] in stem]
    close = difflib.get_close_matches(path.name, alike, n=1, cutoff=0)
    return f"did you mean {shown(path.with_name(close[0]))}" if close else ""


def _stem(name: str) -> str:
    """A name without its suffixes; one that begins with a dot has none."""
    return name[:1] + name[1:].partition(".")[0]


def _file(path: Path, name: str) -> Source:
    """A file or named pipe, opened once to see that it can be, and shut again if it is a file."""
    status = path.stat()
    check_kind(status, name)
    kind, codec = formats.by_name(str(path))
    origin = str(path.absolute())
    if not is_regular(status):
        if kind in ("parquet", "arrow"):
            raise DlkitError(f"{name} is a pipe, and {kind} needs a file")
        if not os.access(path, os.R_OK):
            raise DlkitError(f"cannot read {name}: Permission denied")
        return Source(name, kind, path, None, origin)
    with open_file(path, name) as (descriptor, status):
        head = os.read(descriptor, formats.HEAD)
    if kind in ("parquet", "arrow"):
        if codec:
            raise DlkitError(f"{name}: decompress it first; {kind} is read in places")
        return Source(name, kind, path, status.st_size, origin)
    formats.settle(name, head)
    return Source(name, kind, path, status.st_size, origin)


def _folder(path: Path, config: TextConfig) -> Iterator[Source]:
    contents = folders.look(path, config.split)
    notes = contents.notes
    for file in contents.files:
        source = _file(file, shown(file))
        yield replace(
            source,
            origin=str(path.absolute()),
            notes=(*notes, *source.notes),
            of_split=contents.splits,
        )
        notes = ()


def _size(stdin: BinaryIO) -> int | None:
    """Bytes on disk where standard input is a file.

    Raises:
        DlkitError: it is a device that may never end.

    """
    try:
        status = os.fstat(stdin.fileno())
    except (OSError, ValueError):
        return None
    if is_regular(status):
        return status.st_size
    quiet = status.st_rdev == Path(os.devnull).stat().st_rdev
    if not (quiet or stat.S_ISSOCK(status.st_mode) or os.isatty(stdin.fileno())):
        check_kind(status, STANDARD_INPUT)
    return None
