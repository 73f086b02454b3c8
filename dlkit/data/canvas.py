"""The array that decoded images are put into: of the shape, channels and depth of them all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data.arrays import new_array
from dlkit.data.forms import DEPTHS, LARGEST_SIDE, ImageForm
from dlkit.data.samples import DIGEST_BYTES
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.resizing import Wanted
    from dlkit.data.samples import Digests, Pixels

CHUNK: Final = 128  # images a thread takes at a time
FIRST: Final = 8  # of them, as long as their size is not known


@dataclass
class Chunk:
    """What a thread made of its images; shapes differ where images do."""

    images: list[npt.NDArray[Any]] = field(default_factory=list)
    facts: list[tuple[int, str, tuple[int, int], int]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images: the array, the places of those that could be read, form and digests."""

    pixels: Pixels  # (N, H, W, C)
    places: npt.NDArray[np.int64]
    form: ImageForm
    digests: Digests  # of the content that the files have


class Canvas:
    """The array that images are put into, made when the first of them tells its shape.

    Args:
        total: how many images there are.
        wanted: what they have been made.
        form: what training images have told; None: these are the training images.
        at_once: bytes of images that a thread may hold.

    """

    def __init__(self, total: int, wanted: Wanted, form: ImageForm | None, *, at_once: int) -> None:
        self._total = total
        self._wanted = wanted
        self._depth = None if form is None else form.depth
        # Where no training image was deep, others are bytes or use their 16 bits.
        self._depths = DEPTHS if form is None else (DEPTHS[0], DEPTHS[-1])
        self._bytes = at_once
        self._array: npt.NDArray[Any] | None = None
        self._places: list[int] = []
        self._digests: list[bytes] = []
        self._first: tuple[str, tuple[int, int]] | None = None
        self._exact = False
        self._bits: dict[int, int] = {}  # that deep images need, by row
        self._grey = 0  # images among those of colour

    def at_once(self) -> int:
        """How many images a thread may decode before they are put here."""
        if self._array is None:
            return FIRST
        size = math.prod(self._array.shape[1:]) * self._array.itemsize
        return max(1, min(CHUNK, self._bytes // max(1, size)))

    def expect(self, size: tuple[int, int]) -> None:
        """Ask for images of the size that the training images have."""
        self._first, self._exact = ("the first training image", size), True

    def add(self, chunk: Chunk) -> None:
        """Put a chunk's images behind those that are there.

        Raises:
            DlkitError: sizes differ and none is asked for, or a side is too long for an input.

        """
        self._digests += chunk.digests
        for image, (place, name, size, bits) in zip(chunk.images, chunk.facts, strict=True):
            if self._first is None:
                self._first = (name, size)
            if (self._wanted.size is None or self._exact) and size != self._first[1]:
                raise self._differ(name, size)
            if self._array is None:
                if max(image.shape[:2]) > LARGEST_SIDE:
                    raise DlkitError(
                        f"{shown(name)} is {_wide(size)}; inputs have at most {LARGEST_SIDE:,} "
                        "pixels a side",
                        hint="--size SIDE or --size WIDTHxHEIGHT makes all smaller",
                    )
                self._array = new_array((self._total, *image.shape), image.dtype)
            channels = image.shape[2]
            if channels > self._array.shape[3] or image.itemsize > self._array.itemsize:
                self._array = self._widened(self._array, channels, image.dtype)
            row = len(self._places)
            self._grey += channels < self._array.shape[3]
            self._array[row] = image  # grey is spread over the channels
            if image.itemsize > 1:
                self._bits[row] = bits
            self._places.append(place)

    def _widened(
        self, array: npt.NDArray[Any], channels: int, dtype: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        """The array for an image of colour after grey ones, or a deep one after others."""
        count = len(self._places)
        if channels > array.shape[3]:
            self._grey = count
        channels = max(channels, array.shape[3])
        wide = np.promote_types(array.dtype, dtype)
        made = new_array((self._total, *array.shape[1:3], channels), wide)
        for start in range(0, count, CHUNK):
            some = slice(start, min(start + CHUNK, count))
            made[some] = array[some]
        return made

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
        _, height, width, channels = array.shape
        if self._bits and self._depth is None:
            self._depth = next(d for d in self._depths if max(self._bits.values()) <= d)
        form = ImageForm(height, width, channels, self._wanted.fit, self._depth)
        if self._bits:
            array = self._cut(array, form)
        array.flags.writeable = False
        digests = np.array(self._digests, f"S{DIGEST_BYTES}")
        return Images(array, np.array(self._places, np.int64), form, digests)

    def _cut(self, deep: npt.NDArray[Any], form: ImageForm) -> Pixels:
        """Bytes: the highest of the values of deep images, and of others as they are."""
        made: Pixels = new_array(deep.shape)
        for row, image in enumerate(deep):
            made[row] = form.cut(image) if row in self._bits else image
        return made

    def done(self) -> dict[str, int]:
        """What was done to deep images, and to how many, once they are finished."""
        if not self._bits or self._depth is None:
            return {}
        most = (1 << self._depth) - 1
        if self._depth == DEPTHS[-1]:
            how = "of 16 bits a channel cut to 8"
        elif self._depth == DEPTHS[0]:
            how = f"of more than 8 bits a channel taken for 8 bits: no value above {most}"
        else:
            how = (
                f"of up to 16 bits a channel taken for {self._depth} bits and cut to 8: no value "
                f"above {most:,} in training"
            )
        return {how: len(self._bits)}

    def told(self, what: str) -> Iterator[Record]:
        """What to tell of the images together, once they are finished."""
        if self._grey:
            number = counted(len(self._places), "image")
            yield Noted(f"{what}: {self._grey:,} grey among {number}: all are RGB")
        most = (1 << (self._depth or DEPTHS[-1])) - 1
        if beyond := sum(1 << bits > most + 1 for bits in self._bits.values()):
            yield Warned(
                f"{what}: {counted(beyond, 'image')} with values above {most:,}, the most that "
                "training images have: those are white"
            )


def _wide(size: tuple[int, int]) -> str:
    """A size (height, width) as people write it: WIDTHxHEIGHT."""
    return f"{size[1]}x{size[0]}"
