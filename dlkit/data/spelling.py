"""Words of a query in the spelling of a corpus; imports nothing before it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def spelling(settings: Mapping[str, Any]) -> Callable[[str], str]:
    """From the settings of a text, as artifact.json has them, what spells a word as it was."""

    def spell(word: str) -> str:
        from dlkit.data.normalise import Normaliser

        return Normaliser.from_dict(settings).word(word)

    return spell
