"""Settings given again when a run goes on: those it began with, or a change that is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dlkit.artifacts.showing import flat
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.config.schema import Settings

# What may change without making another training of it.
FREE: Final = ("epochs", "threads", "device", "checkpoint_minutes", "compile")

# Of these a change is nobody's concern afterwards.
_UNTOLD: Final = ("checkpoint_minutes",)


def changes(
    saved: Settings, asked: Settings, *, done: int, free: Sequence[str] = FREE
) -> list[str]:
    """What of the settings is another now, in words, all of it allowed.

    Args:
        saved: the settings that the run began with.
        asked: those to go on with.
        done: epochs that are behind.
        free: the last parts of the keys that may change.

    Raises:
        DlkitError: (USAGE) a setting that may not change differs, each named with both values; or
            so few epochs are asked for that the run would be over.

    """
    before, after = flat(saved.model_dump()), flat(asked.model_dump())
    changed = {key: (before.get(key), value) for key, value in after.items()}
    changed = {key: pair for key, pair in changed.items() if pair[0] != pair[1]}
    refused = [key for key in changed if key.rsplit(".", 1)[-1] not in free]
    if refused:
        told = "; ".join(f"{key} was {_shown(changed[key][0])} when the run began, not "
                         f"{_shown(changed[key][1])}" for key in refused)  # fmt: skip
        raise DlkitError(
            f"--resume: {told}",
            hint="leave the setting out, or start a new run without --resume",
            code=USAGE,
        )
    for key, (_, value) in changed.items():
        if key.rsplit(".", 1)[-1] == "epochs" and isinstance(value, int) and value <= done:
            raise DlkitError(
                f"--resume: {done} epochs are done already, so --epochs {value} is over",
                hint=f"--epochs {done + 1} or more",
                code=USAGE,
            )
    return [
        f"{key.rsplit('.', 1)[-1]} changed from {_shown(old)} to {_shown(new)}"
        for key, (old, new) in changed.items()
        if key.rsplit(".", 1)[-1] not in _UNTOLD
    ]


def _shown(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or "not set"
    return "not set" if value is None else str(value)
