"""A data set of images with boxes, read: images of one size, boxes by their corners, classes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dlkit.cnn.detect.finding import find
from dlkit.cnn.detect.reading import read_split
from dlkit.data.arrays import new_array
from dlkit.data.samples import DIGEST_BYTES
from dlkit.data.splits import choose_splits, hold_out
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig
    from dlkit.cnn.detect.entries import Entries
    from dlkit.data.samples import Digests, Pixels


@dataclass(frozen=True, eq=False)
class Objects:
    """What is in one image.

    Attributes:
        boxes: (K, 4) float32 left, top, right, bottom in pixels of the image as it is in its file.
        labels: (K,) int64 places among the classes.
        crowd: (K,) bool: many objects in one box.
        areas: (K,) float64 square pixels of the outlines, or of the boxes.

    """

    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_]
    areas: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Split:
    """Images that belong together.

    Attributes:
        images: (N, H, W, 3) uint8, each in its shape, the rest black.
        sizes: (height, width) of each as it is in its file.
        objects: of each.
        paths: what a person calls each.
        digests: BLAKE2b-128 of each one's content, (N,) of 16 bytes.

    """

    images: Pixels
    sizes: Sequence[tuple[int, int]]
    objects: Sequence[Objects]
    paths: Sequence[str]
    digests: Digests

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images as the network is given them."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @property
    def boxes(self) -> int:
        """How many boxes there are."""
        return sum(map(len, self.objects))

    def take(self, places: npt.NDArray[np.int64]) -> Split:
        """The images at ``places``."""
        chosen = places.tolist()
        images = new_array((len(chosen), *self.images.shape[1:]))  # mapped where it is large
        for row, place in enumerate(chosen):
            images[row] = self.images[place]
        return Split(
            images,
            [self.sizes[place] for place in chosen],
            [self.objects[place] for place in chosen],
            [self.paths[place] for place in chosen],
            self.digests[places],
        )

    def fingerprint(self, classes: Sequence[str]) -> str:
        """SHA-256 of the contents and what is in them, in their order."""
        digest = hashlib.sha256(repr((self.size, tuple(classes))).encode("utf-8", "replace"))
        digest.update(self.digests.astype(f"S{DIGEST_BYTES}").tobytes())
        for each in self.objects:
            digest.update(each.boxes.astype("<f4").tobytes())
            digest.update(each.labels.astype("<i8").tobytes())
            digest.update(each.crowd.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Collection:
    """A data set for detection.

    Attributes:
        name: what a person calls it.
        origin: what to type to get it again from any folder.
        classes: their names; a label is a place in this list.
        splits: "train", "test" and "validation", as far as there are any.
        held_out: whether the test images were taken from the training data.

    """

    name: str
    origin: tuple[str, ...]
    classes: tuple[str, ...]
    splits: dict[str, Split]
    held_out: bool = False

    def document(self) -> dict[str, Any]:
        """What an artifact keeps of it."""
        return {
            "name": self.name,
            "kind": "boxes",
            "held_out": self.held_out,
            "samples": {name: len(each) for name, each in self.splits.items()},
            "boxes": {name: each.boxes for name, each in self.splits.items()},
            "fingerprints": {
                name: each.fingerprint(self.classes) for name, each in self.splits.items()
            },
        }


def collect(
    data: Sequence[str],
    config: BoxesConfig,
    *,
    size: tuple[int, int],
    seed: int,
    classes: Sequence[str] | None = None,
    judged: bool = False,
) -> Generator[Record, None, Collection]:
    """Read a data set; a test split is held out by content where there is none.

    Args:
        data: as the user typed them.
        config: how they are read.
        size: (height, width) that images are made; drawn scenes are drawn so.
        seed: of what is drawn, and of the choice that ``limit`` makes.
        classes: an artifact's; None: those of the data.
        judged: nothing is learnt from them: the split test, or all there is.

    Raises:
        DlkitError: there are no such data; an image or a box cannot be used, unless
            ``config.skip_bad``; a class that is not among ``classes``.

    """
    entries = yield from find(data, config)
    if entries is None:
        from dlkit.cnn.detect.drawn import drawn

        return (yield from drawn(config, size, seed, classes, judged=judged))
    for note in entries.notes:
        yield Noted(note)
    chosen, notes = _chosen(entries, config, judged=judged)
    for note in notes:
        yield Noted(note)
    names = _classes(entries, classes, chosen)
    splits: dict[str, Split] = {}
    for split, own in chosen.items():
        some = entries.splits[own]
        if config.limit is not None and config.limit < len(some):
            taken = np.random.default_rng(seed).permutation(len(some))[: config.limit]
            yield Noted(f"the split {split}: {config.limit:,} of {len(some):,} images (--limit)")
            some = [some[place] for place in np.sort(taken).tolist()]
        splits[split] = yield from read_split(
            split, some, names, entries.kind, size, skip_bad=config.skip_bad
        )
        yield from told_of(split, splits[split], names)
    found = Collection(entries.name, entries.origin, names, splits)
    if not judged and "test" not in splits:
        found = yield from _held_out(found, config)
    yield from _equal(found.splits)
    return found


def _chosen(
    entries: Entries, config: BoxesConfig, *, judged: bool
) -> tuple[dict[str, str], list[str]]:
    """Which split of the data is for what, and what to tell."""
    names = list(entries.splits)
    if not judged:
        return choose_splits(names, config.samples, where=entries.name)
    wanted = config.test_split or ("test" if "test" in names else None)
    notes = []
    if wanted is None and len(names) == 1:
        wanted = names[0]
        notes.append(f"{entries.name} has no split test: all of it is judged on")
    if wanted not in names:
        raise DlkitError(
            f"{entries.name} has no split {shown(wanted or 'test')}; it has {listed(names)}",
            hint="--test-split NAME",
            code=USAGE,
        )
    return {"test": wanted}, notes


def _classes(
    entries: Entries, given: Sequence[str] | None, chosen: dict[str, str]
) -> tuple[str, ...]:
    """The names of the classes: an artifact's, those that the data declare, or all there are."""
    if given is not None:
        return tuple(given)
    if entries.classes is not None:
        return entries.classes
    some = entries.splits[chosen["train"]] if "train" in chosen else []
    found = {each.label for entry in some for each in entry.objects if each.label}
    if not found:
        raise DlkitError(f"{entries.name}: there is no box in the training images")
    numbers = all(name.isascii() and name.isdigit() for name in found)
    return tuple(sorted(found, key=int if numbers else None))


def told_of(split: str, found: Split, classes: Sequence[str]) -> Generator[Record, None, None]:
    """How many boxes there are, and how many images without any."""
    empty = sum(not len(each) for each in found.objects)
    crowds = sum(int(each.crowd.sum()) for each in found.objects)
    told = f"the split {split}: {counted(len(found), 'image')}, "
    told += counted(found.boxes, "box", "boxes")
    if empty:
        told += f"; {counted(empty, 'image')} without any, kept"
    if crowds:
        told += f"; {counted(crowds, 'crowd')}, not learnt from and not counted as missed"
    yield Noted(told)
    seen = Counter(int(label) for each in found.objects for label in each.labels)
    if split == "train" and (none := [name for k, name in enumerate(classes) if not seen[k]]):
        yield Warned(f"no training box is of {counted(len(none), 'class', 'classes')}: "
                     f"{listed(none, 5)}")  # fmt: skip


def _held_out(found: Collection, config: BoxesConfig) -> Generator[Record, None, Collection]:
    """Divide the training images; equal ones stay together."""
    whole, share = found.splits["train"], config.test_share
    train, test = hold_out(whole.digests, np.zeros(len(whole), np.int64), share)
    if not len(test):
        why = "--test-share 0" if not share else "its images are all equal"
        yield Noted(f"{found.name}: nothing is held out ({why}), so nothing can be judged on")
        return found
    yield Noted(
        f"{found.name} has no test split: {counted(len(test), 'image')} of {len(whole):,} held "
        "out by content"
    )
    splits = {**found.splits, "train": whole.take(train), "test": whole.take(test)}
    return replace(found, splits=splits, held_out=True)


def _equal(splits: dict[str, Split]) -> Generator[Record, None, None]:
    """Tell of images that are in two splits."""
    for name, split in splits.items():
        if name != "train" and "train" in splits:
            both = int(np.isin(split.digests, splits["train"].digests).sum())
            if both:
                yield Warned(
                    f"{both:,} of the {len(split):,} {name} images are in training, too (equal "
                    "content)"
                )
