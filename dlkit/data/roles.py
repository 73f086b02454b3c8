"""Which columns of a table are the inputs and which is the class: asked for, known, or guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from dlkit.data.cells import is_missing
from dlkit.data.columns import LABELS, TEXTS, looks_like_text
from dlkit.data.pixels import SUFFIXES
from dlkit.data.wording import listed, shown
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.frames import Frame
    from dlkit.data.samples import Kind

# In order of preference; compared without case.
_IMAGES: Final = (
    "image",
    "img",
    "picture",
    "photo",
    "file_name",
    "filename",
    "file",
    "path",
    "图片",
    "图像",
)
_NAMED: Final = 20  # columns in a message
_SHORT: Final = 5  # characters of a text, on average, at least
_FEW: Final = 100  # different values at most that a guessed label has in the sample


@dataclass(frozen=True)
class Roles:
    """What the columns are for, and what to tell about it.

    Attributes:
        kind: what the inputs are.
        label: the column of classes.
        inputs: the columns of inputs.
        notes: what was chosen on the user's behalf.
        numbered: classes are numbers, so that 1.0 is the class 1; the training split says it for
            all splits.
        group: the column of what belongs together, if there is one.

    """

    kind: Kind
    label: str
    inputs: tuple[str, ...]
    notes: tuple[str, ...]
    numbered: bool = False
    group: str | None = None


def choose_roles(frame: Frame, config: SampleConfig) -> Roles:
    """Find the label and the inputs among a table's columns.

    Raises:
        DlkitError: there is no such column, or no way to choose.

    """
    for option, wanted in (
        ("image", config.image_column),
        ("text", config.text_column),
        ("label", config.label_column),
        ("group", config.group_column),
    ):
        if wanted is not None and wanted not in frame.kinds:
            raise _no_column(frame, wanted, f"--{option}-column")
    _check_group(config)
    label, notes = _label(frame, config)
    group = config.group_column
    rest = [name for name in frame.kinds if name not in (label, group)]
    if config.columns:
        for name in config.columns:
            if name not in rest:
                raise _no_column(frame, name, "--columns")
        return Roles("table", label, tuple(config.columns), tuple(notes), group=group)
    image = config.image_column or _image(frame, rest)
    if image is not None and config.text_column is None:
        if config.image_column is None:
            notes.append(f"{frame.name}: the images are in the column {shown(image)}")
        return Roles("images", label, (image,), tuple(notes), group=group)
    text = config.text_column or _text(frame, rest)
    if text is not None:
        if config.text_column is None:
            notes.append(f"{frame.name}: the texts are in the column {shown(text)}")
        return Roles("texts", label, (text,), tuple(notes), group=group)
    if other := [name for name in rest if frame.kinds[name] == "other"]:
        notes.append(f"{frame.name}: no numbers or words, left out: {listed(other, _NAMED)}")
    inputs = tuple(name for name in rest if frame.kinds[name] != "other")
    if not inputs:
        groups = "" if group is None else f" and the groups {shown(group)}"
        raise DlkitError(f"{frame.name} has no columns but the label {shown(label)}{groups}")
    return Roles("table", label, inputs, tuple(notes), group=group)


def _check_group(config: SampleConfig) -> None:
    """Refuse a column of groups that is to be something else, too."""
    others = {
        "--label-column": (config.label_column,),
        "--image-column": (config.image_column,),
        "--text-column": (config.text_column,),
        "--columns": config.columns,
    }
    for option, names in others.items():
        if config.group_column is not None and config.group_column in names:
            raise DlkitError(
                f"--group-column {shown(config.group_column)} is a column of {option}, too: a "
                "group is neither an input nor a class",
                code=USAGE,
            )


def _label(frame: Frame, config: SampleConfig) -> tuple[str, list[str]]:
    if config.label_column is not None:
        return config.label_column, []
    taken = {config.image_column, config.text_column, config.group_column, *config.columns}
    free = [name for name in frame.kinds if name not in taken and frame.kinds[name] != "image"]
    told = [name for name in free if frame.kinds[name] == "classes"]
    by_name = [name for known in LABELS for name in free if name.strip().lower() == known]
    found = next((name for name in by_name if name in told), None)
    found = found or next(iter(told or by_name), None)
    if found is not None:
        return found, [f"{frame.name}: the classes are in the column {shown(found)}"]
    last = free[-1] if free else None
    if last is not None and len(frame.kinds) > 1 and _few_values(frame, last):
        return last, [
            f"{frame.name}: no column is called label or class; the last one, {shown(last)}, is "
            "taken for it (--label-column NAME)"
        ]
    raise DlkitError(
        f"{frame.name}: no column looks like the class: {listed(list(frame.kinds), _NAMED)}",
        hint="--label-column NAME",
    )


def _runs_on(values: Sequence[Any]) -> bool:
    """Whether words are more likely texts than categories: mostly different, and not short."""
    there = [str(value).strip() for value in values if not is_missing(value)]
    return 2 * len(set(there)) > len(there) and sum(map(len, there)) >= _SHORT * len(there)


def image_column(frame: Frame, config: SampleConfig) -> str:
    """The column of images in a table that is to be predicted.

    Raises:
        DlkitError: there is none.

    """
    found = config.image_column or _image(frame, list(frame.kinds))
    if found is None or found not in frame.kinds:
        raise _no_column(frame, found or "image", "--image-column")
    return found


def text_column(frame: Frame, config: SampleConfig) -> str:
    """The column of texts in a table that is to be predicted.

    Raises:
        DlkitError: there is none.

    """
    found = config.text_column or _text(frame, list(frame.kinds))
    if found is None or found not in frame.kinds:
        raise _no_column(frame, found or "text", "--text-column")
    return found


def _few_values(frame: Frame, name: str) -> bool:
    """Whether a column's values are words or whole numbers, and few enough for classes."""
    values = [value for value in frame.sample.get(name, ()) if not is_missing(value)]
    different = set(map(str, values))
    if not 1 < len(different) <= min(_FEW, max(2, len(values) // 2)):
        return False
    return frame.kinds[name] != "number" or all(_whole(value) for value in different)


def _whole(value: str) -> bool:
    try:
        return float(value).is_integer()
    except ValueError:
        return False


def _image(frame: Frame, names: Sequence[str]) -> str | None:
    typed = [name for name in names if frame.kinds[name] == "image"]
    paths = [
        name for name in names if frame.kinds[name] == "text" and _are_files(frame.sample[name])
    ]
    for known in _IMAGES:
        for name in (*typed, *paths):
            if name.strip().lower() == known:
                return name
    return next(iter([*typed, *paths]), None)


def _are_files(values: Sequence[Any]) -> bool:
    """Whether values are the names of image files."""
    there = [value for value in values if not is_missing(value)]
    return bool(there) and all(
        isinstance(value, str) and PurePath(value).suffix.lower() in SUFFIXES for value in there
    )


def _text(frame: Frame, names: Sequence[str]) -> str | None:
    """A column of running text: by its name, or the only input there is."""
    texts = [
        name
        for name in names
        if frame.kinds[name] == "text" and looks_like_text(frame.sample[name])
    ]
    for known in TEXTS:
        for name in texts:
            if name.strip().lower() == known:
                return name
    return texts[0] if len(names) == 1 and texts and _runs_on(frame.sample[texts[0]]) else None


def _no_column(frame: Frame, wanted: str, option: str) -> DlkitError:
    return DlkitError(
        f"{option} {shown(wanted)}: {frame.name} has no such column",
        hint=f"it has {listed(list(frame.kinds), _NAMED)}",
    )
