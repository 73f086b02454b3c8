"""Many image files to one array: decoded by threads in bounded memory, mapped if it is large."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dlkit.data import pixels
from dlkit.data.canvas import Canvas, Chunk, Images
from dlkit.data.forms import LARGEST_SIDE, ImageForm
from dlkit.data.pixels import BadImageError
from dlkit.data.raw import open_file
from dlkit.data.resizing import Wanted
from dlkit.data.sources import STANDARD_INPUT
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.machine import cores
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig

# What a person calls it, and its content, its file, or in words why it has none.
Cell = tuple[str, bytes | Path | str | None]

_MOST_THREADS: Final = 16
_BYTES: Final = 1 << 24  # of files, or of pixels, that a thread takes at a time
_NAMED: Final = 5  # bad images or sizes in a message
_LARGEST_FILE: Final = 1 << 28  # bytes of one image file


def read_images(
    cells: Iterable[Cell],
    total: int,
    config: SampleConfig,
    *,
    form: ImageForm | None = None,
    exact: bool = False,
    what: str = "images",
    tally: Counter[str] | None = None,
) -> Generator[Record, None, Images]:
    """Decode images by threads and put them into one array.

    Args:
        cells: the images, in order.
        total: how many there are.
        config: size, fit, colour, and whether to leave out what cannot be read.
        form: what they must become; None: what config says, else what they all are.
        exact: an image of another size than the form's is an error, unless config asks for a size.
        what: the phase's name.
        tally: counts what was done to images, which is then for the caller to tell (``told``).

    Raises:
        DlkitError: an image cannot be read, unless ``config.skip_bad``; sizes differ and none is
            asked for; none is left.

    """
    wanted = wanted_of(config, form)
    canvas = Canvas(total, wanted, form, at_once=_BYTES)
    if form is not None and exact and config.size is None:
        canvas.expect((form.height, form.width))
    done_to: Counter[str] = Counter() if tally is None else tally
    bad: list[tuple[str, str]] = []
    workers = min(_MOST_THREADS, cores())
    started = time.monotonic()
    with pixels.limits(), ThreadPoolExecutor(max_workers=workers) as pool:
        done = 0
        for chunk, taken in _in_order(pool, cells, wanted, canvas, ahead=2 * workers):
            done += taken
            bad += chunk.bad
            done_to.update(chunk.done)
            if bad and not config.skip_bad:
                raise _refusal(bad)
            canvas.add(chunk)
            rate = done / max(1e-6, time.monotonic() - started)
            yield Step(f"decoding {what}", done, total, "images", rate)
    found = canvas.finish()
    if found is None:
        # Of several calls another one may have some that are left.
        none = "" if tally is not None else f"no {what} left: "
        raise DlkitError(f"{none}{_bad(bad)}" if bad else f"there are no {what}")
    if bad:
        yield Warned(f"{what}: {_bad(bad)} left out")
    done_to.update(canvas.done())
    yield from canvas.told(what)
    if tally is None:
        yield from told(done_to, what)
    return found


def told(tally: Counter[str], what: str) -> Iterator[Noted]:
    """What was done to images, a note for each kind."""
    for how, count in sorted(tally.items()):
        yield Noted(f"{what}: {counted(count, 'image')} {how}")


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
    canvas: Canvas,
    *,
    ahead: int,
) -> Iterator[tuple[Chunk, int]]:
    """The chunks in their order, never more than ``ahead`` of them under way."""
    rest = iter(enumerate(cells))
    running: deque[tuple[Future[Chunk], int]] = deque()
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


def _decode(cells: Sequence[tuple[int, Cell]], wanted: Wanted) -> Chunk:
    """Decode some images; those that cannot be are named with the reason."""
    chunk = Chunk()
    for place, (name, content) in cells:
        try:
            image = pixels.decode(content_of(content), wanted)
        except BadImageError as error:
            chunk.bad.append((name, str(error)))
            continue
        chunk.images.append(image.pixels)
        chunk.facts.append((place, name, image.size, image.bits))
        chunk.digests.append(image.digest)
        chunk.done.update(image.done)
    return chunk


def content_of(content: bytes | Path | str | None) -> bytes:
    """The bytes of an image file.

    Raises:
        BadImageError: there are none, or too many.

    """
    if content is None or isinstance(content, str):
        raise BadImageError(content or "no image")
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
    hint = "--skip-bad leaves out, and counts, what cannot be read"
    if name == STANDARD_INPUT and not more:  # left out, nothing would stay
        hint = "give it the bytes of one image, as in - < FILE"
    return DlkitError(f"{shown(name)}: {why}{more}", hint=hint)


def _bad(bad: Sequence[tuple[str, str]]) -> str:
    listed = "; ".join(f"{shown(name)}: {why}" for name, why in bad[:_NAMED])
    rest = "; …" if len(bad) > _NAMED else ""
    return f"{counted(len(bad), 'bad image')} ({listed}{rest})"
