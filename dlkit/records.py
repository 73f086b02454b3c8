"""What running work tells: frozen records that it yields and that the console shows.

Work never prints. A function that takes long is a generator of these records and returns its
result, so that a caller writes ``result = yield from work(...)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Started:
    """Work begins: its name and the facts that a user wants to see first."""

    what: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noted:
    """Something was chosen or done on the user's behalf, and is said."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that may hurt the result."""

    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far a phase has come.

    ``done`` and ``total`` are in ``unit``; ``total`` is None where it is not known (a pipe).
    ``rate`` is in units per second. ``facts`` holds what else moves (loss, learning rate).
    """

    phase: str
    done: float
    total: float | None
    unit: str
    rate: float
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the data is done: ``number`` of ``total``, with its metrics."""

    number: int
    total: int
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """An artifact is committed: its reference (TASK/NAME), folder, facts and what to type next."""

    reference: str
    path: Path
    facts: Mapping[str, object] = field(default_factory=dict)
    next_command: str = ""


Record = Started | Noted | Warned | Step | Epoch | Saved
