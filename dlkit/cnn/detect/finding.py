"""What DATA names: COCO's json, tables, folders that hold them, a hub's data set, drawn scenes."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlkit.cnn.detect.coco import is_coco, read_coco
from dlkit.cnn.detect.entries import Entries, Entry
from dlkit.cnn.detect.tables import OBJECTS, read_frame
from dlkit.data import folders
from dlkit.data.layout import find_layout
from dlkit.data.sources import existing
from dlkit.data.split_parts import source_of
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig

SHAPES: Final = "shapes-detect"
_DEEP: Final = 3  # folders below DATA in which COCO's files are looked for


def find(data: Sequence[str], config: BoxesConfig) -> Generator[Record, None, Entries | None]:
    """The images and boxes that data name, not yet read; None: scenes that are drawn.

    Args:
        data: as the user typed them.
        config: columns, folders, the format of boxes.

    Raises:
        DlkitError: there is nothing of that name, or no boxes.

    """
    if not data:
        raise DlkitError("no data", hint=f"dlkit cnn detect train builtin:{SHAPES}", code=USAGE)
    if [text for text in data if text.startswith("builtin:") and existing(text) is None]:
        if list(data) != [f"builtin:{SHAPES}"]:
            raise DlkitError(f"{data[0]} has no boxes", hint=f"builtin:{SHAPES} has", code=USAGE)
        return None
    files = _coco_files(data)
    if files:
        return _coco(data, files, config)
    if config.images is not None and not Path(config.images).expanduser().is_dir():
        raise DlkitError(f"--images {shown(config.images)}: no such folder", code=USAGE)
    return (yield from _tables(data, config))


def _coco_files(data: Sequence[str]) -> list[Path]:
    """COCO's files among data, or below the one folder that data are; none: data are others."""
    paths = [existing(text) if text else None for text in data]
    if not all(path is not None for path in paths):
        return []
    if len(paths) == 1 and paths[0] is not None and paths[0].is_dir():
        found: list[Path] = []
        for depth in range(_DEEP):
            found += sorted(paths[0].glob("*/" * depth + "*.json"))
        return [path for path in found if path.is_file() and is_coco(path)]
    files = [path for path in paths if path is not None and path.is_file() and is_coco(path)]
    if files and len(files) < len(paths):
        other = next(path for path in paths if path not in files)
        raise DlkitError(f"{shown(str(other))} is not COCO's json, as {shown(files[0])} is")
    return files


def _coco(data: Sequence[str], files: Sequence[Path], config: BoxesConfig) -> Entries:
    if config.boxes not in ("auto", "xywh"):
        raise DlkitError(
            f"--boxes {config.boxes}: the boxes of COCO's json are xywh",
            hint="leave out --boxes",
            code=USAGE,
        )
    images = None if config.images is None else Path(config.images).expanduser()
    if images is not None and not images.is_dir():
        raise DlkitError(f"--images {shown(images)}: no such folder", code=USAGE)
    splits: dict[str, list[Entry]] = {}
    classes: tuple[str, ...] | None = None
    notes = []
    for path in files:
        split = "train" if len(files) == 1 else _split_of(path, config)
        entries, names = read_coco(path, images)
        if classes is None:
            classes = names
        elif set(names) - set(classes):
            strange = sorted(set(names) - set(classes))
            raise DlkitError(
                f"{shown(path)} has categories that {shown(files[0])} lacks: {listed(strange, 5)}"
            )
        if split in splits:
            raise DlkitError(
                f"{shown(path)} and another file are both the split {split}",
                hint="give the files that belong together, or --train-split and --test-split",
            )
        splits[split] = entries
        boxes = sum(len(entry.objects) for entry in entries)
        notes.append(
            f"{shown(path)}: COCO's json, the split {split}: {counted(len(entries), 'image')}, "
            f"{counted(boxes, 'box', 'boxes')}"
        )
    first = existing(data[0])
    assert first is not None
    assert classes is not None
    name = (first.resolve().name or "data").partition(".")[0] or "data"
    if first.is_file() and name.lower() in ("", "_annotations", "annotations", "instances"):
        name = first.resolve().parent.name or "data"
    origin = tuple(str(Path(text).expanduser().absolute()) for text in data)
    return Entries(name, origin, splits, classes, "xywh", notes)


def _split_of(path: Path, config: BoxesConfig) -> str:
    """The split that a file's name or its folder's tells: instances_val2017.json, train/x.json."""
    for wanted in (config.train_split, config.test_split):
        if wanted is not None and wanted in (path.stem, path.parent.name):
            return wanted
    stem = path.stem.replace("instances_", "").rstrip("0123456789")
    found = folders.SPLIT_WORDS.get(stem.lower()) or folders.split_of(Path(path.name))
    return found or folders.SPLIT_WORDS.get(path.parent.name.lower()) or path.stem


def _tables(data: Sequence[str], config: BoxesConfig) -> Generator[Record, None, Entries]:
    layout = find_layout(data, config.samples)
    if layout.kind not in ("tables", "hub"):
        what = "texts" if layout.kind == "texts" else "images without boxes"
        raise DlkitError(
            f"{shown(layout.name)} holds {what}",
            hint="give COCO's json, or a table of boxes; --images says where its images are",
            code=USAGE,
        )
    for note in layout.notes:
        yield Noted(note)
    source = source_of(layout)
    splits: dict[str, list[Entry]] = {}
    classes: tuple[str, ...] | None = None
    kind, notes = None, []
    for name in source.names:
        frame = source.frame(name, config.samples)
        features = source.hub[name].features if source.hub is not None else None
        declared = _declared(features, frame.files, config.objects_column)
        read = read_frame(frame, config, declared)
        if kind is not None and read.kind != kind:
            raise DlkitError(f"{frame.name}: boxes are {read.kind} here, {kind} in another split")
        classes, kind = classes or declared, read.kind
        splits[name] = read.entries
        notes += read.notes
    assert kind is not None
    return Entries(layout.name, layout.origin, splits, classes, kind, list(dict.fromkeys(notes)))


def _declared(features: Any, files: Sequence[Path], column: str | None) -> tuple[str, ...] | None:
    """The names of the objects' classes that the library ``datasets`` notes; None: it notes none.

    Args:
        features: of a data set of the hub; None: ``files`` are its files.
        files: of a table.
        column: of the objects; None: one of the usual names.

    """
    if features is not None:
        noted = features.to_dict()
    elif files and files[0].suffix.lower() == ".parquet":
        from pyarrow import parquet

        metadata = parquet.read_schema(files[0]).metadata or {}
        try:
            noted = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        except (ValueError, KeyError, TypeError):
            return None
    else:
        return None
    if not isinstance(noted, dict):
        return None
    wanted = (column,) if column is not None else OBJECTS
    return next((found for name in wanted if (found := _names(noted.get(name)))), None)


def _names(feature: Any) -> tuple[str, ...] | None:
    """The names of the first ClassLabel below a feature."""
    if isinstance(feature, dict):
        names = feature.get("names")
        if feature.get("_type") == "ClassLabel" and isinstance(names, list):
            return tuple(map(str, names))
        below = list(feature.values())
    else:
        below = feature if isinstance(feature, list) else []
    return next((found for each in below if (found := _names(each)) is not None), None)
