"""What every training of a classifier does about its run: its name, its checkpoints, going on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dlkit.artifacts.names import name_from
from dlkit.config.resolve import resolve, validate
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.training.checkpoint import Keeper, load
from dlkit.training.resuming import changes

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.config.schema import Settings
    from dlkit.data.samples import Samples
    from dlkit.training.state import State

S = TypeVar("S", bound="Settings")


class Interrupted(NamedTuple):
    """A run that goes on.

    Attributes:
        document: what the room kept.
        state: where the training was.
        changed: what of the settings is another now, in words.

    """

    document: dict[str, Any]
    state: State
    changed: list[str]


def interrupted(
    held: Run,
    schema: type[S],
    *,
    recipe: Path | None,
    sets: Sequence[str],
    options: Mapping[str, object] | None,
) -> tuple[S, Interrupted]:
    """The settings to go on with, and where the run was.

    Args:
        held: the run.
        schema: of the settings.
        recipe: a recipe that was named again.
        sets: assignments that were given again.
        options: options that were given again, by dotted key.

    Raises:
        DlkitError: (DAMAGED) the checkpoint is; (USAGE) a setting that may not change is another.

    """
    document, state, _ = load(held)
    saved = validate(schema, document["config"])
    base = saved.model_dump(mode="json")
    config = resolve(schema, recipe=recipe, sets=sets, options=options, base=base)
    changed = changes(saved, config, done=state.numbers["epoch"])
    return config, Interrupted(document, state, changed)


def keeper(
    held: Run, config: Settings, samples: Samples, resumptions: Sequence[Mapping[str, Any]] = ()
) -> Keeper:
    """What takes the checkpoints of a run.

    Args:
        held: the run.
        config: settled settings that find the data from any folder.
        samples: the data.
        resumptions: what ``run.json`` tells of earlier stretches.

    """
    return Keeper(
        held,
        command=f"dlkit {held.task} train --resume --name {quoted(held.name)}",
        document={
            "config": config.model_dump(mode="json"),
            "fingerprint": samples.fingerprint("train"),
            "resumptions": list(resumptions),
        },
    )


def check_same(document: Mapping[str, Any], samples: Samples, reference: str) -> None:
    """Do nothing if the training data are those that the run began with.

    Raises:
        DlkitError: (USAGE) they have changed.

    """
    now = samples.fingerprint("train")
    if document["fingerprint"] != now:
        raise DlkitError(
            f"the training data of {reference} have changed since the run began: their "
            f"fingerprint was {document['fingerprint'][:16]}…, now it is {now[:16]}…",
            hint="train anew without --resume",
            code=USAGE,
        )


def check_data(data: Sequence[str], *, example: str) -> None:
    """Do nothing if data are named.

    Raises:
        DlkitError: (USAGE) none are.

    """
    if not data:
        raise DlkitError("no data given", hint=example, code=USAGE)


def name_after(entry: str, *, fallback: str) -> str:
    """A name for the artifact after the first of the data: reviews.csv.gz -> reviews."""
    base = Path(entry.rstrip("/").rsplit(":", 1)[-1]).name.split(".", 1)[0]
    return name_from(base[:60], fallback=fallback)
