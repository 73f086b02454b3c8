"""What a network still knows when part of the image is hidden."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit.cnn.looking import probabilities
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Record, Step
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.training.confusion import interval

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn

    from dlkit.data.samples import Pixels, Split
    from dlkit.report.canvas import Figure

    Ask = Callable[[Pixels], Generator[Record, None, npt.NDArray[np.float64]]]

COLUMNS: Final = ("hidden", "accuracy", "low", "high", "samples")
_AT_ONCE: Final = 64  # images with a patch
_PLACES: Final = 16  # of the patch, down and across, if nothing else is asked for
_SAMPLES: Final = 4096  # hidden and asked in one go


class Hidden(NamedTuple):
    """How often a network is right with part of every image hidden.

    Attributes:
        asked: the share of the area that was asked for.
        share: of whole pixels, the nearest.
        correct: samples whose class it finds.
        samples: all of them.

    """

    asked: float
    share: float
    correct: int
    samples: int

    @property
    def accuracy(self) -> float:
        """The share of samples whose class it finds."""
        return self.correct / self.samples

    def row(self) -> list[object]:
        """Values of ``COLUMNS``, the interval of 95 % Wilson's."""
        return [self.share, self.accuracy, *interval(self.correct, self.samples), self.samples]

    def document(self) -> dict[str, object]:
        """The same by name, in JSON's types."""
        return {"asked": self.asked, **dict(zip(COLUMNS, self.row(), strict=True))}


def occlusion_map(
    model: nn.Module,
    image: Tensor,
    label: int,
    *,
    colour: Sequence[float],
    patch: int | None = None,
    step: int | None = None,
) -> Generator[Record, None, npt.NDArray[np.float64]]:
    """The probability of a class with a grey patch at every place, (rows, columns).

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014, section
    4.2), https://arxiv.org/abs/1311.2901. Entry (i, j) is that of the patch whose middle is the
    middle of cell (i, j) of ``step`` x ``step`` pixels; at the border the patch is cut off.

    Args:
        model: a network.
        image: (C, H, W) from 0 to 1.
        label: the class.
        colour: of the patch, C values from 0 to 1.
        patch: its side in pixels; None: a quarter of the shorter side.
        step: pixels from one place to the next; None: about 16 places down and across.

    """
    import torch

    height, width = image.shape[1:]
    patch = patch or max(1, round(min(height, width) / 4))
    step = step or math.ceil(min(height, width) / _PLACES)
    rows, columns = math.ceil(height / step), math.ceil(width / step)
    grey = torch.tensor(colour, dtype=image.dtype, device=image.device)[:, None, None]
    found = np.empty(rows * columns)
    for start in range(0, rows * columns, _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, rows * columns))
        images = image.repeat(len(places), 1, 1, 1)
        for number, place in enumerate(places):
            row, column = divmod(place, columns)
            top = row * step + (step - patch) // 2
            left = column * step + (step - patch) // 2
            images[number, :, max(0, top) : top + patch, max(0, left) : left + patch] = grey
        found[places.start : places.stop] = probabilities(model, images)[:, label]
        yield Step("hiding places of the image", places.stop, rows * columns, "places", 0)
    return found.reshape(rows, columns)


def shares_of(text: str) -> tuple[float, ...]:
    """Shares from 0 to 1 of per cents such as ``0,10,20``.

    Raises:
        DlkitError: (USAGE) one is no number from 0 to 100.

    """
    try:
        found = tuple(float(part) / 100 for part in text.split(",") if part.strip())
    except ValueError:
        found = ()
    if not found or not all(0 <= share <= 1 for share in found):
        raise DlkitError(
            f"--occlude {text}: must be per cents of the image's area, from 0 to 100",
            hint="--occlude 0,10,20,40",
            code=USAGE,
        )
    return found


def hide(
    images: Pixels, share: float, *, colour: Sequence[int], places: npt.NDArray[np.float64]
) -> tuple[Pixels, float]:
    """Images with a rectangle of one colour over ``share`` of each, and the share of whole pixels.

    The rectangle has the sides of the image in proportion: of a square image it is a square.

    Args:
        images: (N, H, W, C) uint8.
        share: of the area, from 0 to 1.
        colour: C values from 0 to 255.
        places: (N, 2) from 0 to 1: where it lies between the top and the bottom, the left and the
            right side.

    """
    height, width = images.shape[1:3]
    sides = round(height * math.sqrt(share)), round(width * math.sqrt(share))
    hidden = images.copy()
    corners = np.floor(places * (height - sides[0] + 1, width - sides[1] + 1)).astype(np.int64)
    limits = np.array([height - sides[0], width - sides[1]])
    for image, (top, left) in zip(hidden, np.minimum(corners, limits).tolist(), strict=True):
        image[top : top + sides[0], left : left + sides[1]] = colour
    return hidden, sides[0] * sides[1] / (height * width)


def accuracy_by_share(
    ask: Ask, samples: Split, shares: Sequence[float], *, colour: Sequence[int], seed: int
) -> Generator[Record, None, list[Hidden]]:
    """How often a network is right with each of ``shares`` of every image hidden.

    Each sample's hidden place is drawn once, so that a larger share hides it around the same place.

    Args:
        ask: (N, classes) probabilities of images (N, H, W, C) uint8.
        samples: images with labels; those without are left out.
        shares: from 0 to 1.
        colour: of what hides, C values from 0 to 255.
        seed: of the places.

    """
    places = np.random.default_rng(seed).random((len(samples), 2))
    labelled = np.flatnonzero(samples.labels >= 0)
    found = []
    for number, asked in enumerate(shares):
        correct, share = 0, asked
        for start in range(0, len(labelled), _SAMPLES):
            some = labelled[start : start + _SAMPLES]
            images, share = hide(samples.images[some], asked, colour=colour, places=places[some])
            values = yield from ask(images)
            correct += int((values.argmax(axis=1) == samples.labels[some]).sum())
            done = number * len(labelled) + start + len(some)
            yield Step("hiding parts", done, len(shares) * len(labelled), "images", 0)
        found.append(Hidden(asked, share, correct, len(labelled)))
    return found


def shares_figure(found: Sequence[Hidden], *, name: str, classes: int) -> Figure:
    """Accuracy against the hidden share, with its interval of 95 %.

    Args:
        found: one or more.
        name: of the data.
        classes: how many there are, for what a guess would reach.

    """
    rows = sorted(found, key=lambda each: each.share)
    ends = [(each.share * 100, *interval(each.correct, each.samples)) for each in rows]
    lines = [
        Line("accuracy", [(each.share * 100, each.accuracy) for each in rows], dots=True),
        Line("95 % interval", [(x, low) for x, low, _ in ends], dashed=True),
        Line("(its upper end)", [(x, high) for x, _, high in ends], dashed=True),
        Line("a guess", [(each.share * 100, 1 / classes) for each in rows], dashed=True),
    ]
    return learning_figure(
        [Panel("accuracy", lines, percent=True)],
        title=f"{name}: what is still known when part is hidden",
        subtitle="a square of the mean colour at a random place of every image",
        x="hidden, % of the area",
    )
