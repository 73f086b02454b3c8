"""How a training went: what metrics.jsonl holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlkit.classifiers.opened import Classifier


def history_of(classifier: Classifier) -> list[dict[str, Any]]:
    """The metrics of each epoch, or iteration, of the training."""
    text = classifier.artifact.read("metrics.jsonl").decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def courses(classifier: Classifier) -> dict[str, list[float]]:
    """How the metrics went, by name."""
    history = history_of(classifier)
    names = [name for name in history[0] if name not in ("epoch", "iteration", "lr")]
    return {name: [entry[name] for entry in history if name in entry] for name in names}
