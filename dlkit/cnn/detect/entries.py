"""What data say of an image before it is read: where it is and which boxes it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlkit.cnn.detect.boxes import Format


class Raw(NamedTuple):
    """An object as the data have it.

    Attributes:
        numbers: its box.
        label: name of its class.
        where: what a person calls it: FILE:ROW, or an annotation's id.
        crowd: whether it is many objects in one box, as COCO's ``iscrowd`` says.
        area: square pixels of its outline, where the data say so; else its box's.
        wrong: why it is no object of a class; "": it is one.

    """

    numbers: Sequence[object]
    label: str
    where: str
    crowd: bool = False
    area: float | None = None
    wrong: str = ""


class Entry(NamedTuple):
    """An image and its objects.

    Attributes:
        name: what a person calls it.
        content: its bytes, its file, or in words why it has none.
        objects: in their order; none: there is nothing in it that is looked for.
        size: (height, width) that the data say it has; None: they do not.

    """

    name: str
    content: bytes | Path | str | None
    objects: list[Raw]
    size: tuple[int, int] | None = None


@dataclass
class Entries:
    """A data set of boxes before its images are read.

    Attributes:
        name: what a person calls it.
        origin: what to type to get it again from any folder.
        splits: by the data's own names.
        classes: names, in order, where the data declare them; None: those that objects have.
        kind: what the four numbers of a box are.
        notes: what was chosen on the user's behalf.

    """

    name: str
    origin: tuple[str, ...]
    splits: dict[str, list[Entry]]
    classes: tuple[str, ...] | None
    kind: Format
    notes: list[str] = field(default_factory=list)
