"""What a data argument of a supervised task names: tables, class folders, a builtin or hub set."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from dlkit.data import folders, formats, hub
from dlkit.data.array_parts import array_splits
from dlkit.data.binaries import find_binaries, given_binaries, names_file
from dlkit.data.numpy_files import SUFFIXES as ARRAYS
from dlkit.data.pixels import SUFFIXES
from dlkit.data.raw import check_kind, standard_input
from dlkit.data.sources import existing, may_be_hub, nearby, won
from dlkit.data.spool import spooled
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError, quoted

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig


_SPARSE: Final = frozenset([".svm", ".libsvm", ".svmlight"])
# Such a file names no columns, and leaves out zeros: only several of them together tell how many
# columns there are. Arrays say it.
_DENSE: Final = (
    "python -c 'import sys, numpy; from sklearn.datasets import load_svmlight_file as load; "
    "x, y = load(sys.argv[1]); numpy.savez(sys.argv[2], X=x.toarray(), y=y)'"
)


@dataclass(frozen=True)
class Layout:
    """Where the samples are.

    Attributes:
        kind: tables; images or texts in class folders; binaries (IDX, CIFAR);
            arrays (NumPy's files); builtin; hub.
        name: what a person calls the data.
        origin: what to type to get them again from any folder.
        files: by split, as the data name it.
        classes: of each file in ``files``, where folders name them.
        notes: what was chosen on the user's behalf.

    """

    kind: Literal["tables", "images", "texts", "binaries", "arrays", "builtin", "hub"]
    name: str
    origin: tuple[str, ...]
    files: dict[str, list[Path]] = field(default_factory=dict)
    classes: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_layout(data: Sequence[str], config: SampleConfig) -> Layout:
    """Find what the inputs name.

    Args:
        data: one folder, ``builtin:NAME`` or hub id, or one or more files of tables.
        config: names of splits that are not the usual words.

    Raises:
        DlkitError: there is nothing of that name, or nothing that has samples.

    """
    if not data:
        raise DlkitError(
            "no data", hint="give a file, a folder, builtin:digits or a hub id", code=USAGE
        )
    if len(data) > 1:
        return _several(data, config)
    text = data[0]
    path = existing(text) if text else None
    if path is not None:
        found = _folder(path, config) if path.is_dir() else _files([path], config)
        return Layout(
            found.kind,
            found.name,
            (str(path.absolute()),),
            found.files,
            found.classes,
            (*won(text), *found.notes),
        )
    if text.startswith("builtin:"):
        return Layout("builtin", text.removeprefix("builtin:"), (text,))
    if text.startswith("hub:") or may_be_hub(text):
        identity = text.removeprefix("hub:")
        hub.check(identity, typed=text)
        return Layout("hub", identity, (f"hub:{identity}",))
    if text == "-":
        found = _files([spooled(standard_input())], config)
        note = "standard input is not kept: to judge an artifact that learns from it, give it again"
        return Layout(found.kind, "stdin", ("-",), found.files, notes=(*found.notes, note))
    raise DlkitError(f"no such file or folder: {shown(text)}", hint=nearby(text))


def _several(data: Sequence[str], config: SampleConfig) -> Layout:
    paths = []
    for text in data:
        path = existing(text)
        if path is None or path.is_dir():
            raise DlkitError(
                f"{shown(text)} is no file: of several inputs each must be a table", code=USAGE
            )
        paths.append(path)
    found = _files(paths, config)
    origin = tuple(str(path.absolute()) for path in paths)
    notes = [
        f"{listed(list(map(str, files)))} are read together: the split {split}"
        for split, files in found.files.items()
        if found.kind == "tables" and len(files) > 1
    ]
    return Layout(found.kind, found.name, origin, found.files, notes=(*found.notes, *notes))


def _files(paths: Sequence[Path], config: SampleConfig) -> Layout:
    """Files given by name: binaries, or tables."""
    if any(path.suffix.lower() in ARRAYS for path in paths):
        if other := [path for path in paths if path.suffix.lower() not in ARRAYS]:
            raise DlkitError(f"{shown(other[0])} does not go together with NumPy's files")
        name = paths[0].stem
        return Layout("arrays", name, (), array_splits(paths))
    binaries = given_binaries(paths)
    if not binaries:
        return _tables(paths, paths[0].name, None, config)
    if len(binaries) == 1 and not (config.train_split or config.test_split):
        binaries = {"train": next(iter(binaries.values()))}  # all there is
    told = ", ".join(shown(path) for files in binaries.values() for path in files)
    name = paths[0].absolute().parent.name or "data"
    return Layout("binaries", name, (), binaries, notes=(f"read together: {told}",))


def _tables(paths: Sequence[Path], name: str, root: Path | None, config: SampleConfig) -> Layout:
    """Tables by the split that their names (and inside ``root``, their folders') tell."""
    files: dict[str, list[Path]] = {}
    for path in paths:
        if formats.by_name(path.name)[0] == "text":
            if path.suffix.lower() in _SPARSE:
                raise DlkitError(
                    f"{shown(path)} is of the svmlight format, which is not read",
                    hint=f"{_DENSE} {quoted(str(path))} {quoted(f'{path.stem}.npz')}",
                )
            kind = "an image" if path.suffix.lower() in SUFFIXES else "no table"
            raise DlkitError(
                f"{shown(path)} is {kind}",
                hint="give .csv, .tsv, .json, .jsonl, .parquet, .arrow or .npz, or a folder of "
                "class folders",
            )
        check_kind(path.stat(), shown(path))
        inside = path.relative_to(root) if root is not None else Path(path.name)
        files.setdefault(_split_of(inside, config) or "train", []).append(path)
    if len(paths) == 1:  # a file by itself is all there is, whatever it is called
        files = {
            next(iter(files)) if config.train_split or config.test_split else "train": [*paths]
        }
    return Layout("tables", name.partition(".")[0] or name, (), files)


def _split_of(path: Path, config: SampleConfig) -> str | None:
    """The split that a path tells, by a name of the user's or by the usual words."""
    for wanted in (config.train_split, config.test_split):
        if wanted is not None and any(
            part == wanted or Path(part).name.partition(".")[0] == wanted for part in path.parts
        ):
            return wanted
    return folders.split_of(path)


def _folder(root: Path, config: SampleConfig) -> Layout:
    found, hidden = folders.walk(root)
    kept = [path for path in found if not folders.ASIDE.fullmatch(path.name)]
    tables = [path for path in kept if formats.by_name(path.name)[0] in folders.TABLES]
    images = [path for path in kept if path.suffix.lower() in SUFFIXES]
    texts = [path for path in kept if path.suffix.lower() == ".txt"]
    binaries = {} if images or tables else find_binaries(kept)
    listing = [path for path in tables if path.name.partition(".")[0].lower() == "metadata"]
    if images and tables and not listing:
        raise DlkitError(
            f"{shown(root)} holds both images ({shown(images[0].relative_to(root))}) and tables "
            f"({shown(tables[0].relative_to(root))})",
            hint=f"give the folder of the images or the table itself: {shown(tables[0])}",
        )
    name = root.resolve().name or "data"
    if binaries:
        layout = Layout("binaries", name, (), binaries)
        used = [path for paths in binaries.values() for path in paths]
        names = {names_file(paths) for paths in binaries.values()}
        used += [path for path in names if path is not None]
    elif listing or tables:
        layout = _tables(folders.one_format(listing or tables), name, root, config)
        used = [path for paths in layout.files.values() for path in paths]
        if listing:
            used += images
    else:
        layout = _class_folders(root, "images" if images else "texts", images or texts, config)
        used = [path for paths in layout.files.values() for path in paths]
    notes = list(layout.notes)
    if hidden:
        notes.append(f"{shown(root)}: {counted(hidden, 'hidden file')} not read")
    taken = set(used)
    others = [str(path.relative_to(root)) for path in found if path not in taken]
    if others:
        number = counted(len(others), "other file")
        notes.append(f"{shown(root)}: {number} not read: {listed(others)}")
    return Layout(layout.kind, name, (), layout.files, layout.classes, tuple(notes))


def _class_folders(
    root: Path, kind: Literal["images", "texts"], paths: Sequence[Path], config: SampleConfig
) -> Layout:
    """Files by the folder that they lie in: CLASS/FILE or SPLIT/CLASS/FILE."""
    inside = [path.relative_to(root).parts for path in paths]
    own = {config.train_split, config.test_split} - {None}
    tops = {parts[0] for parts in inside if len(parts) > 2}
    splits = {top: top if top in own else folders.SPLIT_WORDS.get(top.lower(), "") for top in tops}
    divided = any(name == (config.train_split or "train") for name in splits.values())
    files: dict[str, list[Path]] = {}
    classes: dict[str, list[str]] = {}
    for path, parts in zip(paths, inside, strict=True):
        split = splits.get(parts[0], "") if divided else "train"
        depth = 1 if divided else 0
        if not split or len(parts) < depth + 2:
            continue  # beside the class folders: told among the other files
        files.setdefault(split, []).append(path)
        classes.setdefault(split, []).append(_class_of(parts[depth], path))
    if not files:
        what = "no images" if not paths else f"{kind} and no class folders"
        raise DlkitError(
            f"{shown(root)} has {what}",
            hint="samples are CLASS/FILE, SPLIT/CLASS/FILE, or tables (.parquet, .csv, .json)",
        )
    notes = [
        f"{shown(root)}: the split {split}: {counted(len(files[split]), 'file')} in "
        f"{counted(len(set(classes[split])), 'class folder')}"
        for split in files
    ]
    below = [root / top for top in splits if splits[top]] if divided else [root]
    empty = [
        each.name
        for parent in below
        for each in sorted(parent.iterdir())
        if each.is_dir() and not each.name.startswith(".") and not any(each.iterdir())
    ]
    if empty:
        notes.append(f"{counted(len(empty), 'class folder')} empty: {listed(empty)}")
    return Layout(kind, root.name, (), files, classes, tuple(notes))


def _class_of(folder: str, path: Path) -> str:
    """A class's name: the folder's, in Unicode's composed form on every system."""
    try:
        folder.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DlkitError(
            f"the name of a class folder is not UTF-8: {shown(path.parent)}"
        ) from error
    return unicodedata.normalize("NFC", folder)
