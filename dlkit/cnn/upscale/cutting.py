"""Images cut to patches: a few at a time, by threads, into one array."""

from __future__ import annotations

import io
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.cnn.upscale.contents import Pictures, refused
from dlkit.cnn.upscale.patches import Grid, pairs
from dlkit.data import pixels
from dlkit.data.arrays import new_array
from dlkit.data.images import content_of, told
from dlkit.data.pixels import BadImageError
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import DlkitError
from dlkit.machine import cores
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Pixels

Sizes = dict[int, tuple[int, int]]

_TOLD_EVERY: Final = 0.3  # seconds


def sizes_of(some: Pictures, *, skip_bad: bool) -> Generator[Record, None, Sizes]:
    """Height and width of each image by its place, as the files' heads say."""
    from PIL import Image

    found: Sizes = {}
    bad = []
    with pixels.limits():
        for place, (name, content) in enumerate(zip(some.names, some.contents, strict=True)):
            if isinstance(content, np.ndarray):
                found[place] = (content.shape[0], content.shape[1])
                continue
            try:
                with Image.open(io.BytesIO(content_of(content)), formats=pixels.FORMATS) as image:
                    found[place] = (image.height, image.width)
            except Exception as problem:  # Pillow lets through errors of many kinds
                if not skip_bad:
                    why = BadImageError(str(problem).splitlines()[0] if str(problem) else "damaged")
                    raise refused(name, why) from None
                bad.append(f"{shown(name)}: no image")
    if bad:
        yield Warned(f"{counted(len(bad), 'bad image')} left out: {listed(bad)}")
    if not found:
        raise DlkitError("there are no images to learn from")
    return found


def cut_all(
    some: Pictures,
    sizes: dict[int, tuple[int, int]],
    grid: Grid,
    what: str,
    *,
    most: int,
    seed: int,
    skip_bad: bool,
) -> Generator[Record, None, npt.NDArray[np.uint8]]:
    """(N, row) the patches of images, bytes.

    Args:
        some: the images.
        sizes: height and width of each, by its place.
        grid: where to cut.
        what: what messages call the images.
        most: so many patches are taken at most, drawn of all.
        seed: of that.
        skip_bad: leave out, and count, images that cannot be read.

    Raises:
        DlkitError: an image cannot be read, or is not what its head says; there is no patch.

    """
    counts = {place: grid.patches(*size) for place, size in sizes.items()}
    total = sum(counts.values())
    if not total:
        raise DlkitError(
            f"no {what} image is large enough: {grid.side * grid.scale} pixels a side are the least"
        )
    if left := sum(not count for count in counts.values()):
        yield Noted(
            f"{what}: {counted(left, 'image')} of {len(sizes):,} left out, with a side below "
            f"{grid.side * grid.scale} pixels"
        )
    keep = np.ones(total, bool)
    if total > most:
        drawn = np.random.default_rng([seed, 0x9A7C]).permutation(total)
        keep[drawn[most:]] = False
        yield Noted(f"{what}: {most:,} of {total:,} patches taken (--set patches=N)")
    rows = new_array((int(keep.sum()), grid.row))
    filled, start, bad = 0, 0, []
    tally: Counter[str] = Counter()
    wanted = sum(count > 0 for count in counts.values())
    begun = last = time.monotonic()
    with pixels.limits(), ThreadPoolExecutor(cores()) as pool:
        for number, (place, found) in enumerate(_ahead(pool, some, counts, grid)):
            part = keep[start : start + counts[place]]
            start += counts[place]
            if isinstance(found, BadImageError):
                if not skip_bad:
                    raise refused(some.names[place], found) from None
                bad.append(f"{shown(some.names[place])}: {found}")
                continue
            made, done = found
            tally.update(done)
            rows[filled : filled + int(part.sum())] = made[part]
            filled += int(part.sum())
            now = time.monotonic()
            if now - last > _TOLD_EVERY:
                last, rate = now, number / (now - begun)
                yield Step(f"cutting {what} images", number, wanted, "images", rate)
    if bad:
        yield Warned(f"{what}: {counted(len(bad), 'bad image')} left out: {listed(bad)}")
    if not filled:
        raise DlkitError(f"there are no {what} images left")
    yield from told(tally, f"{what} images")
    return rows[:filled]


Cut = tuple["Pixels", tuple[str, ...]]


def _ahead(
    pool: ThreadPoolExecutor, some: Pictures, counts: dict[int, int], grid: Grid
) -> Iterator[tuple[int, Cut | BadImageError]]:
    """The patches of each image, in order, a few images being cut at a time."""

    def work(place: int) -> Cut | BadImageError:
        try:
            image, done = some.read(place)
        except BadImageError as problem:
            return problem
        if grid.patches(*image.shape[:2]) != counts[place]:
            return BadImageError("its size is not what its head says")
        return pairs(image, grid), done

    running: deque[tuple[int, Future[Cut | BadImageError]]] = deque()
    try:
        for place, count in counts.items():
            if not count:
                continue
            running.append((place, pool.submit(work, place)))
            if len(running) > 2 * cores():
                first, future = running.popleft()
                yield first, future.result()
        while running:
            first, future = running.popleft()
            yield first, future.result()
    finally:
        for _, future in running:
            future.cancel()
