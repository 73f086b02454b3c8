r"""MANIFEST: every file of a folder with its size and SHA-256, in a form with one spelling only.

    dlkit manifest 1
    <sha256, 64 lower-case hex digits> <size in bytes> <name>
    ...

Lines end with "\n" and are ordered by the bytes of the names. A manifest that is not byte for byte
what ``encode`` would write is refused, so that no bit of it can change unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from dlkit.artifacts.names import check_file_name
from dlkit.errors import DAMAGED, DlkitError

LARGEST: Final = 1_000_000  # bytes of a MANIFEST
MOST_FILES: Final = 5_000  # so many lines of the longest names stay within LARGEST
RESTORE: Final = "restore it from a copy, or make it anew"  # the hint for what is damaged
_HEAD: Final = "dlkit manifest 1"
_NEWER: Final = "dlkit manifest "
_HEX: Final = frozenset("0123456789abcdef")


class Entry(NamedTuple):
    """One file: its name in the folder, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


def encode(entries: Iterable[Entry]) -> bytes:
    """The manifest of ``entries``."""
    ordered = sorted(entries, key=lambda entry: entry.name.encode("utf-8"))
    lines = [_HEAD, *(f"{entry.sha256} {entry.size} {entry.name}" for entry in ordered)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def decode(data: bytes, *, where: str) -> dict[str, Entry]:
    """The entries of a manifest by name; ``where`` names it in messages.

    Raises:
        DlkitError: (DAMAGED) it is not a manifest, or not one that ``encode`` writes.

    """

    def damaged(what: str, hint: str = RESTORE) -> DlkitError:
        return DlkitError(f"{where}: {what}", hint=hint, code=DAMAGED)

    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise damaged(f"not UTF-8 at byte {error.start}") from error
    if lines[0] != _HEAD:
        version = lines[0].removeprefix(_NEWER)
        if lines[0].startswith(_NEWER) and version.isascii() and version.isdigit():
            raise damaged("made by a newer dlkit", "pip install --upgrade dlkit")
        raise damaged("not a manifest of dlkit")
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines[1:-1], start=2):
        sha256, _, rest = line.partition(" ")
        size, _, name = rest.partition(" ")
        if (
            len(sha256) != 64
            or not _HEX.issuperset(sha256)
            or not (size.isascii() and size.isdigit() and len(size) <= 18)
        ):
            raise damaged(f"line {number} is damaged")
        try:
            check_file_name(name)
        except DlkitError as error:
            raise damaged(error.message) from error
        entries[name] = Entry(name, int(size), sha256)
    if encode(entries.values()) != data:
        raise damaged("not in the one form that dlkit writes")
    return entries
