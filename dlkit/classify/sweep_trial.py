"""One trial of a sweep: trained, and measured on what it learnt from and on validation data."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.classifiers.asking import probabilities_of
from dlkit.classify.asking import scores_of
from dlkit.classify.fitting import train
from dlkit.classify.inputs import RowReader
from dlkit.classify.prepare import Prepared, prepare, settle
from dlkit.classify.save import parameters_of
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.linear import LinearNgrams
    from dlkit.classify.prepare import Part
    from dlkit.signals import Stop

SIDE: Final = 120  # points along a side of a map of the plane
LEVELS: Final = 8  # of certainty that a map tells apart
_MARGIN: Final = 0.06  # of the training data's width, that a map shows around them
_OF_NETWORK: Final = ("hidden", "activation", "dropout", "batch_norm", "loss", "keep", "training")


class Area(NamedTuple):
    """A rectangle of the plane: least and largest x and y."""

    left: float
    right: float
    bottom: float
    top: float


class How(NamedTuple):
    """What is wanted of a trial.

    Attributes:
        last_epoch: judge the weights after the last epoch, not those of the best one.
        maps: of two columns, make a map of the plane.

    """

    last_epoch: bool = False
    maps: bool = False


class Bench:
    """Data made numbers, kept while trials need the same."""

    def __init__(self) -> None:
        self._key = ""
        self._ready: Prepared | None = None

    def ready(self, config: ClassifyConfig) -> Generator[Record, None, Prepared]:
        """The data as ``config`` wants them.

        Raises:
            DlkitError: as ``prepare``; (USAGE) there are no validation samples.

        """
        key = self._key_of(config)
        if self._ready is None or key != self._key:
            self._ready = None  # two do not always fit into the memory
            self._ready = yield from prepare(config)
            self._key = key
        if self._ready.validation is None:
            raise DlkitError(
                "a sweep judges by validation samples, and none are set aside",
                hint="--validation 0.2",
                code=USAGE,
            )
        return self._ready

    def known_as(self, config: ClassifyConfig) -> None:
        """The data that are kept are those of ``config``, too: only their place is told in full."""
        self._key = self._key_of(config)

    @staticmethod
    def _key_of(config: ClassifyConfig) -> str:
        data = config.model_dump_json(exclude=set(_OF_NETWORK))
        return f"{data} {config.training.validation} {config.training.seed}"


def run(
    bench: Bench, config: ClassifyConfig, stop: Stop | None, how: How
) -> Generator[Record, None, dict[str, Any]]:
    """Train with ``config``; the scores in JSON's types, ``problem`` where training failed.

    Args:
        bench: where the data are.
        config: the settings, as they were asked for.
        stop: asks to stop.
        how: what is wanted.

    Raises:
        DlkitError: (USAGE) settings that do not go together.
        StoppedError: a signal came.

    """
    ready = yield from bench.ready(config)
    settled = settle(config, ready)
    training = settled.training
    told: dict[str, Any] = {
        "settled": {"optimizer": training.optimizer, "threads": training.threads}
    }
    notes: list[str] = []
    # Who does not see validation samples keeps the last weights.
    work = train(settled, ready._replace(validation=None) if how.last_epoch else ready, stop)
    try:
        while True:
            try:
                record = next(work)
            except StopIteration as end:
                trained = end.value
                break
            if isinstance(record, Warned):
                notes.append(record.text)
            elif not isinstance(record, Noted):
                yield record
    except DlkitError as problem:
        if problem.code == USAGE:
            raise
        return told | {"problem": problem.message, "notes": notes, "seconds": 0.0}
    assert ready.validation is not None
    for name, part in (("train", ready.train), ("validation", ready.validation)):
        accuracy, loss = _measured(trained.model, part, settled)
        told |= {f"{name}_accuracy": accuracy, f"{name}_loss": loss}
    told["gap"] = told["train_accuracy"] - told["validation_accuracy"]
    told["parameters"] = parameters_of(trained.model)
    told |= {"problem": "", "notes": notes, "seconds": trained.seconds}
    if how.maps and (area := area_of(ready)) is not None:
        told["map"] = yield from _map(trained.model, ready, area, settled)
    return told


def _measured(
    model: nn.Module | LinearNgrams, part: Part, config: ClassifyConfig
) -> tuple[float, float]:
    """Accuracy and mean loss, in evaluation mode, without penalty and class weights."""
    import torch

    from dlkit.training import losses

    scores = scores_of(model, part.numbers, device=config.training.device).astype(np.float64)
    loss = losses.build(config.loss, classes=scores.shape[1])
    each = loss.each(torch.from_numpy(scores), torch.from_numpy(np.array(part.labels, np.int64)))
    return float((scores.argmax(axis=1) == part.labels).mean()), float(each.mean())


def area_of(ready: Prepared) -> Area | None:
    """What a map shows: where the training samples lie; None where they are no two columns."""
    inputs = ready.train.samples.inputs
    encoded = not isinstance(ready.reader, RowReader) or ready.reader.encoder is not None
    if ready.samples.kind != "table" or encoded or isinstance(inputs, list):
        return None
    if inputs.ndim != 2 or inputs.shape[1] != 2 or not np.isfinite(inputs).all():
        return None
    low, high = inputs.min(axis=0).astype(np.float64), inputs.max(axis=0).astype(np.float64)
    room = np.where(high > low, _MARGIN * (high - low), 1.0)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    return Area(left, right, bottom, top)


def _map(
    model: nn.Module, ready: Prepared, area: Area, config: ClassifyConfig
) -> Generator[Record, None, str]:
    """The class and certainty at ``SIDE`` x ``SIDE`` points, top row first, as text."""
    x = np.linspace(area.left, area.right, SIDE)
    y = np.linspace(area.top, area.bottom, SIDE)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    dtype = np.asarray(ready.train.samples.inputs).dtype
    rows = yield from ready.reader.apply(points.astype(dtype), what="map")
    scores = scores_of(model, rows, device=config.training.device)
    chances = probabilities_of(scores)
    least = 1 / chances.shape[1]
    certain = (chances.max(axis=1) - least) / (1 - least)
    level = np.minimum((certain * LEVELS).astype(np.int64), LEVELS - 1)
    return packed(chances.argmax(axis=1), level)


def packed(classes: npt.NDArray[np.integer], level: npt.NDArray[np.integer]) -> str:
    """Two maps (SIDE², each) as text."""
    both = np.stack([classes, level]).astype("<u2")
    return base64.b64encode(zlib.compress(both.tobytes(), 9)).decode("ascii")


def unpacked(text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The class (SIDE, SIDE) and the certainty (SIDE, SIDE), 0 to 1, of a map."""
    both = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<u2")
    classes, level = both.reshape(2, SIDE, SIDE).astype(np.int64)
    return classes, (level + 0.5) / LEVELS


def config_of(tree: Mapping[str, Any], settled: Mapping[str, Any] | None = None) -> ClassifyConfig:
    """Settings from what was kept of them: only those that were asked for count as asked for."""
    from dlkit.classify.config import ClassifyConfig
    from dlkit.config.resolve import validate

    training = dict(tree.get("training", {})) | dict(settled or {})
    return validate(ClassifyConfig, {**tree, "training": training})


def tree_of(config: ClassifyConfig) -> dict[str, Any]:
    """What was asked for of ``config``, in JSON's types."""
    return config.model_dump(mode="json", exclude_unset=True)
