"""What a network that a training begins with does not let the settings change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.config.schema import Settings


def check_network(asked: Settings, own: Settings, reference: str) -> None:
    """Do nothing if ``asked`` says nothing that the network of an artifact is not.

    Args:
        asked: arguments of the network that are wanted; None: whatever.
        own: those of the artifact.
        reference: its name.

    Raises:
        DlkitError: (USAGE) one is another.

    """
    for name, value in asked:
        if value is not None and value != getattr(own, name):
            raise DlkitError(
                f"{name} cannot change to {value} from what {reference} has: its weights are of "
                "that",
                hint=f"leave out --from, or {name}",
                code=USAGE,
            )
