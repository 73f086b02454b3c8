"""Images made smaller, made large again, and compared with what they were."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.cnn.upscale.collection import Collection, collect
from dlkit.cnn.upscale.contents import Pictures, refused
from dlkit.cnn.upscale.metrics import On, Row, Scores, score, summed
from dlkit.cnn.upscale.patches import cut, resized, smaller
from dlkit.cnn.upscale.tiles import TILE, computed, enlarged
from dlkit.data import pixels
from dlkit.data.images import told
from dlkit.data.pixels import BadImageError
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError, quoted
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.cnn.upscale.config import ImagesConfig
    from dlkit.cnn.upscale.model import Upscaler
    from dlkit.cnn.upscale.saved import SavedUpscaler
    from dlkit.data.samples import Pixels

_TOLD_EVERY: Final = 0.5  # seconds
_AT_ONCE: Final = 1 << 16  # pixels of small images that are computed together
_SHOWN: Final = 8  # images that are kept to be shown
_LARGEST: Final = 4_000_000  # pixels of an image that is kept


class Made(NamedTuple):
    """One image in all its forms, (H, W, C) bytes.

    Attributes:
        row: its name and scores.
        truth: the large image.
        small: what was made of it.
        network: the small one made large by the network.
        bicubic: by bicubic interpolation.

    """

    row: Row
    truth: Pixels
    small: Pixels
    network: Pixels
    bicubic: Pixels


class Judged(NamedTuple):
    """What a network is worth on a set of images.

    Attributes:
        scores: the means.
        rows: of each image.
        shown: some images, evenly spread.
        name: of the data.

    """

    scores: Scores
    rows: list[Row]
    shown: list[Made]
    name: str = ""


def evaluate(
    upscaler: SavedUpscaler,
    data: Sequence[str],
    config: ImagesConfig,
    *,
    seed: int,
    other: bool,
    on: On = "y",
    tile: int = TILE,
    precision: str = "fp32",
) -> Generator[Record, None, Judged]:
    """Judge an artifact on its own test images, or on other ones.

    Args:
        upscaler: the artifact.
        data: what was typed.
        config: how they are read.
        seed: of what is drawn.
        other: they are other data than the artifact's own.
        on: what is compared: y or rgb.
        tile: pixels of a tile's side.
        precision: of products.

    Raises:
        DlkitError: the test images are not those that were recorded, or cannot be read.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        limit = config.limit
        whole = config if other else config.model_copy(update={"limit": None})
        if not other:  # its own limit chose the images that it was trained with
            whole = whole.model_copy(update={"limit": upscaler.settings().input.limit})
        collection = yield from collect(data, whole, seed=seed, only_test=True, other=other)
        test = collection.splits.get("test")
        if other and test is not None:
            yield from _leaks(upscaler, test)
        else:
            check_unchanged(upscaler, collection)
        assert test is not None
        if limit is not None and limit < len(test):
            drawn = np.random.default_rng(seed).permutation(len(test))[:limit]
            test = test.take(np.sort(drawn))
            yield Noted(f"{limit:,} of {len(collection.splits['test']):,} images taken (--limit)")
        stop.check()
        judged = yield from scores_of(
            upscaler.model, test, what="test", on=on, tile=tile, precision=precision,
            skip_bad=config.skip_bad,
        )  # fmt: skip
        return judged._replace(name=collection.name)


def _leaks(upscaler: SavedUpscaler, test: Pictures) -> Iterator[Record]:
    """Warn of images that the artifact was trained on."""
    both = int(np.isin(test.digests, upscaler.learnt()).sum())
    if both:
        yield Warned(
            f"{both:,} of {counted(len(test), 'image')} are in the artifact's training data, too "
            "(equal content)"
        )


def check_unchanged(upscaler: SavedUpscaler, collection: Collection) -> None:
    """Do nothing if the test images are those that were recorded.

    Raises:
        DlkitError: there are none, or they have changed.

    """
    test = collection.splits.get("test")
    command = f"dlkit cnn upscale eval DATA --from {quoted(upscaler.reference)}"
    if test is None:
        raise DlkitError(f"{collection.name} has no test images", hint=command)
    recorded = upscaler.document["data"]["fingerprints"].get("test")
    if recorded != test.fingerprint:
        raise DlkitError(
            f"the test images of {upscaler.reference} have changed since the training",
            hint=command,
        )


def scores_of(
    model: Upscaler,
    some: Pictures,
    *,
    what: str,
    on: On = "y",
    tile: int = TILE,
    precision: str = "fp32",
    skip_bad: bool = False,
) -> Generator[Record, None, Judged]:
    """Make images smaller, make them large again in all ways, compare.

    Args:
        model: in evaluation mode.
        some: the images.
        what: what messages call them.
        on: what is compared: y or rgb.
        tile: pixels of a tile's side.
        precision: of products.
        skip_bad: leave out, and count, images that cannot be read.

    Raises:
        DlkitError: an image cannot be read; none is large enough.

    """
    rows: list[Row] = []
    shown_: list[Made] = []
    tally: Counter[str] = Counter()
    wanted = set(np.linspace(0, len(some) - 1, min(_SHOWN, len(some))).round().tolist())
    begun = last = time.perf_counter()
    reading = _read(model, some, tally, what, skip_bad=skip_bad)
    for found in _grouped(reading):
        if isinstance(found, Record):
            yield found
            continue
        for place, made in _made(model, some, found, on=on, tile=tile, precision=precision):
            rows.append(made.row)
            if place in wanted and made.truth[..., 0].size <= _LARGEST:
                shown_.append(made)
        now = time.perf_counter()
        if now - last > _TOLD_EVERY:
            last = now
            rate = len(rows) / (now - begun)
            yield Step(f"upscaling {what} images", len(rows), len(some), "images", rate)
    if not rows:
        raise DlkitError(f"no {what} image is large enough to be made smaller by {model.scale}")
    yield from told(tally, f"{what} images")
    return Judged(summed(rows), rows, shown_)


Large = tuple[int, "Pixels"]


def _read(
    model: Upscaler, some: Pictures, tally: Counter[str], what: str, *, skip_bad: bool
) -> Generator[Record | Large, None, None]:
    """Each image by its place, cut to a multiple of the scale."""
    bad, tiny = [], 0
    for place in range(len(some)):
        try:
            with pixels.limits():
                image, done = some.read(place)
        except BadImageError as problem:
            if not skip_bad:
                raise refused(some.names[place], problem) from None
            bad.append(f"{shown(some.names[place])}: {problem}")
            continue
        if min(image.shape[:2]) < model.scale:
            tiny += 1
            continue
        tally.update(done)
        yield place, cut(image, model.scale)
    if bad:
        yield Warned(f"{what}: {counted(len(bad), 'bad image')} left out: {listed(bad)}")
    if tiny:
        yield Warned(
            f"{what}: {counted(tiny, 'image')} of fewer than {model.scale} pixels left out"
        )


def _grouped(
    reading: Generator[Record | Large, None, None],
) -> Generator[Record | list[Large], None, None]:
    """Neighbours of one shape together, as many as are computed at once."""
    group: list[Large] = []
    for each in reading:
        if not isinstance(each, tuple):
            yield each
            continue
        image = each[1]
        same = not group or group[0][1].shape == image.shape
        if group and (not same or (len(group) + 1) * image[..., 0].size > 4 * _AT_ONCE):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _made(
    model: Upscaler,
    some: Pictures,
    group: list[Large],
    *,
    on: On,
    tile: int,
    precision: str,
) -> Generator[tuple[int, Made], None, None]:
    """Images of one shape made small, made large and compared."""
    small = np.stack([smaller(image, model.scale) for _, image in group])
    if max(small.shape[1:3]) <= tile:
        large: Any = computed(model, small, precision=precision)
    else:
        large = [enlarged(model, each, tile=tile, precision=precision) for each in small]
    for (place, truth), little, network in zip(group, small, large, strict=True):
        size = (truth.shape[0], truth.shape[1])
        ways = {
            "network": network,
            "bicubic": resized(little, size, "bicubic"),
            "nearest": resized(little, size, "nearest"),
        }
        scores = {name: score(truth, each, shave=model.scale, on=on) for name, each in ways.items()}
        row = Row(some.names[place], *size, scores)
        yield place, Made(row, truth, little, network, ways["bicubic"])
