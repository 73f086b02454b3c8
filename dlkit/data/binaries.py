"""Images in the binary files of MNIST (IDX) and CIFAR, checked to the byte.

IDX: http://yann.lecun.com/exdb/mnist/ (two zero bytes, the type, the number of axes, their sizes as
big-endian 32-bit numbers, then the values). CIFAR: https://www.cs.toronto.edu/~kriz/cifar.html
(rows of one label, or a coarse and a fine one, and 3 planes of 32x32).
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data import formats
from dlkit.data.decode import plain_bytes
from dlkit.data.forms import ImageForm
from dlkit.data.images import wanted_of
from dlkit.data.parts import Part, Wish, limited_by_name
from dlkit.data.pixels import remade
from dlkit.data.raw import Meter, RawReader, open_file
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
_MOST: Final = 1 << 35  # bytes that a header may promise


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
    else:
        images, labels, names = _cifar(files)
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
        [f"{files[0].name}:{place}" for place in keep.tolist()],
        ImageForm(height, width, channels, fit),
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


def _cifar(files: Sequence[Path]) -> tuple[Pixels, npt.NDArray[np.uint8], tuple[str, ...]]:
    names = _names(files[0].parent)
    labelled = 1 if "_batch" in files[0].name.lower() else 2
    rows: list[Any] = []
    for path in sorted(files, key=lambda path: path.name):
        content = _content(path)
        width = labelled + _PLANES
        whole = len(content) // width
        _exactly(shown(path), len(content), whole * width, f"rows of {width:,} bytes")
        rows.append(np.frombuffer(content, np.uint8).reshape(whole, width))
        most = int(rows[-1][:, labelled - 1].max(initial=0))
        if names and most >= len(names):
            raise DlkitError(f"{shown(path)}: the label {most} is not one of {len(names)} classes")
    table = np.concatenate(rows)
    labels = np.ascontiguousarray(table[:, labelled - 1])
    planes = table[:, labelled:].reshape(-1, 3, _SIDE, _SIDE)
    known = names or tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels, known


def _names(folder: Path) -> tuple[str, ...]:
    """The class names that lie beside CIFAR's files, if any."""
    for name in _NAMES:
        path = folder / name
        if path.is_file():
            lines = path.read_text(encoding="utf-8").split("\n")
            return tuple(line.strip() for line in lines if line.strip())
    return ()


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
