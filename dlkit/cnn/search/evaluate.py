"""How good an index is: images of known classes searched for in it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit import signals
from dlkit.cnn.search.measures import Measures, Truth, measure, same_content
from dlkit.cnn.search.rankers import Pixels, Products
from dlkit.data.loading import load, load_test
from dlkit.data.wording import counted
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.search.config import SearchConfig
    from dlkit.cnn.search.embedding import Embedder
    from dlkit.cnn.search.saved import ImageIndex
    from dlkit.data.samples import Digests, Samples


@dataclass(frozen=True, eq=False)
class Queries:
    """What is searched for.

    Attributes:
        name: of the data.
        what: in words.
        labels: (Q,) places in the classes of the index.
        digests: (Q,) of the contents.
        rows: (Q, K) embeddings.
        images: (Q, H, W, C) as they were read; None: they are images of the index.
        samples: the data set; None: they are images of the index.
        places: (Q,) of the index, where they are of it; None: they are not.

    """

    name: str
    what: str
    labels: npt.NDArray[np.int64]
    digests: Digests
    rows: npt.NDArray[np.float32]
    images: npt.NDArray[np.uint8] | None = None
    samples: Samples | None = None
    places: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Rankings measured, by what they were made of.

    Attributes:
        queries: what was searched for.
        scores: by name: the features' artifact; pixels.
        points: images of the index that have a class.

    """

    queries: Queries
    scores: dict[str, Measures]
    points: int

    def per_class(self, name: str, classes: Sequence[str]) -> list[tuple[str, int, float, float]]:
        """Of each class with queries: its name, how many, their mAP and recall@1."""
        found = self.scores[name]
        labels = self.queries.labels[found.places]
        return [
            (
                classes[label],
                int((labels == label).sum()),
                float(found.average_precision[labels == label].mean()),
                float((found.first[labels == label] == 1).mean()),
            )
            for label in np.unique(labels).tolist()
        ]


def evaluate(
    index: ImageIndex,
    embedder: Embedder,
    config: SearchConfig,
    ks: Sequence[int],
    *,
    other_data: bool,
    pixels: bool = False,
    threads: int | None = None,
) -> Generator[Record, None, Evaluated]:
    """Search an index for the test split of its own data, for other data, or for its own images.

    An image never finds itself, nor one of equal content.

    Args:
        index: the index.
        embedder: what makes rows of queries.
        config: its settings, with what is asked for now.
        ks: the numbers of first images.
        other_data: ``config.data`` are other data than were indexed.
        pixels: rank by raw pixels, too.
        threads: how many sort; None: all cores.

    Raises:
        DlkitError: nothing has a class, the data have changed or cannot be read.
        StoppedError: a signal came.

    """
    labelled = index.labels >= 0
    if not labelled.any():
        raise DlkitError(
            f"{index.reference} has no classes: what is right is not known",
            hint="dlkit cnn search index FOLDER_OF_CLASS_FOLDERS --labels",
            code=USAGE,
        )
    with signals.catch() as stop, signals.waiting():
        queries = yield from _queries(index, embedder, config, other_data=other_data)
        if left := int((~labelled).sum()):
            yield Noted(f"{counted(left, 'image')} of the index without a class left out")
        points = np.flatnonzero(labelled)
        same = same_content(queries.digests, index.digests[points])
        if queries.places is None and same:
            yield Noted(
                f"{counted(len(same), 'query', 'queries')} equal to an image of the index in "
                "content: they do not find it"
            )
        elif copies := sum(len(each) > 1 for each in same.values()):
            yield Noted(
                f"{counted(copies, 'query', 'queries')} with copies of equal content in the index: "
                "they do not find them"
            )
        truth = Truth(queries.labels, index.labels[points], same)
        reference = index.document["features"]["artifact"]
        rows = index.rows if len(points) == len(index) else index.rows[points]
        scores = {}
        ranker = Products(rows, queries.rows)
        scores[reference] = yield from measure(ranker, truth, ks, threads=threads)
        if not len(scores[reference].places):
            raise DlkitError(
                "no query has an image of its class, and of other content, in the index: there is "
                "nothing to find",
                hint=f"dlkit cnn search query IMAGES --from {quoted(index.reference)}",
            )
        stop.check()
        if pixels:
            raw = _raw(index, queries)[points]
            asked = queries.images
            flat = raw if asked is None else asked.reshape(len(asked), -1)
            scores["pixels"] = yield from measure(
                Pixels(raw, flat), truth, ks, what="ranking by pixels", threads=threads
            )
        return Evaluated(queries, scores, len(points))


def _queries(
    index: ImageIndex, embedder: Embedder, config: SearchConfig, *, other_data: bool
) -> Generator[Record, None, Queries]:
    seed = config.training.seed
    if other_data:
        samples = yield from load_test(
            config.data, config.input, form=index.form, classes=index.classes, seed=seed
        )
        what = "images of other data"
    elif index.document["data"]["samples"].get("test"):
        samples = yield from load(config.data, config.input, seed=seed)
        _check_unchanged(index, samples)
        what = "its test split"
    else:
        places = np.flatnonzero(index.labels >= 0)
        yield Noted("no test split: each image is searched for among the others (leave-one-out)")
        return Queries(
            index.document["data"]["name"], "its own images, each without itself",
            index.labels[places], index.digests[places], index.rows[places], places=places,
        )  # fmt: skip
    test = samples.test
    if not len(test):
        raise DlkitError(f"{samples.name} has no images to search for", hint="--test-split NAME")
    rows = yield from embedder.rows(test.images, what="test images")
    return Queries(
        samples.name, what, test.labels, test.digests, rows, images=test.images, samples=samples
    )


def _check_unchanged(index: ImageIndex, samples: Samples) -> None:
    """Do nothing if the test split is the one that was there when the index was made.

    Raises:
        DlkitError: its content has changed.

    """
    then = index.document["data"]["fingerprints"].get("test", "not there")
    now = samples.fingerprint("test") if "test" in samples.splits else "not there"
    if then != now:
        raise DlkitError(
            f"the test data of {index.reference} have changed: their fingerprint was "
            f"{then[:16]}…, now it is {now[:16]}…",
            hint=f"dlkit cnn search eval DATA --from {quoted(index.reference)} searches for others",
        )


def _raw(index: ImageIndex, queries: Queries) -> npt.NDArray[np.uint8]:
    """(N, P) the pixels of the indexed images.

    Raises:
        DlkitError: they are neither kept in full nor in the data that were read.

    """
    form = index.form
    shape = (form.height, form.width, form.channels)
    kept = index.pictures()
    if kept is not None and all(each.shape[1:] == shape for each in kept):
        joined: Any = kept[0] if len(kept) == 1 else np.concatenate(kept)
        return joined.reshape(len(index), -1)  # type: ignore[no-any-return]
    samples = queries.samples
    if samples is not None and "train" in samples.splits:
        train = samples.train
        if len(train) == len(index) and (train.digests == index.digests).all():
            return train.images.reshape(len(index), -1)
    raise DlkitError(
        f"--pixels: {index.reference} holds no pictures of {form.width}x{form.height} pixels, and "
        "its images were not read",
        hint="leave out --pixels, or index the data anew",
    )
