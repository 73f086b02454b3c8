"""The weights of the first layer as pictures: what each class, or neuron, looks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dlkit.classify.inputs import RowReader
from dlkit.data.forms import ImageForm
from dlkit.report.tiles import Tile, signed, tiles_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.classify.saved import Classifier
    from dlkit.report.canvas import Figure

MOST: Final = 64  # pictures


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
    return signed(weight.reshape(-1, *shape))


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
    tiles = [Tile(*each) for each in zip(found, ((name,) for name in names), strict=True)]
    told = "red speaks for the class, blue against it" if grey else "middle grey is 0"
    if len(found) > MOST:
        told += f"; the first {MOST} of {len(found):,}"
    return tiles_figure(tiles[:MOST], title=title, lines=[told])
