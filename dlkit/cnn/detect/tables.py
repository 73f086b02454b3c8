"""Tables of boxes: a row for each image with a column of objects, or a row for each box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dlkit.cnn.detect.boxes import Format, inferred
from dlkit.cnn.detect.entries import Entry, Raw
from dlkit.data.cells import is_missing
from dlkit.data.columns import LABELS
from dlkit.data.image_parts import image_content
from dlkit.data.roles import image_column
from dlkit.data.wording import listed, shown
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig
    from dlkit.data.frames import Frame

_BOXES: Final = ("bbox", "bboxes", "box", "boxes")
_CLASSES: Final = (
    "category", "categories", "category_id", "label", "labels", "class", "classes", "class_id",
    "name", "类别", "标签",
)  # fmt: skip
_CROWDS: Final = ("iscrowd", "is_crowd", "crowd")
OBJECTS: Final = ("objects", "annotations", "boxes", "labels")
_EXAMPLE: Final = "--columns image,x1,y1,x2,y2,label --boxes xyxy"


class Read(NamedTuple):
    """What a table holds.

    Attributes:
        entries: its images.
        kind: what the numbers of a box are.
        notes: what was chosen.

    """

    entries: list[Entry]
    kind: Format
    notes: list[str]


def read_frame(frame: Frame, config: BoxesConfig, names: Sequence[str] | None) -> Read:
    """The images and boxes of one split of a table.

    Args:
        frame: the table.
        config: columns and the format of boxes.
        names: of classes, where the data declare them: numbers are places among them.

    Raises:
        DlkitError: there are no boxes in it, or no way to tell which columns they are.

    """
    column = config.objects_column
    if column is not None and column not in frame.kinds:
        told = listed(list(frame.kinds), 20)
        raise DlkitError(
            f"{frame.name} has no column {shown(column)}", hint=f"it has {told}", code=USAGE
        )
    if column is None and not config.columns:
        column = next((n for n in frame.kinds if n.lower() in OBJECTS
                       and frame.kinds[n] in ("other", "list")), None)  # fmt: skip
    if column is not None:
        return _by_image(frame, config, column, names)
    return _by_box(frame, config)


def _by_image(frame: Frame, config: BoxesConfig, column: str, names: Sequence[str] | None) -> Read:
    image = image_column(frame, config.samples)
    notes = [f"{frame.name}: the objects are in the column {column}"]
    kind: Format = "xywh" if config.boxes == "auto" else config.boxes
    if config.boxes == "auto":
        notes.append(
            f"{frame.name}: boxes are taken as left, top, width, height, as COCO has them "
            "(--boxes xyxy or cxcywh: otherwise)"
        )
    folder = frame.folder if config.images is None else Path(config.images).expanduser()
    entries = []
    for place, (content, cell) in frame.rows([image, column]):
        objects = list(_objects(cell, place, names))
        entries.append(Entry(_name(content, place), image_content(content, folder), objects))
    return Read(entries, kind, notes)


def _name(content: Any, place: str) -> str:
    """What a person calls an image: the file that a cell names, else the row."""
    path = content.get("path") if isinstance(content, dict) else content
    has_bytes = isinstance(content, dict) and content.get("bytes")
    return place if has_bytes or not isinstance(path, str) else f"{place} ({path})"


def _objects(cell: Any, place: str, names: Sequence[str] | None) -> Iterator[Raw]:
    """The objects of a cell: a list of mappings, or a mapping of lists.

    Raises:
        DlkitError: it is neither, or lacks boxes or classes.

    """
    if cell is None:
        return
    if isinstance(cell, Mapping):
        keys = list(cell)
        lengths = {key: len(cell[key]) for key in keys if isinstance(cell[key], list)}
        box, label = _key(keys, _BOXES, place), _key(keys, _CLASSES, place)
        if lengths.get(box) != lengths.get(label) or box not in lengths:
            raise DlkitError(
                f"{place}: {lengths.get(box, 'no list of')} boxes and "
                f"{lengths.get(label, 'no list of')} classes"
            )
        crowd = next((key for key in keys if key.lower() in _CROWDS), None)
        area = "area" if lengths.get("area") == lengths[box] else None
        rows: list[Any] = [
            {"bbox": b, "category": c, "iscrowd": cell[crowd][n] if crowd else 0,
             "area": cell[area][n] if area else None}
            for n, (b, c) in enumerate(zip(cell[box], cell[label], strict=True))
        ]  # fmt: skip
    elif isinstance(cell, list):
        rows = cell
    else:
        raise DlkitError(
            f"{place}: {shown(repr(cell))[:80]} are no objects",
            hint='{"bbox": [[x, y, width, height]], "category": ["cat"]}',
        )
    for number, each in enumerate(rows, 1):
        where = f"{place}, object {number}"
        if not isinstance(each, Mapping):
            raise DlkitError(f"{where}: {shown(repr(each))[:80]} is no object")
        box, label = _key(list(each), _BOXES, where), _key(list(each), _CLASSES, where)
        crowd = next((key for key in each if key.lower() in _CROWDS), None)
        name, wrong = _class(each[label], names)
        numbers = each[box] if isinstance(each[box], (list, tuple)) else ()
        area = each.get("area")
        told = float(area) if isinstance(area, (int, float)) and 0 <= area < 1e12 else None
        yield Raw(numbers, name, where, bool(each[crowd]) if crowd else False, told, wrong)


def _key(keys: Sequence[str], known: Sequence[str], where: str) -> str:
    found = next((key for name in known for key in keys if key.lower() == name), None)
    if found is None:
        raise DlkitError(
            f"{where}: objects have {listed(list(keys), 10)}, none of {listed(list(known), 4)}"
        )
    return found


def _class(value: Any, names: Sequence[str] | None) -> tuple[str, str]:
    """The name of a class, and what is wrong with it."""
    if is_missing(value):
        return "", "no class"
    if names is not None and isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value < len(names):
            return names[value], ""
        return "", f"the class {value} is none of the {len(names):,} that the data declare"
    return str(value).strip(), ""


def _by_box(frame: Frame, config: BoxesConfig) -> Read:
    columns, kind, notes = _columns(frame, config)
    folder = frame.folder if config.images is None else Path(config.images).expanduser()
    found: dict[str, Entry] = {}
    for place, cells in frame.rows(columns):
        image, *numbers, label = cells
        if is_missing(image):
            raise DlkitError(f"{place}: no image", hint="an image in every row")
        name = str(PurePosixPath(str(image).strip()))
        entry = found.get(name)
        if entry is None:
            content = image_content(image, folder)
            called = str(content) if isinstance(content, Path) else f"{place} ({name})"
            entry = found[name] = Entry(called, content, [])
        if all(map(is_missing, numbers)) and is_missing(label):
            continue  # a row of an image with nothing in it
        text, wrong = _class(label, None)
        entry.objects.append(Raw(numbers, text, place, wrong=wrong))
    return Read(list(found.values()), kind, notes)


def _columns(frame: Frame, config: BoxesConfig) -> tuple[list[str], Format, list[str]]:
    """Image, four numbers and label of a table with a row for each box."""
    names = list(frame.kinds)
    if config.columns:
        if missing := [name for name in config.columns if name not in frame.kinds]:
            raise DlkitError(
                f"{frame.name} has no column {shown(missing[0])}",
                hint=f"it has {listed(names, 20)}",
                code=USAGE,
            )
        chosen = list(config.columns)
        kind = inferred(chosen[1:5]) if config.boxes == "auto" else config.boxes
        if kind is None:
            raise _unsaid(frame, chosen)
        return chosen, kind, []
    for start in range(len(names) - 3):
        kind = inferred(names[start : start + 4])
        if kind is not None:
            four = names[start : start + 4]
            rest = [name for name in names if name not in four]
            label = next((n for k in LABELS for n in rest if n.lower() == k), None)
            others = [name for name in rest if name != label]
            label = label or (others[-1] if len(others) == 2 else None)
            image = config.image_column or next(
                (n for k in _IMAGES for n in others if n.lower() == k),
                others[0] if len(others) == 1 or len(rest) == 2 else None,
            )
            if label is not None and image is not None:
                said = kind if config.boxes == "auto" else config.boxes
                told = f"image {image}, box {', '.join(four)} ({said}), class {label}"
                return [image, *four, label], said, [f"{frame.name}: {told}"]
    if len(names) == 6:
        if config.boxes == "auto":
            raise _unsaid(frame, names)
        told = f"image {names[0]}, box {', '.join(names[1:5])} ({config.boxes}), class {names[5]}"
        return names, config.boxes, [f"{frame.name}: {told}"]
    raise DlkitError(
        f"{frame.name}: no boxes found in the columns {listed(names, 20)}",
        hint=f"{_EXAMPLE}, or --objects-column NAME",
        code=USAGE,
    )


_IMAGES: Final = (
    "image", "img", "filename", "file_name", "file", "path", "image_path", "image_id", "图片",
)  # fmt: skip


def _unsaid(frame: Frame, names: Sequence[str]) -> DlkitError:
    return DlkitError(
        f"{frame.name}: the names {', '.join(names[1:5])} do not say what the four numbers of a "
        "box are",
        hint="--boxes xyxy (left, top, right, bottom), xywh (left, top, width, height) or cxcywh "
        "(the middle, width, height, as shares)",
        code=USAGE,
    )
