"""Images of one split: from class folders and tables, decoded or found in the cache."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data import kept
from dlkit.data.forms import ImageForm
from dlkit.data.group_cells import chosen as chosen_groups
from dlkit.data.group_cells import group_names, with_group
from dlkit.data.images import Cell, read_images
from dlkit.data.parts import Part, Places, Wish, labelled, limited_by_name, named
from dlkit.data.pixels import SUFFIXES
from dlkit.data.wording import shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.canvas import Images
    from dlkit.data.frames import Frame
    from dlkit.data.roles import Roles


def image_files(
    split: str, files: Sequence[Path], classes: Sequence[str], wish: Wish
) -> Generator[Record, None, Part]:
    """The part of images in class folders."""
    keep = yield from limited_by_name(split, classes, wish)
    chosen = [files[place] for place in keep.tolist()]
    cells = [(shown(path), path) for path in chosen]
    paths = list(map(str, chosen))
    return (yield from _images(split, cells, paths, keep, classes, wish, (chosen, "")))


def frame_images(
    split: str, frame: Frame, roles: Roles, wish: Wish
) -> Generator[Record, None, Part]:
    """Labels first, which are small; then the images that are wanted, one batch after the other."""
    apart = [] if roles.group is None else [roles.group]
    labels = list(frame.rows([roles.label, *apart]))
    places = [row.place for row in labels]
    found = named(frame, roles, [row.cells[0] for row in labels], places)
    groups = group_names(frame, roles.group, [row.cells[-1] for row in labels], places)
    keep = yield from labelled(split, found, places, wish)
    keep = yield from with_group(split, groups, keep, places, wish)
    there = [found[place] or "" for place in keep.tolist()]
    keep = keep[(yield from limited_by_name(split, there, wish))]
    wanted = np.zeros(len(found), bool)
    wanted[keep] = True
    cells = (
        (row.place, image_content(row.cells[0], frame.folder))
        for use, row in zip(wanted.tolist(), frame.rows(roles.inputs), strict=False)
        if use
    )
    names = [name or "" for name in found]
    paths = [places[place] for place in keep.tolist()]
    sources = (frame.files, frame.identity) if frame.files or frame.identity else None
    return (yield from _images(split, cells, paths, keep, names, wish, sources, groups))


def image_content(cell: Any, folder: Path | None) -> bytes | Path | str | None:
    """What a cell of a column of images holds: bytes, the file that it names, or why neither.

    Args:
        cell: bytes, text, or a mapping with "bytes" or "path", as ``datasets`` writes it.
        folder: what a relative path is relative to.

    """
    if isinstance(cell, dict):
        return image_content(cell.get("bytes") or cell.get("path"), folder)
    if isinstance(cell, str) and cell.strip():
        path = Path(cell.strip())
        # A table may name the files beside it; one that climbs out of its folder is not followed.
        if not path.is_absolute() and ".." in PurePosixPath(cell.strip()).parts:
            return f"{shown(cell.strip())} leads out of the table's folder and is not followed"
        if not path.is_absolute():
            return f"{shown(path)} lies in no folder" if folder is None else folder / path
        named = path.suffix.lower() in SUFFIXES
        return path if named else f"{shown(path)} has no suffix of an image"
    return cell if isinstance(cell, bytes) else None


def _images(
    split: str,
    cells: Iterable[Cell],
    paths: Sequence[str],
    keep: Places,
    classes: Sequence[str],
    wish: Wish,
    sources: tuple[Sequence[Path], str] | None,
    groups: Sequence[str | None] | None = None,
) -> Generator[Record, None, Part]:
    """Decode images, or take them from the cache; ``sources`` is what to know them again by."""
    if wish.form is not None and not isinstance(wish.form, ImageForm):
        raise DlkitError("these are images, which the artifact does not know")
    what = f"{split} images"
    name = _stamp(what, sources, wish)
    known = set() if sources is None else set(sources[0])
    kept_before = None if name is None else kept.find(name)
    if kept_before is not None:
        found = kept_before
        for kind, text in found.told:
            yield Warned(text) if kind == "warned" else Noted(text)
        yield Noted(f"{what}: {len(found.places):,} decoded before, taken from the cache")
    else:
        found = yield from _decoded(cells, len(keep), wish, what, name, known)
    places = found.places.tolist()
    names = [classes[keep[place]] for place in places]
    chosen = [paths[place] for place in places]
    of_them = chosen_groups(groups, keep[found.places])
    return Part(found.pixels, names, chosen, found.form, found.digests, of_them)


def _stamp(what: str, sources: tuple[Sequence[Path], str] | None, wish: Wish) -> str | None:
    if sources is None:
        return None
    files, identity = sources
    form = None if wish.form is None else wish.form.document()
    # Groups tell nothing of the images but which are left out because they have none.
    idle = {"group_column"} if wish.config.group_column is None else None
    settings = wish.config.model_dump(mode="json", exclude=idle)
    return kept.stamp(files, [what, identity, settings, wish.seed, form, wish.exact])


def _decoded(
    cells: Iterable[Cell], total: int, wish: Wish, what: str, name: str | None, known: set[Path]
) -> Generator[Record, None, kept.Kept]:
    """Decode images, and keep them under ``name`` where that was much work.

    An image in a file that is not among the ``known`` ones may change while they stay as they are:
    nothing is kept then.
    """
    assert wish.form is None or isinstance(wish.form, ImageForm)
    started = time.monotonic()
    strange = False

    def watched() -> Iterator[Cell]:
        nonlocal strange
        for name, content in cells:
            strange = strange or (isinstance(content, Path) and content not in known)
            yield name, content

    work = read_images(watched(), total, wish.config, form=wish.form, exact=wish.exact, what=what)
    told: list[tuple[str, str]] = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            found: Images = end.value
            break
        if isinstance(record, (Noted, Warned)):
            told.append(("warned" if isinstance(record, Warned) else "noted", record.text))
        yield record
    result = kept.Kept(found.pixels, found.places, found.form, found.digests, told)
    if name is not None and not strange and time.monotonic() - started >= kept.WORTHWHILE:
        kept.keep(name, result)
    return result
