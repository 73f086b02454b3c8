"""A detector judged on images with boxes."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.cnn.detect.asking import Found, found_in
from dlkit.cnn.detect.collection import Collection, Split, collect
from dlkit.cnn.detect.matching import Errors, errors
from dlkit.cnn.detect.scoring import Scores, score
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.model import Detector
    from dlkit.cnn.detect.saved import SavedDetector


@dataclass(frozen=True, eq=False)
class Judged:
    """What a detector says of images, and how right it is.

    Attributes:
        name: of the data.
        split: the images.
        classes: names.
        found: of each image what was found.
        scores: how right it is.
        errors: at the threshold of the scores.
        seconds: that finding took.

    """

    name: str
    split: Split
    classes: tuple[str, ...]
    found: Sequence[Found]
    scores: Scores
    errors: Errors
    seconds: float


def judged_on(
    model: Detector,
    split: Split,
    classes: Sequence[str],
    *,
    precision: Any = "fp32",
    threshold: float | None = None,
    what: str = "test",
    name: str = "",
) -> Generator[Record, None, Judged]:
    """Judge a network.

    Args:
        model: the network.
        split: images with boxes.
        classes: names.
        precision: of products.
        threshold: at which errors are told; None: where F1 is best, of validation images alone.
        what: what messages call the images.
        name: of the data.

    Raises:
        DlkitError: the evaluator is not installed.

    """
    begun = time.perf_counter()
    found = yield from found_in(
        model, split.images, split.sizes, precision=precision, what=f"{what} images"
    )
    seconds = time.perf_counter() - begun
    scores = score(found, split.objects, classes, threshold=threshold)
    at = scores.threshold if threshold is None else threshold
    wrong = errors(found, split.objects, len(classes), at)
    return Judged(name, split, tuple(classes), found, scores, wrong, seconds)


def evaluate(
    detector: SavedDetector,
    config: DetectConfig,
    *,
    other: bool,
    precision: Any = "fp32",
    threshold: float | None = None,
) -> Generator[Record, None, Judged]:
    """Judge an artifact on the test split of its data, or of others.

    Args:
        detector: the artifact.
        config: where and how the data are read.
        other: they are not those that it was trained on.
        precision: of products.
        threshold: at which errors are told; None: the artifact's.

    Raises:
        DlkitError: there are no such data, or no test split; the artifact's own data have changed;
            no box in the images.

    """
    collection = yield from test_of(detector, config, other=other)
    split = collection.splits["test"]
    if not split.boxes:
        raise DlkitError(f"{collection.name}: the images to be judged on have no box")
    at = detector.threshold if threshold is None else threshold
    return (
        yield from judged_on(
            detector.model, split, detector.classes, precision=precision, threshold=at,
            name=collection.name,
        )
    )  # fmt: skip


def test_of(
    detector: SavedDetector, config: DetectConfig, *, other: bool
) -> Generator[Record, None, Collection]:
    """The test split of an artifact's own data, proven to be the same, or of others.

    Raises:
        DlkitError: there are no such data, or no test split; its own data have changed.

    """
    seed = config.training.seed
    if other:
        found = yield from collect(
            config.data, config.input, size=detector.size, seed=seed, classes=detector.classes,
            judged=True,
        )  # fmt: skip
        yield from _leaks(detector, found.splits["test"])
        return found
    held = bool(detector.document["data"]["held_out"])
    # What was held out is found again by reading all of it.
    found = yield from collect(
        config.data, config.input, size=detector.size, seed=seed, classes=detector.classes,
        judged=not held and "test" in detector.fingerprints,
    )  # fmt: skip
    if "test" not in found.splits:
        raise DlkitError(
            f"{detector.reference} has no test split to be judged on",
            hint="dlkit cnn detect eval DATA",
        )
    now = found.splits["test"].fingerprint(detector.classes)
    then = detector.fingerprints.get("test")
    if then != now:
        raise DlkitError(
            f"the test data of {detector.reference} have changed since the training: their "
            f"fingerprint was {str(then)[:16]}…, now it is {now[:16]}…",
            hint=f"dlkit cnn detect eval {config.data[0]} judges on them as other data",
        )
    return found


def _leaks(detector: SavedDetector, test: Split) -> Generator[Record, None, None]:
    """Warn of images that the artifact has learnt from."""
    from dlkit.artifacts.tensors import read_tensors
    from dlkit.classifiers.opened import DIGESTS
    from dlkit.data.samples import unpacked

    learnt = unpacked(read_tensors(detector.artifact.file(DIGESTS))["train"])
    both = int(np.isin(test.digests, learnt).sum())
    if both:
        yield Warned(
            f"{both:,} of the {len(test):,} images are in the artifact's training data, too "
            "(equal content)"
        )
    else:
        yield Noted(f"{len(test):,} images, none of them in the artifact's training data")
