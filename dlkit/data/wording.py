"""Counts and names as messages show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts: ``1 row``, ``2,000 rows``.

    Args:
        number: how many.
        noun: for one of them.
        plural: for more or none, where it is not the noun and an s.

    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first ``most`` names, parted by commas, and an ellipsis where there are more."""
    return ", ".join(shown(name) or "''" for name in names[:most]) + (
        ", …" if len(names) > most else ""
    )


def shown(name: str | Path) -> str:
    """A name fit for a message of one line: no control characters, not too long."""
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(name))
    return text if len(text) <= 200 else f"{text[:100]}…{text[-50:]}"
