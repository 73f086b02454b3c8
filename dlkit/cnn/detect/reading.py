"""Images decoded to one size, and their boxes checked against the sizes that they have."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.cnn.detect.boxes import Format, areas, corners
from dlkit.data import pixels
from dlkit.data.arrays import new_array
from dlkit.data.images import content_of, told
from dlkit.data.pixels import BadImageError, Decoded
from dlkit.data.resizing import Wanted
from dlkit.data.samples import DIGEST_BYTES
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.machine import cores
from dlkit.records import Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.cnn.detect.collection import Objects, Split
    from dlkit.cnn.detect.entries import Entry

_NAMED: Final = 5  # bad images or boxes in a message
_HINT: Final = "--skip-bad leaves out, and counts, what cannot be used"
_FORMATS: Final[tuple[Format, ...]] = ("xyxy", "xywh", "cxcywh")


def read_split(
    what: str,
    entries: Sequence[Entry],
    classes: Sequence[str],
    kind: Format,
    size: tuple[int, int],
    *,
    skip_bad: bool,
) -> Generator[Record, None, Split]:
    """Read the images of one split and check their boxes.

    Args:
        what: the split's name, for messages.
        entries: the images.
        classes: names, which labels are places in.
        kind: what the numbers of a box are.
        size: (height, width) that images are made.
        skip_bad: leave out, and count, images and boxes that cannot be used.

    Raises:
        DlkitError: an image or a box cannot be used, and ``skip_bad`` is not asked for; no image
            is left.

    """
    from dlkit.cnn.detect.collection import Split

    if not entries:
        raise DlkitError(f"the split {what} has no images")
    _refuse_shares(entries, kind)
    array = new_array((len(entries), *size, 3))
    numbers = {name: place for place, name in enumerate(classes)}
    kept: list[str] = []
    sizes: list[tuple[int, int]] = []
    objects: list[Objects] = []
    digests: list[bytes] = []
    bad_images: list[str] = []
    bad_boxes: list[str] = []
    tally: Counter[str] = Counter()
    started = time.monotonic()
    for done, (entry, found) in enumerate(decoded(entries, Wanted(size, 3, "pad")), 1):
        if done % 32 == 0 or done == len(entries):
            rate = done / max(1e-6, time.monotonic() - started)
            yield Step(f"decoding {what} images", done, len(entries), "images", rate)
        if isinstance(found, Decoded):
            found = _checked(entry, found)
        if isinstance(found, BadImageError):
            bad_images.append(f"{shown(entry.name)}: {found}")
            if not skip_bad:
                raise DlkitError(bad_images[0], hint=_HINT)
            continue
        made, wrong = objects_of(entry, found.size, numbers, kind)
        if wrong and not skip_bad:
            raise _refusal(entries, wrong, kind)
        bad_boxes += wrong
        tally.update(found.done)
        array[len(kept)] = bytes_of(found)
        kept.append(entry.name)
        sizes.append(found.size)
        objects.append(made)
        digests.append(found.digest)
    yield from told(tally, f"{what} images")
    if bad_images:
        yield Warned(f"{what}: {counted(len(bad_images), 'bad image')} left out: "
                     f"{_some(bad_images)}")  # fmt: skip
    if bad_boxes:
        yield Warned(f"{what}: {counted(len(bad_boxes), 'bad box', 'bad boxes')} left out: "
                     f"{_some(bad_boxes)}")  # fmt: skip
    if not kept:
        raise DlkitError(f"the split {what} has no images left")
    return Split(array[: len(kept)], sizes, objects, kept, np.array(digests, f"S{DIGEST_BYTES}"))


def _some(texts: Sequence[str]) -> str:
    return "; ".join(texts[:_NAMED]) + ("; …" if len(texts) > _NAMED else "")


def decoded(
    entries: Sequence[Entry], wanted: Wanted
) -> Iterator[tuple[Entry, Decoded | BadImageError]]:
    """Each image decoded by threads, in order, a few ahead."""
    ahead = 4 * cores()
    waiting: deque[tuple[Entry, Future[Decoded | BadImageError]]] = deque()
    with pixels.limits(), ThreadPoolExecutor(cores()) as pool:
        try:
            for entry in entries:
                waiting.append((entry, pool.submit(_decode, entry, wanted)))
                if len(waiting) > ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _decode(entry: Entry, wanted: Wanted) -> Decoded | BadImageError:
    try:
        return pixels.decode(content_of(entry.content), wanted)
    except BadImageError as problem:
        return problem


def bytes_of(found: Decoded) -> Any:
    """(H, W, 3) uint8; of deep images the highest eight bits that their values need."""
    if found.pixels.dtype == np.uint8:
        return found.pixels
    return (found.pixels >> max(found.bits - 8, 0)).astype(np.uint8)


def _checked(entry: Entry, found: Decoded) -> Decoded | BadImageError:
    """The image, if it has the size that the data say: else its boxes lie elsewhere."""
    if entry.size is None or entry.size == found.size:
        return found
    (height, width), (h, w) = found.size, entry.size
    turned = " upright" if (width, height) == (h, w) else ""
    return BadImageError(
        f"the data say {w}x{h} pixels, the file has {width}x{height}{turned}: its boxes would be "
        "in other places"
    )


def objects_of(
    entry: Entry, size: tuple[int, int], numbers: dict[str, int], kind: Format
) -> tuple[Objects, list[str]]:
    """What is in an image, and what is wrong with what is left out, a sentence each.

    Args:
        entry: the image.
        size: (height, width) that it has.
        numbers: of classes by name.
        kind: what the numbers of a box are.

    """
    from dlkit.cnn.detect.collection import Objects

    boxes, labels, crowd, outlines, wrong = [], [], [], [], []
    for each in entry.objects:
        try:
            if each.wrong:
                raise ValueError(each.wrong)
            box = corners(each.numbers, kind, size)
            if each.label not in numbers:
                raise ValueError(f"the class {shown(each.label)} is not known")
        except ValueError as problem:
            wrong.append(f"{each.where}: {problem}")
            continue
        boxes.append(box)
        labels.append(numbers[each.label])
        crowd.append(each.crowd)
        outlines.append(float(areas(box[None])[0]) if each.area is None else each.area)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(crowd, bool),
        np.array(outlines, np.float64),
    ), wrong


def _refusal(entries: Sequence[Entry], wrong: list[str], kind: Format) -> DlkitError:
    """The error of a bad box; where all boxes would fit as another format, that is the hint."""
    others = [other for other in _FORMATS if other != kind and _plausible(entries, other)]
    if len(others) == 1 and not _plausible(entries, kind):
        hint = f"--boxes {others[0]}: as that all boxes have an area"
        return DlkitError(wrong[0], hint=hint)
    more = f" (and {len(wrong) - 1} more in this image)" if len(wrong) > 1 else ""
    return DlkitError(f"{wrong[0]}{more}", hint=_HINT)


def _refuse_shares(entries: Sequence[Entry], kind: Format) -> None:
    """Do nothing if boxes in pixels are larger than one pixel.

    Raises:
        DlkitError: all of them lie in the first pixel: they are shares.

    """
    boxes = [each for entry in entries for each in entry.objects if not each.wrong]
    if kind == "cxcywh" or not boxes:
        return
    for each in boxes:
        try:
            if max(float(number) for number in each.numbers) > 1:  # type: ignore[arg-type]
                return
        except (TypeError, ValueError):
            return
    raise DlkitError(
        f"{boxes[0].where}: no box has a number above 1: these are no pixels ({kind}) but shares",
        hint="--boxes cxcywh, if the middle comes first",
    )


def _plausible(entries: Sequence[Entry], kind: Format) -> bool:
    """Whether all boxes could be of a format, as far as is known before images are read."""
    for entry in entries:
        for each in entry.objects:
            largest = entry.size or (1 << 20, 1 << 20)
            try:
                box = corners(each.numbers, kind, largest)
            except ValueError:
                return False
            if kind != "cxcywh" and box.max() <= 1:
                return False  # of shares, which are no pixels
    return True
