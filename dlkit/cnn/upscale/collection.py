"""A data set of images in splits, a part of which is held out to be judged on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.cnn.upscale.finding import find
from dlkit.data.splits import choose_splits, hold_out
from dlkit.data.wording import counted, listed, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.cnn.upscale.config import ImagesConfig
    from dlkit.cnn.upscale.contents import Pictures


@dataclass(frozen=True, eq=False)
class Collection:
    """A data set of images.

    Attributes:
        name: what a person calls it.
        origin: what to type to get it again from any folder.
        splits: "train", "test" and "validation", as far as there are any.
        held_out: whether the test images were taken from the training data.

    """

    name: str
    origin: tuple[str, ...]
    splits: dict[str, Pictures]
    held_out: bool = False

    def document(self) -> dict[str, Any]:
        """What an artifact keeps of it."""
        return {
            "name": self.name,
            "kind": "images",
            "held_out": self.held_out,
            "samples": {name: len(each) for name, each in self.splits.items()},
            "fingerprints": {name: each.fingerprint for name, each in self.splits.items()},
        }


def collect(
    data: Sequence[str],
    config: ImagesConfig,
    *,
    seed: int,
    only_test: bool = False,
    other: bool = False,
) -> Generator[Record, None, Collection]:
    """Read the images of a data set; a test split is held out by content where there is none.

    Args:
        data: folders or files of images; or a table, ``builtin:NAME``, arrays, a hub id.
        config: columns, splits, how many.
        seed: of the choice that ``limit`` makes.
        only_test: other splits need not be read, where there is a test split.
        other: nothing was or is learnt from them: the split test is read, else all there is.

    Raises:
        DlkitError: there are no such data, or no images in them.

    """
    found = yield from find(data, config, seed=seed)
    for note in found.notes:
        yield Noted(note)
    if other:
        chosen, notes = _judged(list(found.splits), config, found.name)
    else:
        chosen, notes = choose_splits(list(found.splits), config.samples, where=found.name)
    for note in notes:
        yield Noted(note)
    splits: dict[str, Pictures] = {}
    for split, own in chosen.items():
        if not (only_test and "test" in chosen and split != "test"):
            whole = yield from found.splits[own]()
            splits[split] = yield from _limited(split, whole, config, seed)
    held = "test" not in splits
    if held:
        yield from _held_out(splits, config, found.name)
    yield from _equal(splits)
    return Collection(found.name, found.origin, splits, held)


def _judged(
    names: list[str], config: ImagesConfig, where: str
) -> tuple[dict[str, str], Sequence[str]]:
    """The split of other data that is judged on, and what to tell.

    Raises:
        DlkitError: which it is cannot be told.

    """
    wanted = config.test_split or ("test" if "test" in names else None)
    if wanted is None and len(names) == 1:
        return {"test": names[0]}, [f"{where} has no split test: all of it is judged on"]
    if wanted not in names:
        raise DlkitError(
            f"{where} has no split {shown(wanted or 'test')}; it has {listed(names)}",
            hint="--test-split NAME",
            code=USAGE,
        )
    assert wanted is not None
    return {"test": wanted}, []


def _limited(
    split: str, found: Pictures, config: ImagesConfig, seed: int
) -> Generator[Record, None, Pictures]:
    if config.limit is None or config.limit >= len(found):
        return found
    drawn = np.random.default_rng(seed).permutation(len(found))[: config.limit]
    yield Noted(f"the split {split}: {config.limit:,} of {len(found):,} images taken (--limit)")
    return found.take(np.sort(drawn))


def _held_out(
    splits: dict[str, Pictures], config: ImagesConfig, name: str
) -> Generator[Record, None, None]:
    """Divide the training images; equal ones stay together."""
    whole, share = splits["train"], config.test_share
    train, test = hold_out(whole.digests, np.zeros(len(whole), np.int64), share)
    if not len(test):
        why = "--test-share 0" if not share else "its images are all equal"
        yield Noted(f"{name}: nothing is held out ({why}), so nothing can be judged on")
        return
    splits["train"], splits["test"] = whole.take(train), whole.take(test)
    yield Noted(
        f"{name} has no test split: {counted(len(test), 'image')} of {len(whole):,} held out by "
        "content"
    )


def _equal(splits: dict[str, Pictures]) -> Generator[Record, None, None]:
    """Tell of images that are in two splits."""
    for name, split in splits.items():
        if name != "train" and "train" in splits:
            both = int(np.isin(split.digests, splits["train"].digests).sum())
            if both:
                yield Warned(
                    f"{both:,} of the {len(split):,} {name} images are in training, too (equal "
                    "content)"
                )
