"""Images in the binary files of MNIST (IDX) and CIFAR, checked to the byte.

IDX: http://yann.lecun.com/exdb/mnist/ (two zero bytes, the type, the number of axes, their sizes as
big-endian 32-bit numbers, then the values). CIFAR: https://www.cs.toronto.edu/~kriz/cifar.html
(rows of one label, or a coarse and a fine one, and 3 planes of 32x32).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data import formats
from dlkit.data.decode import plain_bytes, utf8
from dlkit.data.forms import ImageForm
from dlkit.data.images import wanted_of
from dlkit.data.parts import Part, Wish, limited_by_name
from dlkit.data.raw import Meter, RawReader, open_file
from dlkit.data.resizing import remade
from dlkit.data.samples import digests_of
from dlkit.data.wording import counted, shown
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    from dlkit.data.samples import Pixels

_IDX: Final = re.compile(r"(?i)(train|t10k|test)[-_](images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?")
_CIFAR: Final = re.compile(r"(?i)(data_batch_\d+|test_batch|train|test)\.bin")
_NAMES: Final = ("batches.meta.txt", "fine_label_names.txt")
_SIDE: Final = 32  # of CIFAR's images
_PLANES: Final = 3 * _SIDE * _SIDE
_CLASSES: Final = {1: (10,), 2: (20, 100)}  # of each label in a row
_MOST: Final = 1 << 35  # bytes that a header may promise
_LARGEST_NAMES: Final = 1 << 20  # bytes of a file of class names


def find_binaries(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Binary files by split, images before labels; none if there are not both splits' kinds.

    Args:
        paths: all files of a folder.

    Raises:
        DlkitError: images without labels, or the reverse.

    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        if match := _IDX.fullmatch(path.name):
            split = "train" if match[1].lower() == "train" else "test"
            found.setdefault(split, []).append(path)
    for split, pair in found.items():
        kinds = [_IDX.fullmatch(path.name)[2].lower() for path in pair]  # type: ignore[index]
        if sorted(kinds) != ["images", "labels"]:
            raise DlkitError(
                f"the split {split} needs one IDX file of images and one of labels; there is "
                f"{', '.join(shown(path.name) for path in pair)}"
            )
        pair.sort(key=lambda path: "labels" in path.name.lower())
    if found:
        return found
    for path in paths:
        if _CIFAR.fullmatch(path.name) and path.stat().st_size:
            split = "test" if path.name.lower().startswith("test") else "train"
            found.setdefault(split, []).append(path)
    for batches in found.values():
        batches.sort(key=lambda path: path.name)
    return found


def given_binaries(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The same for files that were given by name, an IDX file with its partner beside it.

    Args:
        paths: one or more files.

    Returns:
        Files by split; none if there are others among them.

    Raises:
        DlkitError: as ``find_binaries``.

    """
    if not all(_IDX.fullmatch(path.name) or _CIFAR.fullmatch(path.name) for path in paths):
        return {}
    whole = dict.fromkeys(paths)
    for path in paths:
        if match := _IDX.fullmatch(path.name):
            split, kind = match[1].lower(), match[2].lower()
            for other in sorted(path.parent.iterdir()):
                beside = _IDX.fullmatch(other.name)
                if beside and beside[1].lower() == split and beside[2].lower() != kind:
                    whole[other] = None
    found = find_binaries(list(whole))
    if {path for files in found.values() for path in files} != set(whole):
        raise DlkitError(
            f"{', '.join(shown(path) for path in paths)}: files of MNIST and CIFAR do not go "
            "together, and an empty one holds nothing",
            hint="give the files of one data set",
        )
    return found


def read_binaries(
    split: str, files: Sequence[Path], wish: Wish
) -> Generator[Record, None, tuple[Part, tuple[str, ...]]]:
    """One split of binary files, and the class names that they declare.

    Raises:
        DlkitError: a file is not what its first bytes or its size should be.

    """
    if _IDX.fullmatch(files[0].name):
        images, labels, names = _mnist(*files)
        sizes = [len(images)]
    else:
        images, labels, names, sizes = _cifar(files)
    names_of_rows = [
        f"{path}:{row}"
        for path, size in zip(files, sizes, strict=False)
        for row in range(1, size + 1)
    ]
    where = shown(files[0].parent)
    yield Noted(f"{where}: the split {split}: {len(images):,} images in binary files")
    classes = [names[label] for label in labels.tolist()]
    keep = yield from limited_by_name(split, classes, wish)
    form = wish.form if isinstance(wish.form, ImageForm) else None
    pixels = remade(images[keep], wanted_of(wish.config, form))
    height, width, channels = pixels.shape[1:]
    fit = form.fit if form else wish.config.fit
    part = Part(
        pixels,
        [classes[place] for place in keep.tolist()],
        [names_of_rows[place] for place in keep.tolist()],
        ImageForm(height, width, channels, fit),
        digests_of(images[keep]),
    )
    return part, names


def _mnist(images: Path, labels: Path) -> tuple[Pixels, npt.NDArray[np.uint8], tuple[str, ...]]:
    pixels, classes = read_idx(images, axes=3), read_idx(labels, axes=1)
    if len(pixels) != len(classes):
        raise DlkitError(
            f"{shown(images.name)} has {len(pixels):,} images, {shown(labels.name)} "
            f"{len(classes):,} labels"
        )
    names = tuple(map(str, range(int(classes.max(initial=0)) + 1)))
    return pixels[..., None], classes, names


def read_idx(path: Path, *, axes: int) -> npt.NDArray[np.uint8]:
    """The bytes of an IDX file, in the shape that its header gives.

    Raises:
        DlkitError: another type or number of axes, sizes of zero, too few bytes or too many.

    """
    content = _content(path)
    name = shown(path)
    magic = content[:4]
    if magic != bytes((0, 0, 8, axes)):
        raise DlkitError(
            f"{name} begins {magic.hex(' ')}; IDX of bytes with {axes} "
            f"{'axis' if axes == 1 else 'axes'} begins 00 00 08 0{axes}"
        )
    head = 4 + 4 * axes
    sizes = [int.from_bytes(content[place : place + 4]) for place in range(4, head, 4)]
    size = math.prod(sizes)
    if len(content) < head or not 0 < size <= _MOST:
        raise DlkitError(f"{name}: a header of sizes {'x'.join(map(str, sizes))} is damaged")
    _exactly(name, len(content) - head, size, f"sizes {'x'.join(map(str, sizes))}")
    return np.frombuffer(content, np.uint8, size, head).reshape(sizes)


def _cifar(
    files: Sequence[Path],
) -> tuple[Pixels, npt.NDArray[np.uint8], tuple[str, ...], list[int]]:
    names = _names(files)
    labelled = 1 if "_batch" in files[0].name.lower() else 2
    rows: list[Any] = []
    for path in files:
        content = _content(path)
        width = labelled + _PLANES
        whole = len(content) // width
        _exactly(shown(path), len(content), whole * width, f"rows of {width:,} bytes")
        rows.append(np.frombuffer(content, np.uint8).reshape(whole, width))
        _in_range(path, rows[-1][:, :labelled], len(names))
    table = np.concatenate(rows)
    labels = np.ascontiguousarray(table[:, labelled - 1])
    planes = table[:, labelled:].reshape(-1, 3, _SIDE, _SIDE)
    known = names or tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    sizes = [len(each) for each in rows]
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels, known, sizes


def _in_range(path: Path, labels: npt.NDArray[np.uint8], named: int) -> None:
    """Refuse a label that CIFAR-10 (one of 10) or CIFAR-100 (20 coarse, 100 fine) has not."""
    limits = _CLASSES[labels.shape[1]]
    for column, most in enumerate(limits):
        last = column == len(limits) - 1
        classes = min(most, named) if named and last else most
        wrong = np.flatnonzero(labels[:, column] >= classes)
        if len(wrong):
            value = labels[wrong[0], column]
            raise DlkitError(
                f"{shown(path)}: row {wrong[0] + 1:,}: the label {value} is not one of "
                f"{classes} classes"
            )


def names_file(files: Sequence[Path]) -> Path | None:
    """The file of class names that lies beside CIFAR's files, if any."""
    if _IDX.fullmatch(files[0].name):
        return None
    beside = (files[0].parent / name for name in _NAMES)
    return next((path for path in beside if path.is_file()), None)


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    """The class names in that file, a line each.

    Raises:
        DlkitError: it is too large for one, or not UTF-8.

    """
    path = names_file(files)
    if path is None:
        return ()
    name = shown(path)
    with open_file(path, name) as (descriptor, _), os.fdopen(os.dup(descriptor), "rb") as file:
        content = file.read(_LARGEST_NAMES + 1)
    if len(content) > _LARGEST_NAMES:
        raise DlkitError(f"{name} has more than {_LARGEST_NAMES:,} bytes: no list of class names")
    hint = "without the file, classes are called by their numbers"
    lines = utf8(content, name, hint=hint).split("\n")
    return tuple(line.strip() for line in lines if line.strip())


def _exactly(name: str, found: int, promised: int, by: str) -> None:
    if found == promised and promised:
        return
    if found < promised or not promised:
        raise DlkitError(f"{name} is cut off: {by} need {promised:,} bytes, there are {found:,}")
    raise DlkitError(f"{name} has {counted(found - promised, 'byte')} too many for {by}")


def _content(path: Path) -> bytes:
    """A file's bytes, decompressed."""
    name = shown(path)
    with open_file(path, name) as (descriptor, _):
        meter = Meter()
        raw = RawReader(descriptor, name=name, meter=meter, stopping=lambda: None)
        codec, _ = formats.settle(name, raw.peek(formats.HEAD))
        return b"".join(plain_bytes(raw, codec, name=name, meter=meter))
