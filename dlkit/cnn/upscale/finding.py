"""Where images are: in files and folders, tables, arrays and hubs; labels are not looked at.

A folder holds images anywhere below it; its folders train, test and validation, where there are
such, are splits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.cnn.upscale.contents import Pictures, refused
from dlkit.data import folders, formats
from dlkit.data.arrays import memory_for_arrays
from dlkit.data.builtin_samples import make
from dlkit.data.image_parts import image_content
from dlkit.data.images import content_of
from dlkit.data.layout import find_layout
from dlkit.data.parts import Wish
from dlkit.data.pixels import SUFFIXES, BadImageError
from dlkit.data.roles import image_column
from dlkit.data.samples import DIGEST_BYTES, digest_of, digests_of
from dlkit.data.sources import existing
from dlkit.data.split_parts import read_splits, source_of
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import FAILED, USAGE, DlkitError
from dlkit.records import Noted, Record, Step, Warned

if TYPE_CHECKING:
    from dlkit.cnn.upscale.config import ImagesConfig
    from dlkit.data.images import Cell
    from dlkit.data.parts import Part
    from dlkit.data.samples import Pixels, Split
    from dlkit.data.split_parts import Source

Reading = Callable[[], Generator[Record, None, Pictures]]

_TOLD: Final = 256  # images between two records


class Found(NamedTuple):
    """What a data argument names.

    Attributes:
        name: what a person calls it.
        origin: what to type to get it again from any folder.
        splits: by the data's own names, what reads each.
        notes: what was chosen on the user's behalf.

    """

    name: str
    origin: tuple[str, ...]
    splits: dict[str, Reading]
    notes: Sequence[str]


def find(data: Sequence[str], config: ImagesConfig, *, seed: int) -> Generator[Record, None, Found]:
    """Find the images that ``data`` name; files and tables are not read yet.

    Args:
        data: folders or files of images; or a table, ``builtin:NAME``, arrays, a hub id.
        config: columns and splits.
        seed: of what is drawn.

    Raises:
        DlkitError: there are no such data, or no images in them.

    """
    paths = [existing(text) if text else None for text in data]
    if data and all(path is not None and _holds_images(path) for path in paths):
        return _files([path for path in paths if path is not None], config)
    wanted = config.samples
    layout = find_layout(data, wanted)
    if layout.kind == "texts":
        raise DlkitError(f"{shown(layout.name)} holds texts, no images", code=USAGE)
    if layout.kind in ("tables", "hub"):
        source = source_of(layout)
        readings: dict[str, Reading] = {
            name: partial(_table, source, name, config) for name in source.names
        }
        return Found(layout.name, layout.origin, readings, layout.notes)
    parts: Mapping[str, Part | Split]
    if layout.kind == "builtin":
        made = make(layout.name, wanted, seed=seed)
        kind, notes, parts = made.kind, made.notes, made.splits
    else:
        source = source_of(layout)
        same = {name: name for name in sorted(source.names, key=lambda name: name != "train")}
        read = yield from read_splits(source, same, Wish(wanted, seed))
        kind, notes, parts = read.kind, layout.notes, read.parts
    if kind != "images":
        raise DlkitError(f"{shown(layout.name)} holds no images", code=USAGE)
    held: dict[str, Reading] = {name: partial(_there, part) for name, part in parts.items()}
    return Found(layout.name, layout.origin, held, notes)


def _there(part: Part | Split) -> Generator[Record, None, Pictures]:
    """Images that are in memory already."""
    yield from ()
    images: Any = part.inputs
    digests = digests_of(images) if part.digests is None else part.digests
    return Pictures(part.paths, list(images), digests)


def _table(source: Source, name: str, config: ImagesConfig) -> Generator[Record, None, Pictures]:
    """The images of a table's split."""
    wanted = config.samples
    frame = source.frame(name, wanted)
    for note in frame.notes:
        yield Noted(note)
    column = image_column(frame, wanted)
    cells = ((row.place, image_content(row.cells[0], frame.folder)) for row in frame.rows([column]))
    return (yield from _pictures(cells, frame.count, config, f"{name} images"))


def _holds_images(path: Path) -> bool:
    """Whether a path is an image, or a folder with images and no tables that name them."""
    if not path.is_dir():
        return path.suffix.lower() in SUFFIXES
    below, _ = folders.walk(path)
    kept = [each for each in below if not folders.ASIDE.fullmatch(each.name)]
    tables = any(formats.by_name(each.name)[0] in folders.TABLES for each in kept)
    return not tables and any(each.suffix.lower() in SUFFIXES for each in kept)


def _files(paths: Sequence[Path], config: ImagesConfig) -> Found:
    """Image files, and those below folders; of one folder its splits."""
    root = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    splits: dict[str, list[Path]] = {}
    others = 0
    for path in paths:
        below = folders.walk(path)[0] if path.is_dir() else [path]
        for each in below:
            if each.suffix.lower() not in SUFFIXES:
                others += 1
                continue
            top = each.relative_to(root).parts[0] if root is not None else ""
            own = top if top in (config.train_split, config.test_split) else None
            word = folders.SPLIT_WORDS.get(top.lower()) if each.parent != root else None
            splits.setdefault(own or word or "", []).append(each)
    named = {name: files for name, files in splits.items() if name}
    notes = []
    if "train" not in named and config.train_split not in named:
        # No folder to learn from: the names of others mean nothing, but of one that is asked for.
        rest = [each for split, files in splits.items() for each in files
                if split != config.test_split or not split]  # fmt: skip
        named = {"train": rest, **{name: files for name, files in named.items()
                                   if name == config.test_split}}  # fmt: skip
    elif "" in splits:
        notes.append(f"{counted(len(splits['']), 'image')} beside the folders of splits not read")
    if others:
        notes.append(f"{counted(others, 'other file')} not read")
    name = (root or paths[0]).absolute().name.partition(".")[0] or "images"
    readings: dict[str, Reading] = {
        split: partial(_below, files, config, f"{split} images")
        for split, files in named.items() if files
    }  # fmt: skip
    return Found(name, tuple(str(path.absolute()) for path in paths), readings, notes)


def _below(
    files: Sequence[Path], config: ImagesConfig, what: str
) -> Generator[Record, None, Pictures]:
    """The images in files."""
    cells = ((shown(each), each) for each in files)
    return (yield from _pictures(cells, len(files), config, what))


def _pictures(
    cells: Iterable[Cell], total: int | None, config: ImagesConfig, what: str
) -> Generator[Record, None, Pictures]:
    """The images, each read once for its digest; bytes of tables stay in memory."""
    names: list[str] = []
    contents: list[Path | bytes | Pixels] = []
    digests: list[bytes] = []
    bad, held, most = [], 0, memory_for_arrays()
    begun = time.monotonic()
    for number, (name, content) in enumerate(cells):
        if number % _TOLD == 0:
            rate = number / max(time.monotonic() - begun, 1e-6)
            yield Step(f"reading {what}", number, total, "images", rate)
        try:
            digest = digest_of(content_of(content))
        except BadImageError as problem:
            if not config.skip_bad:
                raise refused(name, problem) from None
            bad.append(f"{shown(name)}: {problem}")
            continue
        held += len(content) if isinstance(content, bytes) else 0
        if held > most:
            raise DlkitError(
                f"the {what} have more than {most:,} bytes, and a table's are kept in memory",
                hint="--limit N, or the images as files in a folder, which are read one by one",
            )
        assert isinstance(content, (bytes, Path))
        names.append(name)
        contents.append(content)
        digests.append(digest)
    if bad:
        yield Warned(f"{what}: {counted(len(bad), 'bad image')} left out: {listed(bad)}")
    if not names:
        raise DlkitError(f"there are no {what}", code=FAILED)
    return Pictures(names, contents, np.array(digests, f"S{DIGEST_BYTES}"))
