"""The weights of the first layer as pictures: what each class, or neuron, looks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.classify.inputs import RowReader
from dlkit.data.forms import ImageForm
from dlkit.report.canvas import Canvas, Figure
from dlkit.report.sheet import png_of
from dlkit.report.svg import shortened

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.classify.saved import Classifier

MOST: Final = 64  # pictures
_ACROSS: Final = 8
_SIDE: Final = 88.0  # px of a picture
_STEP: Final = (104.0, 116.0)  # px from one to the next, across and down
_LEFT, _TOP = 24.0, 74.0
_POSITIVE: Final = (178, 24, 43)  # red
_NEGATIVE: Final = (33, 102, 172)  # blue


def pictures(classifier: Classifier) -> npt.NDArray[np.uint8] | None:
    """The weights of the first layer as images (K, H, W, 3); None where inputs are no pixels.

    Of one channel a weight above 0 is red, one below 0 blue, 0 white. Of three channels each
    weight is the brightness of its colour, 0 the middle grey. Each picture has its own scale.
    """
    form, reader = classifier.form, classifier.reader
    if not isinstance(form, ImageForm) or not isinstance(reader, RowReader):
        return None
    if reader.encoder is not None:
        return None
    same = ("contrast", "scale", "centre", "standardise", "zca")
    if any(step.name not in same for step in reader.pipeline.steps):
        return None
    weight = next(classifier.model.parameters()).detach().cpu().numpy()
    shape = (form.height, form.width, form.channels)
    if weight.shape[1] != math.prod(shape):
        return None
    grids = weight.reshape(-1, *shape)
    most = np.abs(grids).max(axis=(1, 2, 3), keepdims=True)
    shares = grids / np.where(most > 0, most, 1)
    if form.channels == 3:
        return np.asarray(np.round(127.5 + 127.5 * shares), np.uint8)
    white = np.full(3, 255.0)
    ends = np.where(shares > 0, np.array(_POSITIVE, float), np.array(_NEGATIVE, float))
    return np.asarray(np.round(white + np.abs(shares) * (ends - white)), np.uint8)


def templates_figure(
    found: npt.NDArray[np.uint8], names: Sequence[str], *, title: str, grey: bool
) -> Figure:
    """Pictures with their names, at most MOST, eight in a row.

    Args:
        found: (K, H, W, 3).
        names: of the K classes or neurons.
        title: stands above.
        grey: whether red and blue stand for the sign.

    """
    shown = list(zip(found[:MOST], names[:MOST], strict=True))
    across = min(_ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    told = "red speaks for the class, blue against it" if grey else "middle grey is 0"
    if len(found) > MOST:
        told += f"; the first {MOST} of {len(found):,}"

    def draw(canvas: Canvas) -> None:
        canvas.text(_LEFT, 32, title, size=18, look="ink strong")
        canvas.text(_LEFT, 52, told, size=12.5, look="grey")
        for place, (picture, name) in enumerate(shown):
            row, column = divmod(place, across)
            x, y = _LEFT + column * _STEP[0], _TOP + row * _STEP[1]
            high, wide = picture.shape[:2]
            scale = _SIDE / max(high, wide)
            right, bottom = x + wide * scale, y + high * scale
            canvas.image(x, y, right - x, bottom - y, png_of(picture), name)
            frame = [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)]
            canvas.path(frame, look="faint")  # a template may be white at its sides
            text = shortened(name, 12, _SIDE)
            canvas.text(x, bottom + 15, text, size=12, look="ink")

    width = max(2 * _LEFT + across * _STEP[0], 520)
    return Figure(round(width), round(_TOP + down * _STEP[1] + 8), title, draw)
