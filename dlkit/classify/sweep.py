"""Many trainings that differ in a few settings: one table of their scores, and its pictures."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from dlkit import machine, signals
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.classify.prepare import EXAMPLE
from dlkit.classify.sweep_axes import Trial, label
from dlkit.classify.sweep_trial import Bench, How, area_of, config_of, run, tree_of
from dlkit.errors import DAMAGED, USAGE, DlkitError, StoppedError, quoted
from dlkit.records import Noted, Record, Saved, Started, Step, Warned
from dlkit.training.running import check_data, name_after

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.prepare import Prepared

TASK: Final = "sweep"
MOST_MAPS: Final = 100  # trials whose maps of the plane are drawn

By = Literal["accuracy", "loss"]


@dataclass
class Sweep:
    """A sweep at any moment.

    Attributes:
        axes: names of what the trials differ in.
        trials: number, knobs and asked settings of each, in JSON's types.
        by: what the best trial is best in.
        last_epoch: the weights after the last epoch are judged, not those of the best one.
        fingerprint: of the training data.
        done: the scores of the trials that are finished, by number.

    """

    axes: list[str]
    trials: list[dict[str, Any]]
    by: By
    last_epoch: bool = False
    fingerprint: str = ""
    done: dict[int, dict[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        done = {str(number): result for number, result in sorted(self.done.items())}
        return {
            "axes": self.axes,
            "trials": self.trials,
            "by": self.by,
            "last_epoch": self.last_epoch,
            "fingerprint": self.fingerprint,
            "done": done,
        }

    def results(self) -> list[dict[str, Any]]:
        """Number, knobs and scores of the finished trials, in their order."""
        return [
            {"trial": trial["number"], "knobs": trial["knobs"], **self.done[trial["number"]]}
            for trial in self.trials
            if trial["number"] in self.done
        ]

    def best(self) -> dict[str, Any]:
        """The trial with the best validation score; of equal ones the other score, the earlier."""
        good = [each for each in self.results() if not each["problem"]]
        if self.by == "loss":
            return min(good, key=lambda each: (each["validation_loss"], each["trial"]))
        return min(good, key=lambda each: (-each["validation_accuracy"], each["validation_loss"]))

    def config(self, number: int) -> ClassifyConfig:
        """The settings of a finished trial as they were settled."""
        tree = next(each["config"] for each in self.trials if each["number"] == number)
        settled = self.done[number]["settled"]
        return config_of(tree, {key: value for key, value in settled.items() if value is not None})


def start(
    trials: Sequence[Trial],
    *,
    name: str | None = None,
    default_name: str | None = None,
    by: By = "accuracy",
    last_epoch: bool = False,
    jobs: int = 1,
    png: bool = False,
) -> Generator[Record, None, tuple[Sweep, Saved]]:
    """Run ``trials`` and commit their table and pictures.

    Args:
        trials: one or more.
        name: of the sweep; None: ``default_name``, else after the data.
        default_name: the recipe's.
        by: what the best one is best in.
        last_epoch: judge the weights after the last epoch, not those of the best one.
        jobs: processes.
        png: draw the pictures as .png, too.

    Raises:
        DlkitError: no data, no validation samples, settings that do not go together, all diverged.
        StoppedError: a signal came; the finished trials are kept.

    """
    config = trials[0].config
    check_data(config.data, example=EXAMPLE)
    if "-" in config.data:
        raise DlkitError(
            "a sweep may read its data more than once, stdin can be read once",
            hint="write them into a file: … > data.csv",
            code=USAGE,
        )
    if last_epoch and any(each.config.training.patience is not None for each in trials):
        raise DlkitError(
            "--patience stops by the validation loss, --last-epoch does not look at it", code=USAGE
        )
    default = default_name or name_after(config.data[0], fallback="classify")
    kept = [
        {"number": each.number, "knobs": each.knobs, "config": tree_of(each.config)}
        for each in trials
    ]
    sweep = Sweep(list(trials[0].knobs), kept, by, last_epoch)
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        return (yield from _work(held, sweep, jobs, stop, png=png))


def resume(
    name: str | None, *, jobs: int, png: bool = False
) -> Generator[Record, None, tuple[Sweep, Saved]]:
    """Go on with an interrupted sweep: the newest, or that called ``name``.

    Raises:
        DlkitError: as ``start``; no such sweep (NOT_FOUND), a damaged one (DAMAGED), the data have
            changed.
        StoppedError: as in ``start``.

    """
    with signals.catch() as stop, reopen(TASK, name) as held:
        document, _ = held.load_checkpoint()
        try:
            done = {int(number): result for number, result in document["done"].items()}
            sweep = Sweep(
                document["axes"],
                document["trials"],
                document["by"],
                document["last_epoch"],
                document["fingerprint"],
                done,
            )
        except (KeyError, ValueError, AttributeError):
            raise DlkitError(
                f"{held.reference} holds a checkpoint of another dlkit", code=DAMAGED
            ) from None
        return (yield from _work(held, sweep, jobs, stop, png=png))


def _work(
    held: Run, sweep: Sweep, jobs: int, stop: signals.Stop, *, png: bool
) -> Generator[Record, None, tuple[Sweep, Saved]]:
    total, jobs = len(sweep.trials), min(jobs, len(sweep.trials))
    facts = {"trials": total, "over": ", ".join(sweep.axes), "jobs": jobs}
    if sweep.done:
        facts["finished"] = len(sweep.done)
    yield Started(f"sweep {held.reference}", facts)
    bench = Bench()
    ready = yield from bench.ready(config_of(sweep.trials[0]["config"]))
    _check_same(sweep, ready, held.reference)
    for trial in sweep.trials:
        trial["config"]["data"] = list(ready.samples.origin)  # found from any folder
    bench.known_as(config_of(sweep.trials[0]["config"]))
    maps = area_of(ready) is not None
    if maps and total > MOST_MAPS:
        yield Noted(f"no maps of the plane: of at most {MOST_MAPS} trials they are drawn")
        maps = False
    yield Step("trials", len(sweep.done), total, "trials", 0.0)
    wanted = [
        (each["number"], each["config"])
        for each in sweep.trials
        if each["number"] not in sweep.done
    ]
    how = How(sweep.last_epoch, maps)
    yield from _trials(held, sweep, wanted, bench, how, jobs=jobs, stop=stop)
    if not any(not each["problem"] for each in sweep.results()):
        first = sweep.results()[0]
        raise DlkitError(f"every trial failed; the first: {first['problem']}")
    from dlkit.classify.sweep_showing import commit

    saved = yield from commit(held, sweep, ready, png=png)
    yield saved
    return sweep, saved


def _check_same(sweep: Sweep, ready: Prepared, reference: str) -> None:
    now = ready.samples.fingerprint("train")
    if sweep.fingerprint and sweep.fingerprint != now:
        raise DlkitError(
            f"the training data of {reference} have changed since the sweep began: their "
            f"fingerprint was {sweep.fingerprint[:16]}…, now it is {now[:16]}…",
            hint="begin anew without --resume",
            code=USAGE,
        )
    sweep.fingerprint = now


def _trials(
    held: Run,
    sweep: Sweep,
    wanted: Sequence[tuple[int, Mapping[str, Any]]],
    bench: Bench,
    how: How,
    *,
    jobs: int,
    stop: signals.Stop,
) -> Generator[Record, None, None]:
    """Run the trials that are not finished; each is kept as soon as it is."""
    if jobs == 1:
        results: Iterable[Any] = _one_by_one(wanted, bench, how, stop)
    else:
        from dlkit.classify.sweep_workers import results as by_processes

        threads = max(1, machine.cores() // jobs)
        results = by_processes(wanted, jobs=jobs, threads=threads, how=how, stop=stop)
    knobs = {each["number"]: each["knobs"] for each in sweep.trials}
    total, before, began = len(sweep.trials), len(sweep.done), time.monotonic()
    for number, result in results:
        sweep.done[number] = result
        if any(not each["problem"] for each in sweep.done.values()):
            held.save_checkpoint({}, sweep.document())
        said = f"trial {number}: {told(knobs[number])}"
        for text in dict.fromkeys(result["notes"]):
            yield Warned(f"{said}: {text}")
        if result["problem"]:
            yield Warned(f"{said}: {result['problem']}")
        else:
            yield Noted(f"{said}: {scores_text(result)}")
        rate = (len(sweep.done) - before) / (time.monotonic() - began)
        yield Step("trials", len(sweep.done), total, "trials", rate)
    if stop.signum is not None and len(sweep.done) < total:
        raise _stopped(held, sweep, stop.signum)


def _one_by_one(
    wanted: Sequence[tuple[int, Mapping[str, Any]]], bench: Bench, how: How, stop: signals.Stop
) -> Generator[tuple[int, dict[str, Any]], None, None]:
    """The trials in this process; ends early where ``stop`` asks."""
    for number, tree in wanted:
        work = run(bench, config_of(tree), stop, how)
        try:
            while True:
                if stop.signum is not None:
                    return
                next(work)
        except StopIteration as end:
            yield number, end.value
        except StoppedError:
            return


def _stopped(held: Run, sweep: Sweep, signum: int) -> StoppedError:
    if not any(not each["problem"] for each in sweep.done.values()):
        return StoppedError(signum, f"{signals.told(signum)}; nothing to save yet")
    return StoppedError(
        signum,
        f"{signals.told(signum)}; {len(sweep.done)} of {len(sweep.trials)} trials of "
        f"{held.reference} are saved",
        hint=f"dlkit classify sweep --resume --name {quoted(held.name)}",
    )


def told(knobs: Mapping[str, Any]) -> str:
    """Settings in a line: l2=0.001 hidden=64+64."""
    return " ".join(f"{name}={label(value)}" for name, value in knobs.items())


def scores_text(result: Mapping[str, Any]) -> str:
    """The scores of a trial in a line."""
    return (
        f"train {result['train_accuracy']:.1%}, validation {result['validation_accuracy']:.1%}, "
        f"gap {100 * result['gap']:.1f} points"
    )
