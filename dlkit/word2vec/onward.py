"""What to type when vectors are there."""

from __future__ import annotations

from collections.abc import Sequence

from dlkit.errors import quoted

ENOUGH_WORDS = 101  # the first of them say little, later ones are rarer


def question(words: Sequence[str], reference: str) -> str:
    """The command that asks the artifact ``reference`` about one of its ``words``.

    Args:
        words: in falling frequency, at least ENOUGH_WORDS where there are so many.
        reference: the name of the artifact.

    """
    word = words[min(len(words), ENOUGH_WORDS) - 1]
    asked = f"--word={word}" if word.startswith(("-", "+")) else word
    return f"dlkit similar {quoted(asked)} --from {quoted(reference)}"
