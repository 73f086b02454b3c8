"""An unfinished training as files of a run: its state, and what the room that trains needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.errors import DAMAGED, DlkitError, StoppedError
from dlkit.signals import told
from dlkit.training.state import State

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content

_TENSORS = "state.safetensors"


class Keeper:
    """Puts the states of a training into the folder of its run, each in place of the one before.

    Args:
        run: holds the name; it stays interrupted and not gone once a checkpoint is saved.
        command: what goes on from there, for the hint of a StoppedError.
        document: what the room needs besides, such as its settings; JSON values.
        files: the same as files, by name.
        every: steps between checkpoints, besides those that the time asks for.

    """

    def __init__(
        self,
        run: Run,
        *,
        command: str,
        document: Mapping[str, Any],
        files: Mapping[str, Content] | None = None,
        every: int | None = None,
    ) -> None:
        assert _TENSORS not in (files or {})
        self.every = every
        self._run = run
        self._command = command
        self._document = dict(document)
        self._files = dict(files or {})

    def save(self, state: State) -> None:
        """Write ``state``.

        Raises:
            DlkitError: the disk refused; the checkpoint before is as it was.

        """
        tensors = {name: each.numpy() for name, each in state.tensors.items()}
        self._run.save_checkpoint(
            {**self._files, _TENSORS: write_tensors(tensors)},
            {"room": self._document, "training": state.numbers},
        )
        self._run.keep()

    def stopped(self, signum: int) -> StoppedError:
        """What to raise after a save because of a signal."""
        return StoppedError(
            signum,
            f"{told(signum)}; {self._run.reference} is saved as far as it came",
            hint=self._command,
        )


def load(run: Run) -> tuple[dict[str, Any], State, Path]:
    """The room's document, the state, and the folder of the room's files.

    Raises:
        DlkitError: (DAMAGED) there is none, or it is not what was saved.

    """
    import numpy as np
    import torch

    document, folder = run.load_checkpoint()
    room, training = document.get("room"), document.get("training")
    if not isinstance(room, dict) or not isinstance(training, dict):
        raise DlkitError(
            f"{run.reference} holds a checkpoint of another dlkit",
            hint="use the dlkit that began it, or train anew without --resume",
            code=DAMAGED,
        )
    arrays = read_tensors(folder / _TENSORS)
    # Into memory of their own: what was mapped goes with the next checkpoint.
    tensors = {name: torch.from_numpy(np.array(each)) for name, each in arrays.items()}
    return room, State(tensors, training), folder
