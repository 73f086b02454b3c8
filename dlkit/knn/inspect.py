"""Why neighbours vote as they do: what they share with a query, and pictures of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit import signals
from dlkit.data.loading import load
from dlkit.data.preprocess import parse
from dlkit.encoders import Encoder, open_encoder
from dlkit.errors import USAGE, DlkitError
from dlkit.knn import sheets
from dlkit.knn.asking import Choice, Engine
from dlkit.knn.evaluate import check_unchanged
from dlkit.knn.rows import fit_rows
from dlkit.knn.votes import count
from dlkit.neighbours.search import Index
from dlkit.records import Record, Step
from dlkit.report.sheet import Row

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Samples
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.saved import Knn

# Names of the inputs as they are, among the pipelines that are compared.
PLAIN: Final = ("pixels", "columns", "none")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the test split's neighbours are by one kind of features.

    Attributes:
        features: the kind, in words.
        winners: (Q,) predicted classes.
        points: (Q, k) neighbours, nearest first.
        distances: (Q, k).
        accuracy: the share of right predictions.
        shared: by what queries and neighbours may have in common ("class", and attributes such
            as "background"), the mean share of neighbours that have it in common.

    """

    features: str
    winners: npt.NDArray[np.int64]
    points: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    accuracy: float
    shared: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found.

    Attributes:
        samples: the data.
        choice: k, metric and weights.
        seen: by each kind of features.
        chance: as ``Seen.shared``, of training samples drawn by lot.

    """

    samples: Samples
    choice: Choice
    seen: Sequence[Seen]
    chance: Mapping[str, float]

    def sentences(self) -> list[str]:
        """What the figures say, where there are attributes beside the class."""
        said = []
        for each in self.seen:
            for name, share in each.shared.items():
                if name == "class":
                    continue
                same = each.shared["class"]
                follows = name if share > same else "class"
                said.append(
                    f"by {each.features}, {share:.1%} of the neighbours share the {name} and "
                    f"{same:.1%} the class: this distance follows the {follows}"
                )
        return said


def inspect(
    config: KnnConfig, choice: Choice, pipelines: Sequence[str], *, knn: Knn | None = None
) -> Generator[Record, None, Inspection]:
    """Look at the neighbours of the whole test split.

    Args:
        config: where the data are and how they are read.
        choice: k, metric and weights.
        pipelines: preprocessing to compare, one or more, each looked at once; one of PLAIN is the
            inputs as they are.
        knn: the artifact whose data these are, which must not have changed.

    Raises:
        DlkitError: unreadable data, data that changed, an unknown step; k is too large.
        StoppedError: a signal came.

    """
    steps = dict.fromkeys("" if each.strip() in PLAIN else each.strip() for each in pipelines)
    for each in steps:
        parse(each)
    if not config.data:
        raise DlkitError("no data given", hint="dlkit knn inspect builtin:shapes", code=USAGE)
    encoder: Encoder | None = open_encoder(config.features) if config.features else None
    with signals.catch() as stop:
        samples = yield from load(config.data, config.input, seed=config.seed)
        if knn is not None:
            for split in ("train", "test"):
                check_unchanged(knn, samples, split)
        engine = Engine(config.threads, config.device, stop.check)
        seen: list[Seen] = []
        for preprocess in steps:
            one = yield from _look(samples, preprocess, encoder, choice, engine)
            seen.append(one)
    return Inspection(samples, choice, seen, _chance(samples))


def _look(
    samples: Samples, preprocess: str, encoder: Encoder | None, choice: Choice, engine: Engine
) -> Generator[Record, None, Seen]:
    transform, rows = yield from fit_rows(samples, preprocess, encoder)
    queries = yield from transform.apply(samples.test.inputs, what="test")
    index = Index(rows, choice.metric, device=engine.device)
    labels, truth = samples.train.labels, samples.test.labels
    winners = np.empty(len(queries), np.int64)
    points = np.empty((len(queries), choice.k), np.int64)
    distances = np.empty((len(queries), choice.k))
    for tile in index.tiles(queries, choice.k, threads=engine.threads):
        engine.check()
        part = slice(tile.first, tile.first + len(tile.neighbours.indices))
        points[part], distances[part] = tile.neighbours
        votes = count(
            labels[points[part]], distances[part], len(samples.classes), (choice.k,), choice.weights
        )
        winners[part] = votes.winners[0]
        yield Step(f"searching by {transform.text}", part.stop, len(queries), "queries", 0)
    shared = {"class": float((labels[points] == truth[:, None]).mean())}
    for name, values in samples.test.attributes.items():
        if name in samples.train.attributes:
            theirs = samples.train.attributes[name][points]
            shared[name] = float((theirs == values[:, None]).mean())
    accuracy = float((winners == truth).mean())
    return Seen(transform.text, winners, points, distances, accuracy, shared)


def _chance(samples: Samples) -> dict[str, float]:
    """How often a training sample drawn by lot shares its class and attributes with a query."""
    train, test = samples.train, samples.test
    pairs = {"class": (train.labels, test.labels)}
    pairs |= {
        name: (train.attributes[name], values)
        for name, values in test.attributes.items()
        if name in train.attributes
    }
    return {
        name: float((np.bincount(ours, minlength=theirs.max() + 1)[theirs] / len(ours)).mean())
        for name, (ours, theirs) in pairs.items()
    }


def examples(found: Inspection, number: int) -> list[int]:
    """Places of ``number`` queries: half that the first features got wrong, half right.

    Where there are too few of one kind the other fills up; each kind at even distances.
    """
    right = found.seen[0].winners == found.samples.test.labels
    wrong, good = np.flatnonzero(~right), np.flatnonzero(right)
    number = min(number, len(right))
    some = min(len(wrong), max(number - len(good), (number + 1) // 2))
    chosen = [
        kind[np.linspace(0, len(kind) - 1, many).round().astype(np.int64)].tolist()
        for kind, many in ((wrong, some), (good, number - some))
        if many
    ]
    return [place for kind in chosen for place in kind]


def rows(found: Inspection, places: Sequence[int]) -> list[Row]:
    """Rows of a sheet: each query, by each kind of features, beside its neighbours."""
    samples, made = found.samples, []
    train, test = samples.train, samples.test
    for place in places:
        truth = int(test.labels[place])
        for seen in found.seen:
            winner = int(seen.winners[place])
            told = [samples.classes[truth], *_attributes(samples, test.attributes, place)]
            told.append(f"by {seen.features}:")
            told.append(f"{'✓' if winner == truth else '✗'} {samples.classes[winner]}")
            head = sheets.cell(test.inputs, place, tuple(told), where=test.paths[place])
            cells = []
            for point, distance in zip(
                seen.points[place].tolist(), seen.distances[place].tolist(), strict=True
            ):
                label = int(train.labels[point])
                captions = (
                    samples.classes[label],
                    *_attributes(samples, train.attributes, point),
                    f"distance {distance:,.4g}",
                )
                mark: Any = "right" if label == truth else "wrong"
                cells.append(
                    sheets.cell(train.inputs, point, captions, where=train.paths[point], mark=mark)
                )
            made.append(Row(head, cells))
    return made


def _attributes(
    samples: Samples, attributes: Mapping[str, npt.NDArray[np.int64]], place: int
) -> list[str]:
    """Further facts about a sample: a background is told by the class whose colour it is."""
    return [
        f"on {samples.classes[values[place]]}'s" if name == "background" else f"{name} {value}"
        for name, values in attributes.items()
        for value in [values[place]]
    ]
