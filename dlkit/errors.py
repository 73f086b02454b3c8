"""The mistakes that a user can mend, and the exit code that each of them has."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1  # the work failed: bad data, diverged, disk full
USAGE: Final = 2  # the command line or the recipe is wrong
NOT_FOUND: Final = 3  # a word outside the vocabulary, no artifact of that name
DAMAGED: Final = 4  # an artifact that is not what its manifest says, or cannot be trusted
BUSY: Final = 75  # the named run is held by a live process (EX_TEMPFAIL of sysexits.h)


class DlkitError(Exception):
    """A mistake that the user can mend: one line of what, where and which value.

    Args:
        message: what is wrong, where, with which value; no newline, no full stop.
        hint: the command or the change that mends it, if there is one.
        code: the exit code, one of the constants of this module.

    """

    def __init__(self, message: str, *, hint: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class StoppedError(Exception):
    """The work was ended by a signal, after what could be saved was saved.

    Args:
        signum: the signal, for the exit code 128 + signum.
        message: what was saved, and where.
        hint: the command that goes on from there, if anything was saved.

    """

    def __init__(self, signum: int, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.signum = signum
        self.message = message
        self.hint = hint


class ReaderGoneError(Exception):
    """Whoever read stdout has left: no mistake of anybody's, and nothing more to do."""


def quoted(text: str) -> str:
    """``text`` as a word of a shell's command, for a hint; letters of any script stand as is."""
    import re
    import shlex

    return text if re.fullmatch(r"[\w./-]+", text) else shlex.quote(text)
