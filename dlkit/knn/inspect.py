"""Why neighbours vote as they do: what they share with a query, and pictures of them."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.data.loading import load
from dlkit.data.preprocess import parse
from dlkit.encoders import Encoder, open_encoder, read_for
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Choice, Engine
from dlkit.knn.evaluate import check_judged, check_unchanged
from dlkit.knn.planes import flat_table
from dlkit.knn.prepare import uneven
from dlkit.knn.rows import fit_rows
from dlkit.knn.votes import count
from dlkit.neighbours.search import Index
from dlkit.records import Noted, Record, Step
from dlkit.report.sheet_files import MOST_ACROSS

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Samples
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.saved import Knn

# Names of the inputs as they are, among the features that are compared, and what has such.
PLAIN: Final = {"pixels": ("images",), "columns": ("table",), "none": ("images", "table", "texts")}
USUAL_K: Final = 5


class Features(NamedTuple):
    """What samples are compared by: an artifact that encodes them, steps after it, or a word.

    Attributes:
        encoder: the artifact's reference; None: none.
        steps: of preprocessing, as ``parse`` reads them.
        plain: the word of PLAIN that was written.

    """

    encoder: str | None
    steps: str
    plain: str = ""


def read_features(text: str) -> Features:
    """Features as they are written: ``pixels``, ``grey,hog``, ``cnn/NAME`` or ``cnn/NAME,pca:64``.

    Raises:
        DlkitError: (USAGE) an unknown step.

    """
    text = text.strip()
    if text in PLAIN:
        return Features(None, "", text)
    first, _, rest = text.partition(",")
    encoder, steps = (first, rest) if "/" in first else (None, text)
    parse(steps)
    return Features(encoder, steps)


class Flat(NamedTuple):
    """Rows of two numbers: of the points (N, 2), of the queries (Q, 2), and the steps to them."""

    points: npt.NDArray[Any]
    queries: npt.NDArray[Any]
    steps: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """What the test split's neighbours are by one kind of features.

    Attributes:
        features: the kind, in words.
        winners: (Q,) predicted classes.
        points: (Q, k) neighbours, nearest first; of many the first that a sheet has room for.
        distances: as ``points``.
        accuracy: the share of right predictions.
        shared: by what queries and neighbours may have in common ("class", and attributes such
            as "background"), the mean share of neighbours that have it in common.
        rows: of a table, what was compared, if it lies in a plane.

    """

    features: str
    winners: npt.NDArray[np.int64]
    points: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    accuracy: float
    shared: Mapping[str, float]
    rows: Flat | None = None


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
    config: KnnConfig, others: Sequence[Features], *, knn: Knn | None = None
) -> Generator[Record, None, Inspection]:
    """Look at the neighbours of the whole test split.

    Args:
        config: where the data are, how they are read and compared; one k (None: USUAL_K), metric
            and kind of votes.
        others: further features to compare by; the same are looked at once.
        knn: the artifact whose data these are, which must not have changed.

    Raises:
        DlkitError: unreadable data, data that changed, an unknown step; k is too large.
        StoppedError: a signal came.

    """
    _check_one(config)
    own = Features(config.features, config.preprocess)
    parse(own.steps)
    if not config.data:
        raise DlkitError("no data given", hint="dlkit knn inspect builtin:shapes", code=USAGE)
    with signals.catch() as stop:
        encoders: dict[str, Encoder] = {}
        if knn is not None and knn.transform.encoder is not None and own.encoder is not None:
            encoders[own.encoder] = knn.transform.encoder  # whose digest was checked
        for each in (own, *others):
            if each.encoder is not None and each.encoder not in encoders:
                encoders[each.encoder] = open_encoder(each.encoder)
        reading = read_for(encoders.get(own.encoder or ""), config.input)
        samples = yield from load(config.data, config.input, seed=config.seed, reading=reading)
        check_judged(samples)
        if knn is not None:
            for split in ("train", "test"):
                check_unchanged(knn, samples, split)
        wanted = [own, *(_of_samples(each, own, samples) for each in others)]
        yield from uneven(samples, parse(own.steps))
        k = yield from _number(config, len(samples.train))
        choice = Choice(config.metric[0], config.weights[0], k)
        engine = Engine(config.threads, config.device, stop.check)
        seen: list[Seen] = []
        for each in dict.fromkeys(wanted):
            encoder = None if each.encoder is None else encoders[each.encoder]
            one = yield from _look(samples, each.steps, encoder, choice, engine)
            seen.append(one)
    return Inspection(samples, choice, seen, _chance(samples))


def _check_one(config: KnnConfig) -> None:
    """Raise DlkitError (USAGE) if several k, metrics or kinds of votes are asked for."""
    for name, values in (("k", config.k), ("metric", config.metric), ("weights", config.weights)):
        if values is not None and len(values) > 1:
            raise DlkitError(f"{name}: one is needed", hint=f"--{name} {values[0]}", code=USAGE)


def _of_samples(features: Features, own: Features, samples: Samples) -> Features:
    """The same for these samples: texts stay encoded by what encodes them at all.

    Raises:
        DlkitError: (USAGE) they have no such features.

    """
    if features.plain and samples.kind not in PLAIN[features.plain]:
        kind = "a table" if samples.kind == "table" else samples.kind
        raise DlkitError(
            f"--compare-features {features.plain}: {samples.name} holds {kind}",
            hint="TASK/NAME compares by an artifact that encodes them, none leaves out steps",
            code=USAGE,
        )
    encoder = own.encoder if samples.kind == "texts" else None
    return Features(features.encoder or encoder, features.steps)


def _number(config: KnnConfig, points: int) -> Generator[Record, None, int]:
    """How many neighbours to look at; fewer than usual where there are no more."""
    if config.k is not None:
        if config.k[0] > points:
            raise DlkitError(
                f"k is {config.k[0]:,}, but there are {points:,} points",
                hint=f"use a k of at most {points:,}",
                code=USAGE,
            )
        return config.k[0]
    if points < USUAL_K:
        yield Noted(f"k {points}: there are no more training samples")
    return min(USUAL_K, points)


def _look(
    samples: Samples, preprocess: str, encoder: Encoder | None, choice: Choice, engine: Engine
) -> Generator[Record, None, Seen]:
    with signals.waiting():
        transform, rows, _ = yield from fit_rows(samples, preprocess, encoder)
        queries = yield from transform.apply(samples.test.inputs, what="test")
    index = Index(rows, choice.metric, device=engine.device)
    train, test = samples.train, samples.test
    alike = {"class": (train.labels, test.labels)} | _attributes_of(samples)
    shared = dict.fromkeys(alike, 0)
    kept = min(choice.k, MOST_ACROSS)
    winners = np.empty(len(queries), np.int64)
    points = np.empty((len(queries), kept), np.int64)
    distances = np.empty((len(queries), kept))
    begun = time.monotonic()
    for tile in index.tiles(queries, choice.k, threads=engine.threads):
        engine.check()
        near, far = tile.neighbours
        part = slice(tile.first, tile.first + len(near))
        points[part], distances[part] = near[:, :kept], far[:, :kept]
        ks = (choice.k,)
        votes = count(train.labels[near], far, len(samples.classes), ks, choice.weights)
        winners[part] = votes.winners[0]
        for name, (theirs, ours) in alike.items():
            shared[name] += int((theirs[near] == ours[part, None]).sum())
        rate = part.stop / max(time.monotonic() - begun, 1e-9)
        yield Step(f"searching by {transform.text}", part.stop, len(queries), "queries", rate)
    pairs = len(queries) * choice.k
    shares = {name: number / pairs for name, number in shared.items()}
    accuracy = float((winners == test.labels).mean())
    steps = tuple(step.name for step in transform.pipeline.steps)
    flat = Flat(rows, queries, steps) if flat_table(samples.columns, rows) else None
    return Seen(transform.text, winners, points, distances, accuracy, shares, flat)


def _attributes_of(
    samples: Samples,
) -> dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Further facts that training and test samples have, (N,) and (Q,) by name."""
    train, test = samples.train.attributes, samples.test.attributes
    return {name: (train[name], values) for name, values in test.items() if name in train}


def _chance(samples: Samples) -> dict[str, float]:
    """How often a training sample drawn by lot shares its class and attributes with a query."""
    pairs = {"class": (samples.train.labels, samples.test.labels)} | _attributes_of(samples)
    return {
        name: float((np.bincount(ours, minlength=theirs.max() + 1)[theirs] / len(ours)).mean())
        for name, (ours, theirs) in pairs.items()
    }
