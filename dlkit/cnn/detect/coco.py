"""COCO's json: images, annotations with boxes, categories.

https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from dlkit.cnn.detect.entries import Entry, Raw
from dlkit.data.wording import shown
from dlkit.errors import DlkitError

_LARGEST: Final = 1 << 31  # bytes
_HEAD: Final = 1 << 16
# A list of COCO's, and what its entries have: one of them stands near the beginning.
_SIGNS: Final = (
    (b"images", b"file_name"),
    (b"annotations", b"image_id"),
    (b"categories", b"supercategory"),
    (b"images", b"annotations"),
)


def read_json(path: Path) -> Any:
    """What a file holds.

    Raises:
        DlkitError: it is no JSON, or larger than 2 GiB.

    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DlkitError(f"{shown(path)} is larger than {_LARGEST:,} bytes")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DlkitError(f"cannot read {shown(path)}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DlkitError(f"{shown(path)} is no JSON: {error}") from error


def is_coco(path: Path) -> bool:
    """Whether a file is likely COCO's json: an object that soon names images or annotations."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    return any(b'"%b"' % key in head and b'"%b"' % inside in head for key, inside in _SIGNS)


def read_coco(path: Path, images: Path | None) -> tuple[list[Entry], tuple[str, ...]]:
    """The images of a file with their objects, and the names of the categories by rising id.

    Args:
        path: the file.
        images: the folder of the images; None: beside the file, or in a folder near it.

    Raises:
        DlkitError: it is not COCO's json; two images or categories have one id.

    """
    document, name = read_json(path), shown(path)
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        raise DlkitError(
            f"{name} is not COCO's json: it has no list of images",
            hint='{"images": […], "annotations": […], "categories": […]}',
        )
    for key in ("annotations", "categories"):
        if not isinstance(document.get(key), list):
            raise DlkitError(f"{name} is not COCO's json: it has no list of {key}")
    categories = _by_id(document["categories"], name, "categories")
    names = {number: str(each.get("name", number)) for number, each in categories.items()}
    if len(set(names.values())) < len(names):
        twice = next(each for each in names.values() if list(names.values()).count(each) > 1)
        raise DlkitError(f"{name}: two categories are called {shown(twice)}")
    found = _by_id(document["images"], name, "images")
    objects: dict[int, list[Raw]] = {number: [] for number in found}
    for place, each in enumerate(document["annotations"], 1):
        where = f"{name}: annotation {each.get('id', place) if isinstance(each, dict) else place}"
        if not isinstance(each, dict) or each.get("image_id") not in objects:
            image = each.get("image_id") if isinstance(each, dict) else None
            raise DlkitError(f"{where} is of the image {image!r}, which is not among the images")
        objects[each["image_id"]].append(_raw(each, where, names))
    folders = _folders(path, images)
    entries = [
        _entry(name, each, objects[number], folders, asked=images is not None)
        for number, each in found.items()
    ]
    return entries, tuple(names[number] for number in sorted(names))


def _by_id(rows: Sequence[Any], name: str, what: str) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for place, row in enumerate(rows, 1):
        number = row.get("id") if isinstance(row, dict) else None
        if not isinstance(number, int):
            raise DlkitError(f"{name}: entry {place:,} of {what} has no whole number as id")
        if number in found:
            raise DlkitError(f"{name}: two of the {what} have the id {number}")
        found[number] = row
    return found


def _raw(each: Mapping[str, Any], where: str, names: Mapping[int, str]) -> Raw:
    number, box, area = each.get("category_id"), each.get("bbox"), each.get("area")
    wrong = ""
    if number not in names:
        wrong = f"the category id {number!r} is not among the categories"
    elif not isinstance(box, list):
        wrong = "no bbox"
    fits = isinstance(area, (int, float)) and not isinstance(area, bool) and 0 <= area < 1e12
    return Raw(
        box if isinstance(box, list) else (),
        names.get(number, ""),  # type: ignore[arg-type]
        where,
        bool(each.get("iscrowd", 0)),
        float(area) if fits and area is not None else None,
        wrong,
    )


def _folders(path: Path, images: Path | None) -> list[Path]:
    """Where the images of a file may lie, the likeliest first."""
    if images is not None:
        return [images]
    here = path.parent
    words = path.stem.replace("instances_", "").replace("person_keypoints_", "")
    near = [here / "images", here / words, here.parent / words, here.parent / "images" / words,
            here.parent / "images"]  # fmt: skip
    return [here, *(each for each in near if each.is_dir())]


def _entry(
    name: str, each: Mapping[str, Any], objects: list[Raw], folders: list[Path], *, asked: bool
) -> Entry:
    file = each.get("file_name")
    if not isinstance(file, str) or not file:
        raise DlkitError(f"{name}: the image {each['id']} has no file_name")
    inside = PurePosixPath(file)
    if inside.is_absolute() or ".." in inside.parts:
        return Entry(file, f"{shown(file)} leads out of the folder of the images", objects)
    places = [folder / inside for folder in folders]
    path = next((place for place in places if place.is_file()), None)
    height, width = each.get("height"), each.get("width")
    told = isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0
    if path is None:
        hint = "" if asked else " (--images FOLDER says where)"
        why = f"there is no such file in {', '.join(map(str, folders))}{hint}"
        return Entry(file, why, objects)
    return Entry(str(path), path, objects, (height, width) if told else None)  # type: ignore[arg-type]
