"""How raw data become inputs of one shape: said in the artifact, applied again at prediction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dlkit.errors import DAMAGED, DlkitError

Fit = Literal["crop", "stretch", "pad"]

LARGEST_SIDE: Final = 16_384  # pixels
DEPTHS: Final = (8, 10, 12, 14, 16)  # bits of a value, as sensors have them
_MOST_LEVELS: Final = 1_000_000


@dataclass(frozen=True)
class ImageForm:
    """Images of one size.

    Attributes:
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        fit: how an image of another size is made to fit: crop (the shorter side is resized, the
            middle kept), stretch (both sides are), or pad (the longer side is, the rest is black).
        depth: the bits of a value that images of more than 8 bits have, of which the highest 8 are
            kept: one number for all of them; None where no training image was so deep.

    """

    height: int
    width: int
    channels: int
    fit: Fit = "crop"
    depth: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Pixels have no names."""
        return ()

    def document(self) -> dict[str, Any]:
        """The form in JSON's types."""
        return {"kind": "images", **asdict(self)}

    def cut(self, deep: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
        """Values of images of more than 8 bits as bytes; larger ones than ``depth`` has are 255."""
        depth = self.depth or DEPTHS[-1]
        return (np.minimum(deep, (1 << depth) - 1) >> (depth - 8)).astype(np.uint8)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: in the header.
        fill: what stands for a missing number: the training data's median.
        levels: the values of a column of words, each of which becomes a number that is 0 or 1;
            None for a column of numbers.

    """

    name: str
    fill: float = 0.0
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class TableForm:
    """Rows of numbers, made from columns of numbers and of words."""

    sources: tuple[Column, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the D numbers; ``name=level`` where a column is of words."""
        names: list[str] = []
        for column in self.sources:
            if column.levels is None:
                names.append(column.name)
            else:
                names += [f"{column.name}={level}" for level in column.levels]
        return tuple(names)

    def document(self) -> dict[str, Any]:
        """The form in JSON's types."""
        columns = [
            {
                "name": column.name,
                "fill": column.fill,
                "levels": None if column.levels is None else list(column.levels),
            }
            for column in self.sources
        ]
        return {"kind": "table", "columns": columns}


@dataclass(frozen=True)
class TextForm:
    """Texts, as they are."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Texts have none."""
        return ()

    def document(self) -> dict[str, Any]:
        """The form in JSON's types."""
        return {"kind": "texts"}


Form = ImageForm | TableForm | TextForm


def read_form(document: Any, *, where: str) -> Form:
    """The form that ``document`` describes.

    Args:
        document: from an artifact.
        where: the artifact's file, for messages.

    Raises:
        DlkitError: (DAMAGED) it describes none.

    """
    try:
        kind = document["kind"]
        if kind == "texts":
            return TextForm()
        if kind == "images":
            return _image_form(document)
        if kind == "table":
            return TableForm(tuple(_column(each) for each in document["columns"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DlkitError(f"{where}: the form of the data is damaged", code=DAMAGED) from error
    raise DlkitError(f"{where}: unknown kind of data {kind!r}", code=DAMAGED)


def _image_form(document: Any) -> ImageForm:
    height, width, channels = (document[key] for key in ("height", "width", "channels"))
    sides_fit = all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in (height, width))
    if not sides_fit or channels not in (1, 3) or document["fit"] not in ("crop", "stretch", "pad"):
        raise ValueError
    depth = document.get("depth")
    if depth is not None and (type(depth) is not int or depth not in DEPTHS):
        raise ValueError(depth)
    return ImageForm(height, width, channels, document["fit"], depth)


def _column(document: Any) -> Column:
    name, fill, levels = document["name"], float(document["fill"]), document["levels"]
    if not isinstance(name, str) or fill != fill or fill in (float("inf"), -float("inf")):
        raise ValueError
    if levels is not None and (
        not isinstance(levels, list)
        or len(levels) > _MOST_LEVELS
        or not all(isinstance(level, str) for level in levels)
    ):
        raise ValueError
    return Column(name, fill, None if levels is None else tuple(levels))
