"""What differs between artifacts: settings, data, scores, sizes, time, content."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dlkit.artifacts import record
from dlkit.artifacts.load import digest_of
from dlkit.artifacts.showing import flat
from dlkit.artifacts.store import size_of
from dlkit.config import yamlfile
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.artifacts.load import Artifact

_SETTINGS: Final = "config.yaml"
_SIZES: Final = ("words", "points", "dim")
# Told of every artifact, whether they differ or not.
_ALWAYS: Final = (*_SIZES, "data", "scores")
_KINDS: Final = ("task", "kind")
# What a model of fastText's says of itself, and what artifacts say alike wherever they come from.
_SAID_TWICE: Final = {
    "fasttext.dim": "dim",
    "fasttext.minn": "subwords.shortest",
    "fasttext.maxn": "subwords.longest",
    "fasttext.buckets": "subwords.buckets",
}
# Another model or objective has another loss, whose values say nothing about which is better.
_OBJECTIVE: Final = ("model", "loss", "negative", "noise_exponent")


class Fact(NamedTuple):
    """One fact of several artifacts.

    Attributes:
        name: what it is called: ``settings.dim``, ``scores.loss``, ``digest``.
        values: for each artifact its value by its place; none where it has no such fact.
        among: how many artifacts could have it: settings only those that have any.

    """

    name: str
    values: dict[int, Any]
    among: int

    @property
    def varies(self) -> bool:
        """Whether two artifacts have it with different values."""
        first, *rest = self.values.values()
        return any(
            value != first or isinstance(value, bool) != isinstance(first, bool) for value in rest
        )

    @property
    def differs(self) -> bool:
        """Whether its value varies, or one that could have it has none."""
        return self.varies or len(self.values) < self.among


def compare(artifacts: Sequence[Artifact], *, everything: bool = False) -> list[Fact]:
    """What is to be told of ``artifacts`` side by side.

    Kind and settings are told where they differ; data, scores, sizes, seconds and the digest
    always. Where one has no settings (it was imported), the rest of artifact.json stands for them.

    Args:
        artifacts: two or more, verified; they may be of different kinds.
        everything: tell what is equal, too.

    Raises:
        DlkitError: the settings of one cannot be read.

    """
    count = len(artifacts)
    settings = [_settings(each) for each in artifacts]
    parts = [_parts(each.document) for each in artifacts]
    known = sum(map(bool, settings))  # so many have settings, which alone are compared in them
    told = _facts([part["kinds"] for part in parts]) + _facts(settings, among=known)
    if everything or known < count:
        told += _facts([part["other"] for part in parts])
    facts = [fact for fact in told if everything or fact.differs]
    for name in ("data", "scores", "sizes"):
        facts += _facts([part[name] for part in parts])
    return facts + _facts([_of_the_run(each) for each in artifacts])


def caution(facts: Sequence[Fact]) -> str:
    """What a reader of ``facts`` is to know: why losses do not compare; empty where they do."""
    if not any(
        fact.name.endswith("loss") and len(fact.values) > 1
        for fact in facts
        if fact.name.startswith("scores.")
    ):
        return ""
    objective = {f"settings.{name}": name for name in _OBJECTIVE}
    other = [objective[fact.name] for fact in facts if fact.name in objective and fact.varies]
    if not other:
        return ""
    return f"losses of different {' and '.join(other)} do not compare: they answer other questions"


def _settings(artifact: Artifact) -> dict[str, Any]:
    if _SETTINGS not in artifact:
        return {}
    where = artifact.file(_SETTINGS)
    try:
        text = artifact.read(_SETTINGS).decode("utf-8")
    except UnicodeDecodeError:
        raise DlkitError(f"{where} is not UTF-8") from None
    found = flat(yamlfile.parse(text, where=str(where)))
    return {f"settings.{key}": _typed(value) for key, value in found.items()}


def _typed(value: Any) -> Any:
    """What ``value``, text in the file, stands for: a number, true or false, else itself."""
    if isinstance(value, list):
        return [_typed(each) for each in value]
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, (int, float)) and math.isfinite(read) else value


def _parts(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts of artifact.json by the part of the table that they stand in."""
    parts = {
        "kinds": {key: document[key] for key in _KINDS if key in document},
        "sizes": {key: document[key] for key in _SIZES if key in document},
        "data": {"data": document.get("data", {})},
        "scores": {"scores": document.get("scores", {})},
        "other": {key: document[key] for key in document if key not in (*_ALWAYS, *_KINDS)},
    }
    facts = {name: flat(part) for name, part in parts.items()}
    there = facts["other"].keys() | facts["sizes"].keys()
    for name, said in _SAID_TWICE.items():
        if said in there:
            facts["other"].pop(name, None)
    return facts


def _of_the_run(artifact: Artifact) -> dict[str, Any]:
    seconds = record.read(artifact.path).get("seconds")
    # run.json was not compared with anything that is believed.
    timed = isinstance(seconds, (int, float)) and math.isfinite(seconds)
    return {
        "bytes": size_of(artifact.path),
        **({"seconds": seconds} if timed else {}),
        "digest": digest_of(artifact),
    }


def _facts(each: Sequence[Mapping[str, Any]], among: int | None = None) -> list[Fact]:
    """The facts of all, in the order in which they first come; ``among``: None for all."""
    number = len(each) if among is None else among
    names = dict.fromkeys(name for facts in each for name in facts)
    found = {
        name: {place: facts[name] for place, facts in enumerate(each) if name in facts}
        for name in names
    }
    return [Fact(name, values, number) for name, values in found.items()]
