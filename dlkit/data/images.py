"""Many image files to one array: decoded by threads in bounded memory, mapped if it is large."""

from __future__ import annotations

import math
import os
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.data import pixels
from dlkit.data.arrays import new_array
from dlkit.data.forms import LARGEST_SIDE, ImageForm
from dlkit.data.pixels import BadImageError, Wanted
from dlkit.data.raw import open_file
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Pixels

Cell = tuple[str, bytes | Path | None]  # what a person calls it, and its content or file

_MOST_THREADS: Final = 16
_CHUNK: Final = 128  # images a thread takes at a time
_FIRST: Final = 8  # of them, as long as their size is not known
_BYTES: Final = 1 << 24  # of files, or of pixels, that a thread takes at a time
_NAMED: Final = 5  # bad images or sizes in a message
_LARGEST_FILE: Final = 1 << 28  # bytes of one image file


@dataclass
class _Chunk:
    """What a thread made of its images; shapes differ where images do."""

    images: list[Pixels] = field(default_factory=list)
    facts: list[tuple[int, str, tuple[int, int]]] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images: the array, the places of those that could be read, and their form."""

    pixels: Pixels  # (N, H, W, C)
    places: npt.NDArray[np.int64]
    form: ImageForm


def read_images(
    cells: Iterable[Cell],
    total: int,
    config: SampleConfig,
    *,
    form: ImageForm | None = None,
    exact: bool = False,
    what: str = "images",
) -> Generator[Record, None, Images]:
    """Decode images by threads and put them into one array.

    Args:
        cells: the images, in order.
        total: how many there are.
        config: size, fit, colour, and whether to leave out what cannot be read.
        form: what they must become; None: what config says, else what they all are.
        exact: an image of another size than the form's is an error, unless config asks for a size.
        what: the phase's name.

    Raises:
        DlkitError: an image cannot be read, unless ``config.skip_bad``; sizes differ and none is
            asked for; none is left.

    """
    pixels.prepare()
    wanted = wanted_of(config, form)
    canvas = _Canvas(total, wanted)
    if form is not None and exact and config.size is None:
        canvas.expect((form.height, form.width))
    tally: Counter[str] = Counter()
    bad: list[tuple[str, str]] = []
    workers = min(_MOST_THREADS, cores())
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        done = 0
        for chunk, taken in _in_order(pool, cells, wanted, canvas, ahead=2 * workers):
            done += taken
            bad += chunk.bad
            tally += chunk.done
            if bad and not config.skip_bad:
                raise _refusal(bad)
            canvas.add(chunk)
            rate = done / max(1e-6, time.monotonic() - started)
            yield Step(f"decoding {what}", done, total, "images", rate)
    found = canvas.finish()
    if found is None:
        raise DlkitError(f"no {what} left: {_bad(bad)}" if bad else f"there are no {what}")
    if bad:
        yield Warned(f"{what}: {_bad(bad)} left out")
    if canvas.grey:
        yield Noted(
            f"{what}: {canvas.grey:,} grey among {counted(len(found.places), 'image')}: all are RGB"
        )
    for how, count in sorted(tally.items()):
        yield Noted(f"{what}: {counted(count, 'image')} {how}")
    return found


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wanted_of(config: SampleConfig, form: ImageForm | None) -> Wanted:
    """What images are to become: an artifact's form, else what the settings ask for.

    Raises:
        DlkitError: (USAGE) too large a size.

    """
    if form is not None:
        return Wanted((form.height, form.width), form.channels, form.fit)
    size = config.height_and_width
    if size is not None and max(size) > LARGEST_SIDE:
        raise DlkitError(
            f"--size {config.size}: at most {LARGEST_SIDE:,} pixels a side", code=USAGE
        )
    channels = {"auto": None, "grey": 1, "rgb": 3}[config.colour]
    return Wanted(size, channels, config.fit)


def _in_order(
    pool: ThreadPoolExecutor,
    cells: Iterable[Cell],
    wanted: Wanted,
    canvas: _Canvas,
    *,
    ahead: int,
) -> Iterator[tuple[_Chunk, int]]:
    """The chunks in their order, never more than ``ahead`` of them under way."""
    rest = iter(enumerate(cells))
    running: deque[tuple[Future[_Chunk], int]] = deque()
    try:
        while True:
            while len(running) < ahead and (some := _some(rest, canvas.at_once())):
                running.append((pool.submit(_decode, some, wanted), len(some)))
            if not running:
                return
            future, size = running.popleft()
            yield future.result(), size
    finally:
        for future, _ in running:
            future.cancel()


def _some(cells: Iterator[tuple[int, Cell]], most: int) -> list[tuple[int, Cell]]:
    """The next images: ``most`` of them, or fewer where their files are large."""
    taken: list[tuple[int, Cell]] = []
    size = 0
    for place, cell in islice(cells, most):
        taken.append((place, cell))
        size += len(cell[1]) if isinstance(cell[1], bytes) else 0
        if size > _BYTES:
            break
    return taken


def _decode(cells: Sequence[tuple[int, Cell]], wanted: Wanted) -> _Chunk:
    """Decode some images; those that cannot be are named with the reason."""
    chunk = _Chunk()
    for place, (name, content) in cells:
        try:
            image = pixels.decode(_content(content), wanted)
        except BadImageError as error:
            chunk.bad.append((name, str(error)))
            continue
        chunk.images.append(image.pixels)
        chunk.facts.append((place, name, image.size))
        chunk.done.update(image.done)
    return chunk


def _content(content: bytes | Path | None) -> bytes:
    if content is None:
        raise BadImageError("no image")
    if isinstance(content, bytes):
        return content
    try:
        with open_file(content, shown(content)) as (descriptor, status):
            if status.st_size > _LARGEST_FILE:
                raise BadImageError(f"a file of {status.st_size:,} bytes is too large")
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return file.read(_LARGEST_FILE)
    except DlkitError as error:
        raise BadImageError(error.message) from error
    except OSError as error:
        raise BadImageError(f"cannot be read: {error.strerror}") from error


def _refusal(bad: Sequence[tuple[str, str]]) -> DlkitError:
    name, why = bad[0]
    more = f" (and {counted(len(bad) - 1, 'more', 'more')} so far)" if len(bad) > 1 else ""
    return DlkitError(
        f"{shown(name)}: {why}{more}", hint="--skip-bad leaves out, and counts, what cannot be read"
    )


def _bad(bad: Sequence[tuple[str, str]]) -> str:
    listed = "; ".join(f"{shown(name)}: {why}" for name, why in bad[:_NAMED])
    rest = "; …" if len(bad) > _NAMED else ""
    return f"{counted(len(bad), 'bad image')} ({listed}{rest})"


class _Canvas:
    """The array that images are put into, made when the first of them tells its shape."""

    def __init__(self, total: int, wanted: Wanted) -> None:
        self._total = total
        self._wanted = wanted
        self._array: Pixels | None = None
        self._places: list[int] = []
        self._first: tuple[str, tuple[int, int]] | None = None
        self._exact = False
        self.grey = 0  # images among those of colour

    def at_once(self) -> int:
        """How many images a thread may decode before they are put here."""
        if self._array is None:
            return _FIRST
        return max(1, min(_CHUNK, _BYTES // max(1, math.prod(self._array.shape[1:]))))

    def expect(self, size: tuple[int, int]) -> None:
        """Ask for images of the size that the training images have."""
        self._first, self._exact = ("the first training image", size), True

    def add(self, chunk: _Chunk) -> None:
        """Put a chunk's images behind those that are there.

        Raises:
            DlkitError: sizes differ and none is asked for.

        """
        for image, (place, name, size) in zip(chunk.images, chunk.facts, strict=True):
            if self._first is None:
                self._first = (name, size)
            if (self._wanted.size is None or self._exact) and size != self._first[1]:
                raise self._differ(name, size)
            channels = image.shape[2]
            if self._array is None:
                self._array = new_array((self._total, *image.shape))
            elif channels > self._array.shape[3]:
                self._array = self._coloured(self._array)
            self.grey += channels < self._array.shape[3]
            self._array[len(self._places)] = image  # grey is spread over the channels
            self._places.append(place)

    def _coloured(self, grey: Pixels) -> Pixels:
        """The array with three channels: an image of colour came after grey ones."""
        count = self.grey = len(self._places)
        array = new_array((self._total, *grey.shape[1:3], 3))
        for start in range(0, count, _CHUNK):
            some = slice(start, min(start + _CHUNK, count))
            array[some] = grey[some]
        return array

    def _differ(self, name: str, size: tuple[int, int]) -> DlkitError:
        assert self._first is not None
        other, first = self._first
        return DlkitError(
            f"the images differ in size: {shown(other)} is {_wide(first)}, "
            f"{shown(name)} is {_wide(size)}",
            hint=f"--size {_wide(first)} makes all that size (--fit says how)",
        )

    def finish(self) -> Images | None:
        """The array as far as it is filled, read-only; None if there was no image."""
        if self._array is None:
            return None
        array = self._array[: len(self._places)]
        array.flags.writeable = False
        _, height, width, channels = array.shape
        form = ImageForm(height, width, channels, self._wanted.fit)
        return Images(array, np.array(self._places, np.int64), form)


def _wide(size: tuple[int, int]) -> str:
    """A size (height, width) as people write it: WIDTHxHEIGHT."""
    return f"{size[1]}x{size[0]}"
