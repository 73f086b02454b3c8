"""A training from the command's settings to its artifact: its name, its checkpoints, going on.

Each room says in a ``Work`` what it reads, how it learns and what it writes; here is what is the
same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from dlkit import signals
from dlkit.artifacts.names import name_from
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.config.resolve import resolve, validate
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started, Warned
from dlkit.training.checkpoint import Keeper, load
from dlkit.training.resuming import changes

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.config.schema import Settings
    from dlkit.signals import Stop
    from dlkit.training.fitting import Trained
    from dlkit.training.state import State

S = TypeVar("S", bound="Settings")
Ready = TypeVar("Ready")


class Train(Protocol):
    """Trains a network; nothing is written but checkpoints."""

    def __call__(
        self,
        config: Any,
        ready: Any,
        stop: Stop | None,
        *,
        keep: Keeper | None = None,
        state: State | None = None,
    ) -> Generator[Record, None, Trained[Any]]:
        """Yield records; return the network at its end."""


@dataclass(frozen=True)
class Work(Generic[S, Ready]):
    """How a room trains; its settings have ``data`` and ``training``.

    Attributes:
        task: folder of its artifacts.
        command: what is typed for it, such as ``dlkit cnn train``.
        example: the command that a hint names where there are no data.
        schema: of its settings.
        headline: the settings that a user wants to see first.
        prepare: reads the data, and settles the settings by them.
        absolute: the settings as saved: what they name is found from any folder.
        fingerprint: of the training data.
        train: trains a network on them.
        commit: judges it and writes the artifact.
        ending: what a name after the data ends in.

    """

    task: str
    command: str
    example: str
    schema: type[S]
    headline: Callable[[S], dict[str, object]]
    prepare: Callable[[S], Generator[Record, None, tuple[S, Ready]]]
    absolute: Callable[[S, Ready], S]
    fingerprint: Callable[[Ready], str]
    train: Train
    commit: Callable[[Run, S, Ready, Trained[Any]], Generator[Record, None, Saved]]
    ending: Callable[[S], str] = lambda _: ""


def run(
    work: Work[S, Ready], config: S, *, name: str | None, default_name: str | None
) -> Generator[Record, None, Saved]:
    """Train on ``config.data`` and commit an artifact; yields records, returns the last one.

    Args:
        work: how.
        config: the settings.
        name: name of the artifact, or None for one after the data.
        default_name: the name to use then instead of the data's own.

    Raises:
        DlkitError: no or unreadable data, settings that do not go together, the training diverged,
            memory or disk too small; a live process holds ``name``.
        StoppedError: a signal came; a checkpoint was saved if epochs had begun.

    """
    data: Sequence[str] = config.data  # type: ignore[attr-defined]
    check_data(data, example=work.example)
    default = default_name or name_after(data[0], fallback=work.task) + work.ending(config)
    with signals.catch() as stop, reserve(work.task, name, default=default) as held:
        yield Started(f"training {work.task}/{held.name}", work.headline(config))
        config, ready = yield from work.prepare(config)
        stop.check()
        keep = _keeper(work, held, config, ready)
        trained = yield from work.train(config, ready, stop, keep=keep)
        saved = yield from work.commit(held, config, ready, trained)
        yield saved
        return saved


def resume(
    work: Work[S, Ready],
    name: str | None,
    *,
    recipe: Path | None,
    sets: Sequence[str],
    options: Mapping[str, object] | None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run: the newest, or that called ``name``.

    Settings given again must equal those of the run, but for the epochs, the threads and the
    device. The data are read again, and must be those that the run began with.

    Raises:
        DlkitError: no such run (NOT_FOUND), it is held by a live process (BUSY), its checkpoint is
            damaged (DAMAGED), another setting is asked for (USAGE), the data have changed.
        StoppedError: as in run.

    """
    with signals.catch() as stop, reopen(work.task, name) as held:
        config, (document, state, changed) = interrupted(
            held, work.schema, recipe=recipe, sets=sets, options=options
        )
        yield Started(f"going on with {work.task}/{held.name}", work.headline(config))
        for change in changed:
            yield Noted(change)
        config, ready = yield from work.prepare(config)
        check_same(document, work.fingerprint(ready), held.reference)
        differences = state.differences(config.training)  # type: ignore[attr-defined]
        for difference in differences:
            yield Warned(difference)
        past = [*document["resumptions"], {"changes": changed, "differences": differences}]
        keep = _keeper(work, held, config, ready, past)
        trained = yield from work.train(config, ready, stop, keep=keep, state=state)
        trained.told["resumptions"] = past
        made = yield from work.commit(held, config, ready, trained)
        yield made
        return made


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


def _keeper(
    work: Work[S, Ready],
    held: Run,
    config: S,
    ready: Ready,
    resumptions: Sequence[Mapping[str, Any]] = (),
) -> Keeper:
    """What takes the checkpoints; ``resumptions`` are what run.json tells of earlier stretches."""
    return Keeper(
        held,
        command=f"{work.command} --resume --name {quoted(held.name)}",
        document={
            "config": work.absolute(config, ready).model_dump(mode="json"),
            "fingerprint": work.fingerprint(ready),
            "resumptions": list(resumptions),
        },
    )


def check_same(document: Mapping[str, Any], now: str, reference: str) -> None:
    """Do nothing if ``now`` is the fingerprint of the training data that the run began with.

    Raises:
        DlkitError: (USAGE) they have changed.

    """
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
