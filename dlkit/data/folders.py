"""What a folder holds: a data set in the layout of the Hugging Face hub, or text files.

Splits by file and folder names: https://huggingface.co/docs/hub/datasets-file-names-and-splits
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dlkit.data import formats
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError

TABLES: Final = ("parquet", "arrow", "csv", "tsv", "json")
# Cards and settings that lie beside a data set's tables.
ASIDE: Final = re.compile(
    r"(?i)(readme|licen[cs]e|copying|notice|citation)(\..*)?|dataset_infos?\.json|dataset_dict\.json"
    r"|state\.json"
)
SPLIT_WORDS: Final = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
}


_NAMED: Final = 5  # files that are left out


@dataclass(frozen=True)
class Contents:
    """The files to read, in order, and what to tell about the choice."""

    files: list[Path]
    splits: bool  # whether the files are tables, of which a split was chosen
    notes: tuple[str, ...]


def look(folder: Path, split: str) -> Contents:
    """Choose what to read of a folder.

    Args:
        folder: looked through recursively; links to folders are not followed.
        split: train, test, validation, another name, or all.

    Raises:
        DlkitError: a folder cannot be listed, there is nothing to read, or no such split.

    """
    found, hidden = walk(folder)
    kept = [path for path in found if not ASIDE.fullmatch(path.name)]
    tables = [path for path in kept if formats.by_name(path.name)[0] in TABLES]
    texts = [path for path in kept if formats.by_name(path.name)[0] == "text"]
    plain = [path for path in texts if _inner_suffix(path) in (".txt", ".text")]
    rivals = plain or [path for path in texts if not _inner_suffix(path)]
    if tables and rivals and not _is_data_set(folder, tables, rivals):
        raise _mixed(folder, tables, rivals)
    if tables:
        files, notes = _one_split(folder, one_format(tables), split)
    else:
        files, notes = plain or texts, []
    if not files:
        raise DlkitError(f"no text files and no tables in the folder {shown(folder)}")
    notes.append(f"{shown(folder)}: {counted(len(files), 'file')} to read")
    if hidden:
        notes.append(f"{shown(folder)}: {counted(hidden, 'hidden file')} not read")
    chosen = set(files)
    others = [str(path.relative_to(folder)) for path in found if path not in chosen]
    if others:
        number = counted(len(others), "other file")
        notes.append(f"{shown(folder)}: {number} not read: {listed(others)}")
    return Contents(files, bool(tables), tuple(notes))


def _is_data_set(folder: Path, tables: list[Path], plain: list[Path]) -> bool:
    """Whether the tables are clearly the data set, and the plain text is not."""
    if any(formats.by_name(path.name)[0] in ("parquet", "arrow") for path in tables):
        return True
    return any(split_of(path.relative_to(folder)) for path in tables) and not any(
        split_of(path.relative_to(folder)) for path in plain
    )


def _mixed(folder: Path, tables: list[Path], plain: list[Path]) -> DlkitError:
    """The error for a folder of which half would have to be left out."""
    patterns: dict[str, None] = {}
    for path in plain:
        ending = "".join(
            path.suffixes[-2:] if path.suffix in formats.CODECS else path.suffixes[-1:]
        )
        parent = shlex.quote(str(path.parent))
        patterns[f"{parent}/*{ending}" if ending else shlex.quote(str(path))] = None
    files = " ".join(list(patterns)[:_NAMED]) + (" …" if len(patterns) > _NAMED else "")
    text, table = plain[0].relative_to(folder), tables[0].relative_to(folder)
    return DlkitError(
        f"{shown(folder)} holds both text ({shown(text)}) and tables ({shown(table)})",
        hint=f"give the files that are meant: dlkit word2vec train {shown(files)}",
    )


def walk(folder: Path) -> tuple[list[Path], int]:
    """All files below a folder in the order of their paths, and how many hidden ones there are."""
    found: list[Path] = []
    hidden = 0

    def fail(error: OSError) -> None:
        raise DlkitError(
            f"cannot list the folder {shown(error.filename)}: {error.strerror}"
        ) from error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith("."):
                hidden += 1
            else:
                found.append(Path(parent, name))
    found.sort(key=lambda path: os.fsencode(path.relative_to(folder)))
    return found, hidden


def _inner_suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in formats.CODECS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def one_format(tables: list[Path]) -> list[Path]:
    """The tables of the format that most files have; a data set is of one format."""
    kinds = [formats.by_name(path.name)[0] for path in tables]
    most = max(TABLES, key=lambda kind: (kinds.count(kind), -TABLES.index(kind)))
    return [path for path, kind in zip(tables, kinds, strict=True) if kind == most]


def split_of(path: Path) -> str | None:
    """The split that a path inside a data set names, the file's name before its folders'."""
    for part in reversed(path.parts):
        for word in re.split(r"[\W_\d]+", part.lower()):
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
    return None


def _one_split(folder: Path, tables: list[Path], split: str) -> tuple[list[Path], list[str]]:
    splits = {path: split_of(path.relative_to(folder)) for path in tables}
    names = sorted({name or "train" for name in splits.values()})
    if split == "all" or not any(splits.values()):
        if split not in ("all", "train"):
            raise DlkitError(
                f"{shown(folder)} has no split {split!r}: its files name none", hint="--split all"
            )
        return tables, []
    wanted = SPLIT_WORDS.get(split, split)
    files = [path for path in tables if (splits[path] or "train") == wanted]
    if not files:
        raise DlkitError(
            f"{shown(folder)} has no split {split!r}; it has {', '.join(names)}",
            hint=f"--split {names[0]}, or --split all",
        )
    others = [name for name in names if name != wanted]
    note = f"{shown(folder)}: the split {wanted} is read"
    return files, [note + (f", not {', '.join(others)} (--split all reads all)" if others else "")]
