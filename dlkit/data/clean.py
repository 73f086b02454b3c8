"""Raw characters made uniform: one kind of line end, one kind of space, no hidden controls.

After this only U+0020 separates words and only U+000A ends lines. White space is the Unicode
property White_Space plus control characters and the zero-width space, which marks word boundaries.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_LINE_ENDS: Final = "\r\x85\u2028\u2029"
_SPACES: Final = (
    "".join(chr(point) for point in (*range(32), 127, *range(128, 0xA1)) if point != 10)
    + "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    + "\u202f\u205f\u3000"
)
# Bidirectional controls (Unicode Standard Annex 9) and the byte order mark.
_REMOVED: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"

_MAP: Final = (
    dict.fromkeys(_SPACES, " ") | dict.fromkeys(_LINE_ENDS, "\n") | dict.fromkeys(_REMOVED, "")
)
_ASCII_TABLE: Final = {ord(key): value for key, value in _MAP.items() if key.isascii()}
_SPECIAL: Final = re.compile(f"[{re.escape(''.join(_MAP))}\ud800-\udfff]")


class Cleaner:
    """Cleans one source chunk by chunk.

    Args:
        tally: counts of what was found, under "nul", "invisible" and "surrogates".

    """

    def __init__(self, tally: Counter[str]) -> None:
        self._tally = tally
        self._started = False
        self._held = ""

    def __call__(self, text: str, *, final: bool = False) -> str:
        """Clean the next chunk; the chunks' boundaries make no difference to the whole.

        Args:
            text: any characters, lone surrogates included (these become U+FFFD).
            final: no more chunks come.

        """
        if not self._started and text:
            self._started = True
            text = text.removeprefix("\ufeff")  # a byte order mark in its place is no news
        text = self._held + text
        self._held = ""
        if text.endswith("\r") and not final:
            self._held = "\r"  # perhaps one half of CR LF
            text = text[:-1]
        self._tally["nul"] += text.count("\0")
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        if text.isascii():
            return text.translate(_ASCII_TABLE)
        if "\t" in text:
            text = text.replace("\t", " ")
        return _SPECIAL.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        found = match.group()
        put = _MAP.get(found)
        if put is None:
            self._tally["surrogates"] += 1
            return "\ufffd"
        if not put:
            self._tally["invisible"] += 1
        return put
