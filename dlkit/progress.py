"""Running work made visible on stderr: a bar on a terminal, plain lines in a log, or JSON lines."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict
from typing import Any, Protocol, TypeVar, get_args

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Epoch, Noted, Record, Saved, Started, Step, Warned

T = TypeVar("T")

MODES = ("auto", "bar", "plain", "json", "off")

# In a log, a phase is told at these shares of its way: few lines however long it takes.
_PERCENT_MARKS = (1, 2, 5, *range(10, 101, 10))


class _Display(Protocol):
    def show(self, record: Record) -> None: ...
    def close(self) -> None: ...


def follow(work: Generator[Record, None, T], *, mode: str = "auto", quiet: bool = False) -> T:
    """Run ``work`` to its end, show its records, and return its result.

    Args:
        work: a generator of records.
        mode: ``auto`` (a bar on a terminal, else plain lines), ``bar``, ``plain``, ``json``
            (one object a line on stderr) or ``off``.
        quiet: warnings only; with a mode that was asked for (bar, plain, json) also steps and
            epochs, but nothing that is merely said.

    Raises:
        DlkitError: usage: no such mode.

    """
    wanted: tuple[type[Record], ...] = get_args(Record)
    if quiet:
        wanted = (Warned,) if mode in ("auto", "off") else (Warned, Step, Epoch)
    display = _display("off" if quiet and mode == "auto" else mode)
    try:
        while True:
            try:
                record = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(record, wanted):
                display.show(record)
    finally:
        work.close()
        display.close()


def _display(mode: str) -> _Display:
    if mode not in MODES:
        raise DlkitError(
            f"--progress: unknown mode {mode!r}", hint=f"use {', '.join(MODES)}", code=USAGE
        )
    if mode == "auto":
        mode = "bar" if console.is_terminal(sys.stderr) and not os.environ.get("CI") else "plain"
    if mode == "json":
        return _Json()
    if mode == "bar":
        return _Bar()
    return _Plain(steps=mode == "plain")


class _Json:
    def show(self, record: Record) -> None:
        fields = {"event": type(record).__name__.lower(), **asdict(record)}
        if isinstance(record, Step):
            fields["eta_s"] = _seconds_left(record)
        console.say(json.dumps(_finite(console.plain(fields)), ensure_ascii=False))

    def close(self) -> None:
        pass


class _Plain:
    """A line for everything but steps, of which few are told."""

    def __init__(self, *, steps: bool) -> None:
        self._steps = steps
        self._phase = ""
        self._told = -1.0  # percent of the phase
        self._next = 0.0  # seconds, where the total is unknown
        self._wait = 1.0
        self._epoch_told = False

    def show(self, record: Record) -> None:
        if isinstance(record, Step):
            # Where an epoch has just been told, its last step has nothing to add.
            if self._steps and self._due(record) and not self._epoch_told:
                console.note(step_line(record))
            self._epoch_told = False
        elif isinstance(record, Warned):
            console.warn(record.text)
        else:
            self._epoch_told = isinstance(record, Epoch)
            for line in lines(record):
                console.note(line)

    def _due(self, step: Step) -> bool:
        if step.phase != self._phase:
            self._phase, self._told, self._wait = step.phase, -1.0, 1.0
            self._next = time.monotonic() + self._wait
        if step.total:
            percent = 100 * step.done / step.total
            mark = max((m for m in _PERCENT_MARKS if m <= percent), default=0)
            due = mark > self._told and mark > 0
            self._told = max(self._told, float(mark))
            return due
        now = time.monotonic()
        if now < self._next:
            return False
        self._wait = min(2 * self._wait, 60)
        self._next = now + self._wait
        return True

    def close(self) -> None:
        pass


class _Bar:
    """One moving line per phase, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[facts]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._phase = ""
        self._task: Any = None

    def show(self, record: Record) -> None:
        if isinstance(record, Step):
            self._step(record)
        elif isinstance(record, Warned):
            self._print(f"warning: {record.text}", style="yellow")
        else:
            for line in lines(record):
                self._print(line)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(console.printable(text), style=style, soft_wrap=True)

    def _step(self, step: Step) -> None:
        if step.phase != self._phase:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._progress.start()
            self._phase = step.phase
            self._task = self._progress.add_task(step.phase, total=step.total, facts="")
        self._progress.update(
            self._task, completed=step.done, total=step.total, facts=_step_facts(step)
        )

    def close(self) -> None:
        self._progress.stop()


def lines(record: Record) -> list[str]:
    """A record other than a step, as lines of text."""
    match record:
        case Started(what, facts):
            return [f"{what}: {_facts(facts)}" if facts else what]
        case Noted(text) | Warned(text):
            return [text]
        case Epoch(number, total, seconds, metrics):
            return [f"epoch {number}/{total}  {_facts(metrics)}  {seconds:.1f} s"]
        case Saved(reference, path):
            return [f"saved {reference} in {path}"]
    return []


def step_line(step: Step) -> str:
    """A step as one line of a log."""
    percent = f"{100 * step.done / step.total:3.0f} %  " if step.total else ""
    return f"{step.phase}  {percent}{_step_facts(step)}"


def _step_facts(step: Step) -> str:
    parts = [f"{short(step.done)} {step.unit}"]
    if step.rate > 0:
        parts.append(f"{short(step.rate)} {step.unit}/s")
    parts += [f"{key} {_number(value)}" for key, value in step.facts.items() if value == value]
    left = _seconds_left(step)
    if left is not None:
        parts.append(f"{int(left) // 60}:{int(left) % 60:02d} left")
    return "  ".join(parts)


def _seconds_left(step: Step) -> float | None:
    if not step.total or step.rate <= 0:
        return None
    return max(0.0, (step.total - step.done) / step.rate)


def short(value: float) -> str:
    """A count in at most five characters: 999, 12.3k, 4.56M, 7.8G."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}"


def _facts(facts: Mapping[str, object]) -> str:
    told = {key: value for key, value in facts.items() if value is not None}
    return "  ".join(_fact(key, value) for key, value in told.items())


def _fact(key: str, value: object) -> str:
    if value is True:  # an option that is a switch
        return "--" + key.replace("_", "-")
    return f"{key} {_number(value)}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}"


def _finite(value: Any) -> Any:
    """``value`` with NaN and infinities as null: JSON has no word for them."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
