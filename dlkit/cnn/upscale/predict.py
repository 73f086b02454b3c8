"""Image files made larger, one after the other: read, computed in tiles, written whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from dlkit.artifacts.placing import placed
from dlkit.artifacts.writing import blamed
from dlkit.cnn.upscale import files
from dlkit.cnn.upscale.patches import resized
from dlkit.cnn.upscale.planning import Entry, Wish, planned, target_of
from dlkit.cnn.upscale.tiles import enlarging
from dlkit.data import pixels
from dlkit.data.images import content_of, told
from dlkit.data.pixels import BadImageError
from dlkit.errors import NOT_FOUND, DlkitError
from dlkit.records import Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.cnn.upscale.files import Picture
    from dlkit.cnn.upscale.saved import SavedUpscaler

_TOLD_AFTER: Final = 1.0  # seconds that one image takes


class Written(NamedTuple):
    """An image that was made."""

    file: str
    path: str
    width: int
    height: int
    mode: str

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return self._asdict()


def predict(
    upscaler: SavedUpscaler, inputs: Sequence[str], wish: Wish, stdin: BinaryIO | None
) -> Iterator[Generator[Record, None, list[Written]]]:
    """The work of making images larger, one at a time and in their order.

    Args:
        upscaler: the artifact.
        inputs: files, folders, patterns; ``-``: names of files a line each, or one image's bytes.
        wish: where they go, and how.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: there is no such input, a file is there already, an image cannot be read; with
            ``skip_bad`` only if none can be (NOT_FOUND).

    """
    counts: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    for entry in planned(inputs, wish, stdin):
        yield _one(upscaler, entry, wish, counts, tally)
    yield _last(counts, tally)


def _one(
    upscaler: SavedUpscaler, entry: Entry, wish: Wish, counts: Counter[str], tally: Counter[str]
) -> Generator[Record, None, list[Written]]:
    """Make one image larger, and write it."""
    target = target_of(entry, wish)
    try:
        with pixels.limits():
            picture = files.read(content_of(entry.content), scale=upscaler.scale)
    except BadImageError as problem:
        if not wish.skip_bad:
            hint = "--skip-bad leaves out, and counts, what cannot be read"
            raise DlkitError(f"{entry.name}: {problem}", hint=hint) from None
        yield Warned(f"left out: {entry.name}: {problem}")
        counts["failed"] += 1
        return []
    height, width = (side * upscaler.scale for side in picture.colours.shape[:2])
    files.fitting(_blank(picture, height, width), target)  # before the work
    made = yield from large(upscaler, picture, wish, name=entry.name)
    made, lost = files.fitting(made, target)
    tally.update([*picture.done, *lost])
    if not wish.is_file:
        with blamed(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
    with placed([target], force=wish.force) as (stream,):
        files.write(made, target, stream, quality=wish.quality)
    counts["written"] += 1
    return [Written(entry.name, str(target), width, height, files.mode_of(made))]


def _blank(picture: Picture, height: int, width: int) -> Picture:
    """A picture of that size that takes no memory, to ask whether a file can hold it."""
    row = np.zeros((1, 1, 1), picture.colours.dtype)
    return picture._replace(colours=np.broadcast_to(row, (height, width, 1)))


def large(
    upscaler: SavedUpscaler, picture: Picture, wish: Wish, *, name: str
) -> Generator[Record, None, Picture]:
    """A picture as many times as large: colours by the network, transparency by bicubic."""
    begun = last = time.perf_counter()
    work = enlarging(
        upscaler.model, files.filled(picture), tile=wish.tile, precision=wish.precision
    )
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            colours = end.value
            break
        now = time.perf_counter()
        if done < total and now - last > _TOLD_AFTER:
            last = now
            yield Step(f"upscaling {name}", done, total, "tiles", done / (now - begun))
    alpha = picture.alpha
    if alpha is not None:
        alpha = resized(alpha, (colours.shape[0], colours.shape[1]), "bicubic")
    return picture._replace(colours=colours, alpha=alpha)


def _last(counts: Counter[str], tally: Counter[str]) -> Generator[Record, None, list[Written]]:
    yield from told(tally, "images")
    if counts["failed"] and not counts["written"]:
        raise DlkitError("none of the images could be read", code=NOT_FOUND)
    return []
