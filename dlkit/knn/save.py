"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.config.resolve import to_yaml
from dlkit.data.origins import anywhere
from dlkit.data.samples import DIGEST_BYTES
from dlkit.encoders import read_for
from dlkit.errors import quoted
from dlkit.knn import card
from dlkit.knn.saved import (
    KIND,
    LABELS,
    PATHS,
    PICTURES,
    POINTS,
    STEPS,
    TASK,
    TEXTS,
)
from dlkit.records import Saved
from dlkit.report.spread import Point, Series, draw_spread

# Steps whose axes LAPACK finds: their last digits depend on its threads and the processor.
_SOLVED: Final = ("pca", "zca")

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.knn.asking import Choice
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.folds import Validated
    from dlkit.knn.prepare import Prepared


def commit(
    run: Run,
    config: KnnConfig,
    ready: Prepared,
    chosen: Choice,
    scores: Sequence[Validated],
    *,
    seconds: float,
) -> Saved:
    """Write the artifact and return its record.

    Args:
        run: the run whose name the artifact gets.
        config: the settings.
        ready: the data, rows and what made them.
        chosen: the choice that predictions are made by.
        scores: of the cross-validation; none where there was none.
        seconds: how long the training took.

    Raises:
        DlkitError: the disk does not take the files.

    """
    document = _document(config, ready, chosen, scores)
    settings = to_yaml(absolute(config, ready))
    files: dict[str, Content] = {
        "config.yaml": f"# dlkit knn train -r config.yaml\n{settings}".encode(),
        POINTS: write_tensors(_points(ready)),
        LABELS: write_lines(ready.points.classes),
        PATHS: write_lines(anywhere(ready.samples.train.paths, config.data, ready.samples.origin)),
        "README.md": card.render(document).encode(),
    }
    if steps := ready.transform.pipeline.tensors():
        files[STEPS] = write_tensors(steps)
    if config.keep:
        files |= _kept(ready)
    if scores:
        lines = [json.dumps(each.document(), sort_keys=True) + "\n" for each in scores]
        files["metrics.jsonl"] = "".join(lines).encode()
        files["figures/cv.svg"] = draw(scores, name=ready.samples.name)
    path = run.commit(document, files, record={"seconds": seconds})
    reference = f"{TASK}/{path.name}"
    facts: dict[str, object] = {
        "points": len(ready.points.rows),
        "dim": ready.points.rows.shape[1],
        "classes": len(ready.points.classes),
        **chosen.document(),
        "accuracy": document["scores"].get("accuracy"),
        "deviation": document["scores"].get("deviation"),
        "seconds": round(seconds, 2),
    }
    return Saved(reference, path, facts, f"dlkit knn eval --from {quoted(reference)}")


def absolute(config: KnnConfig, ready: Prepared) -> KnnConfig:
    """The settings as saved: what they name is found from any folder."""
    # Any number of threads gives these very files.
    update: dict[str, Any] = {"data": ready.samples.origin, "threads": None}
    if ready.transform.encoder is not None:
        update["features"] = ready.transform.encoder.source.reference
        update["input"] = read_for(ready.transform.encoder, config.input)
    return config.model_copy(update=update)


def draw(scores: Sequence[Validated], *, name: str) -> bytes:
    """Accuracy against k, mean and spread over the parts, a curve for each metric and vote."""
    several = len({score.choice.weights for score in scores}) > 1
    curves: dict[str, list[Point]] = {}
    for score in scores:
        choice = score.choice
        label = f"{choice.metric}, {choice.weights}" if several else choice.metric
        point = Point(choice.k, score.accuracy, score.deviation)
        curves.setdefault(label, []).append(point)
    folds = len(scores[0].sizes)
    bars = "bars: standard deviation" if scores[0].deviation is not None else "leave-one-out"
    return draw_spread(
        [Series(label, points) for label, points in curves.items()],
        x="k, neighbours that vote",
        y="accuracy",
        title=f"{name}: how many neighbours shall vote?",
        subtitle=f"cross-validation of the training data in {folds:,} parts; {bars}",
        percent=True,
    )


def _points(ready: Prepared) -> dict[str, npt.NDArray[Any]]:
    """The points, their classes, and the digests (N, 16) of what they were made of."""
    digests = ready.samples.train.digests.astype(f"S{DIGEST_BYTES}")
    return {
        "points": ready.points.rows,
        "labels": ready.points.labels,
        "digests": np.frombuffer(digests.tobytes(), np.uint8).reshape(-1, DIGEST_BYTES),
    }


def _kept(ready: Prepared) -> dict[str, Content]:
    """Pictures and texts of the points, where the points are not them already."""
    inputs = ready.samples.train.inputs
    if isinstance(inputs, list):
        return {TEXTS: write_lines(inputs)}
    if ready.samples.kind == "images" and (
        ready.transform.pipeline.steps or ready.transform.encoder
    ):
        return {PICTURES: write_tensors({"pictures": inputs})}
    return {}


def _document(
    config: KnnConfig, ready: Prepared, chosen: Choice, scores: Sequence[Validated]
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    encoder = ready.transform.encoder
    winner = next((score for score in scores if score.choice == chosen), None)
    found = {} if winner is None else winner.document()
    return {
        "task": TASK,
        "kind": KIND,
        "model": chosen.document(),
        "points": len(ready.points.rows),
        "dim": int(ready.points.rows.shape[1]),
        "dtype": str(ready.points.rows.dtype),
        "classes": len(ready.points.classes),
        "features": None if encoder is None else encoder.source.document(),
        "preprocess": ready.transform.pipeline.document(),
        "data": _data(ready),
        "scores": {
            key: value for key, value in found.items() if key not in ("k", "metric", "weights")
        },
        "seed": config.seed,
        "threads": None,
        **_reproducible(ready),
    }


def _reproducible(ready: Prepared) -> dict[str, Any]:
    """Whether another run gives these very bits, and if not, why."""
    solved = [step.name for step in ready.wanted if step.name in _SOLVED]
    if not solved:
        return {"bit_reproducible": True}
    why = (
        f"the axes of {' and '.join(solved)} are LAPACK's, whose last digits depend on the number "
        "of its threads and on the processor"
    )
    return {"bit_reproducible": False, "why_not": why}


def _data(ready: Prepared) -> dict[str, Any]:
    """What is told of the data; where they lie stands in config.yaml."""
    document = ready.samples.document()
    document.pop("origin")
    return document
