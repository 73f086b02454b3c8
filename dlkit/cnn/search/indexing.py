"""Images to an index, and more images to an index that is there."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from dlkit.artifacts.runs import reserve
from dlkit.cnn.search import whitening
from dlkit.cnn.search.embedding import Embedder, open_image_encoder
from dlkit.cnn.search.gather import Gathered, gather
from dlkit.cnn.search.save import Segment, commit_added, commit_new
from dlkit.cnn.search.saved import TASK
from dlkit.data.wording import counted, listed
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started, Warned
from dlkit.training.running import name_after

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.search.config import SearchConfig
    from dlkit.cnn.search.saved import ImageIndex

_MOST_SEGMENTS = 1_000


def index(
    config: SearchConfig,
    *,
    name: str | None = None,
    default_name: str | None = None,
    stdin: BinaryIO | None = None,
) -> Generator[Record, None, Saved]:
    """Embed the images of ``config.data`` and commit an index of them.

    Args:
        config: the settings.
        name: of the artifact; None: one after the data.
        default_name: the name to use then instead of the data's own.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: no or unreadable images, no network.

    """
    if not config.data:
        raise DlkitError("no images given", hint="dlkit cnn search index photos/", code=USAGE)
    default = default_name or name_after(config.data[0], fallback="images")
    with reserve(TASK, name, default=default) as held:
        training = config.training
        encoder = yield from open_image_encoder(
            config.features, device=training.device, threads=training.threads
        )
        facts: dict[str, object] = {"features": encoder.source.reference, "dim": encoder.dim}
        yield Started(f"indexing {TASK}/{held.name}", facts | {"whiten": config.whiten})
        begun = time.perf_counter()
        embedder = Embedder(encoder, config.mirror)
        found = yield from gather(config, encoder, stdin)
        plain = yield from embedder.plain(found.split.images, what="images")
        if config.whiten or config.components is not None:
            learnt = whitening.learn(
                plain, whiten=config.whiten, shrinkage=config.shrinkage,
                components=config.components,
            )  # fmt: skip
            if config.whiten and config.shrinkage is None:
                yield Noted(f"shrinkage {learnt.shrinkage:.4g}, as Ledoit and Wolf estimate it")
            embedder = embedder.whitened(learnt)
        segment = Segment(found.split, plain, embedder.finished(plain), _told(found))
        yield from _copies(found.split.digests)
        seconds = time.perf_counter() - begun
        saved = commit_new(held, config, found, embedder, segment, seconds=seconds)
        yield saved
        return saved


def add(
    older: ImageIndex,
    config: SearchConfig,
    *,
    name: str | None = None,
    features: str | None = None,
    stdin: BinaryIO | None = None,
) -> Generator[Record, None, Saved]:
    """Embed images that ``older`` has not, and commit an index of all.

    Nothing of the older index is computed again: its segments are taken over. An image whose path
    and content it has already is not added.

    Args:
        older: the index, which stays as it is.
        config: its settings, with the new data.
        name: of the new artifact; None: the next number behind the older one's name.
        features: where the network's artifact is now; None: where it was.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: no or unreadable images, the network is gone, nothing is new.

    """
    if older.segments >= _MOST_SEGMENTS:
        raise DlkitError(
            f"{older.reference} has {older.segments:,} segments, the most there can be",
            hint="dlkit cnn search index makes one of all",
        )
    with reserve(TASK, name, default=older.path.name) as held:
        training = config.training
        embedder = older.embedder(
            features=features, device=training.device, threads=training.threads
        )
        yield Started(f"adding to {older.reference}: {TASK}/{held.name}", {"images": len(older)})
        begun = time.perf_counter()
        found = yield from gather(config, embedder.encoder, stdin)
        new = yield from _new(older, found)
        classes = (*older.classes, *(each for each in found.classes if each not in older.classes))
        number = np.array([classes.index(each) for each in found.classes] or [-1], np.int64)
        split = found.split.take(new)
        split = replace(split, labels=np.where(split.labels < 0, -1, number[split.labels]))
        plain = yield from embedder.plain(split.images, what="new images")
        told = _told(found) | {"images": len(split)}
        segment = Segment(split, plain, embedder.finished(plain), told)
        yield from _copies(np.concatenate([older.digests, split.digests]))
        seconds = time.perf_counter() - begun
        saved = commit_added(held, older, segment, classes, seconds=seconds)
        yield saved
        return saved


def _new(older: ImageIndex, found: Gathered) -> Generator[Record, None, npt.NDArray[np.int64]]:
    """The places of images that are not in the index: by path and content."""
    known = dict(zip(older.paths, older.digests.tolist(), strict=True))
    new, changed = [], []
    for place, (path, digest) in enumerate(
        zip(found.split.paths, found.split.digests.tolist(), strict=True)
    ):
        if known.get(path) == digest:
            continue
        if path in known:
            changed.append(path)
        new.append(place)
    if there := len(found.split) - len(new):
        yield Noted(f"{counted(there, 'image')} in {older.reference} already, not embedded again")
    if changed:
        yield Warned(
            f"{counted(len(changed), 'file')} with other content than in {older.reference}, which "
            f"keeps the old image, too: {listed(changed)}"
        )
    if not new:
        raise DlkitError(
            f"all {len(found.split):,} images are in {older.reference} already",
            hint=f"dlkit cnn search query FILE --from {quoted(older.reference)}",
        )
    return np.array(new, np.int64)


def _told(found: Gathered) -> dict[str, Any]:
    return {
        "images": len(found.split),
        "data": found.name,
        "origin": list(found.origin),
        "labelled": bool(found.classes),
    }


def _copies(digests: npt.NDArray[np.bytes_]) -> Generator[Record]:
    if equal := len(digests) - len(np.unique(digests)):
        yield Noted(
            f"{counted(equal, 'image')} equal to another one in content (dlkit cnn search "
            "duplicates tells which)"
        )


def default_name(recipe: Path | None, data: Sequence[str] | None) -> str | None:
    """A name after the recipe, where it alone says what is indexed."""
    return recipe.stem if recipe is not None and not data else None
