"""Names of artifacts and of the files in them: what may become a path, and nothing else."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from dlkit.errors import DAMAGED, USAGE, DlkitError

LONGEST: Final = 100  # bytes; leaves room for ".tmp-NAME-RANDOM" in the 255 of common file systems
MANIFEST: Final = "MANIFEST"
DOCUMENT: Final = "artifact.json"
FIGURES: Final = "figures"  # the one subfolder an artifact has

# Besides "/" and "\": characters that look like a slash, and are folded into one by some systems.
_SLASHES: Final = "/\\\u2044\u2215\uff0f\uff3c\u29f8\u29f9"
# Folders with these names cannot be made, copied or removed on Windows:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_WINDOWS_DEVICES: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"]
)
_WINDOWS_FORBIDDEN: Final = '<>:"|?*'
# Letters, marks, numbers, punctuation, symbols and the plain space may stand in a name. What has
# no picture (controls, bidirectional marks, lone surrogates, odd spaces) may not.
_INVISIBLE: Final = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])


def shown(name: str) -> str:
    """``name`` fit for one line of a terminal: odd characters are written as escapes."""
    return name if name.isprintable() else ascii(name)


def fault(name: str) -> str:
    """Why ``name`` cannot be the name of a file or folder of ours; empty if it can."""
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if not 1 <= size <= LONGEST:
        return f"it has {size} bytes; 1 to {LONGEST} are allowed"
    for character in name:
        if character in _SLASHES:
            return f"it contains {character!r}"
        if character in _WINDOWS_FORBIDDEN:
            return f"it contains {character!r}, which not every file system allows"
        category = unicodedata.category(character)
        if category in _INVISIBLE or (category == "Zs" and character != " "):
            return f"it contains the character U+{ord(character):04X}"
    if unicodedata.normalize("NFC", name) != name:
        return "it is not in Unicode's composed form (NFC)"
    if name[0] in ".- ":
        return f"it begins with {name[0]!r}"
    if name[-1] in ". ":
        return f"it ends with {name[-1]!r}"
    if name.split(".", 1)[0].rstrip().upper() in _WINDOWS_DEVICES:
        return "it is the name of a device on Windows"
    return ""


def check_name(name: str) -> str:
    """Return the name of an artifact or task unchanged.

    Raises:
        DlkitError: (USAGE) it cannot safely be the name of one folder.

    """
    why = fault(name)
    if why:
        raise DlkitError(
            f"{shown(name)[:LONGEST]!r} cannot name an artifact: {why}",
            hint="letters of any script, digits, '_', '-' and '.' inside the name are fine",
            code=USAGE,
        )
    return name


def check_file_name(name: str) -> str:
    """Return the name of an artifact's file unchanged: ``NAME`` or ``figures/NAME``.

    Raises:
        DlkitError: (DAMAGED) it leads elsewhere, or is the manifest's own name.

    """
    folder, slash, base = name.rpartition("/")
    why = fault(base)
    if not why and slash and folder != FIGURES:
        why = f"only the folder {FIGURES!r} may lie in an artifact"
    if not why and name in (MANIFEST, FIGURES):
        why = "it is reserved"
    if why:
        raise DlkitError(
            f"{shown(name)[:LONGEST]!r} cannot name a file of an artifact: {why}", code=DAMAGED
        )
    return name


def split_reference(reference: str) -> tuple[str | None, str]:
    """Split ``NAME`` or ``TASK/NAME`` into task (None if not given) and name, both checked.

    Raises:
        DlkitError: (USAGE) it is neither.

    """
    task, slash, name = reference.rpartition("/")
    return (check_name(task) if slash else None), check_name(name)


def looks_like_path(reference: str) -> bool:
    """Whether ``reference`` can only be a path: ``.``, ``/`` or ``~`` first, or two slashes."""
    return reference.startswith((".", "/", "~")) or reference.count("/") > 1


def numbered(default: str) -> Iterator[str]:
    """``default``, ``default-2``, ``default-3`` …, shortened where the number needs the room."""
    yield check_name(default)
    number = 1
    while True:
        number += 1
        yield _cut(default, LONGEST - len(f"-{number}")) + f"-{number}"


def name_from(text: str, *, fallback: str) -> str:
    """Make a valid name of ``text`` (a file's stem, a hub id), or return ``fallback``."""
    kept = "".join(
        "-" if fault(f"x{character}x") else character
        for character in unicodedata.normalize("NFC", text)
    )
    name = _cut(kept.lstrip("-. "), LONGEST).rstrip("-. ")
    return fallback if fault(name) else name


def _cut(name: str, size: int) -> str:
    """The longest beginning of ``name`` within ``size`` bytes that is whole characters."""
    cut = name.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
    return cut.rstrip(". ")
