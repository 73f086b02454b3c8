"""Texts as lines of a file of an artifact: labels, paths, texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ESCAPES: Final = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"))


def write_lines(texts: Sequence[str]) -> bytes:
    r"""Texts, one a line of UTF-8; in a text a newline is written ``\n``, a backslash twice."""
    lines = []
    for text in texts:
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        lines.append(text + "\n")
    # What is no character (half a surrogate pair, of a file's name) is kept as its three bytes.
    return "".join(lines).encode("utf-8", "surrogatepass")


def read_lines(data: bytes) -> list[str]:
    """What ``write_lines`` wrote.

    Raises:
        ValueError: it is not of that form.

    """
    text = data.decode("utf-8", "surrogatepass")
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no end")
    plain = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
    lines = text[:-1].split("\n") if text else []
    if "\\" not in text:
        return lines
    return [re.sub(r"\\[\\nr]", lambda found: plain[found.group()], line) for line in lines]
