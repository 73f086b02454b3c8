"""An index as an artifact: what stands in its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines
from dlkit.artifacts.writing import Taken
from dlkit.classifiers.opened import LABELS
from dlkit.cnn.search.card import card
from dlkit.cnn.search.saved import INDEX, SMALL, TASK, WHITENING, segment_files
from dlkit.config.resolve import to_yaml
from dlkit.data.arrays import new_array
from dlkit.data.resizing import Wanted, remade
from dlkit.data.samples import packed
from dlkit.errors import quoted
from dlkit.records import Saved

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.runs import Run
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.search.config import SearchConfig
    from dlkit.cnn.search.embedding import Embedder
    from dlkit.cnn.search.gather import Gathered
    from dlkit.cnn.search.saved import ImageIndex
    from dlkit.data.samples import Pixels, Split

PICTURE: Final = 64  # pixels of the longer side of a kept picture, at most
_AT_ONCE: Final = 4_096  # images made smaller between two looks at memory


class Segment(NamedTuple):
    """Images that are added together.

    Attributes:
        split: the images; labels are places in the index's classes.
        plain: (n, D) embeddings before any whitening.
        rows: (n, K) those that are searched.
        told: what artifact.json says of them.

    """

    split: Split
    plain: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float32]
    told: Mapping[str, Any]


def commit_new(
    run: Run, config: SearchConfig, found: Gathered, embedder: Embedder, segment: Segment,
    *, seconds: float,
) -> Saved:  # fmt: skip
    """Write a new index and return its record.

    Args:
        run: the run whose name it gets.
        config: the settings.
        found: the images as they were read.
        embedder: what made the embeddings.
        segment: all images.
        seconds: how long the work took.

    Raises:
        DlkitError: the disk does not take the files.

    """
    whitening = embedder.whitening
    update = {
        "data": found.origin, "input": found.reading,
        "features": embedder.encoder.source.reference,
    }  # fmt: skip
    settings = to_yaml(config.model_copy(update=update))
    model: dict[str, Any] = {"mirror": config.mirror, "whiten": False}
    document = {
        "task": TASK,
        "kind": INDEX,
        "model": model | ({} if whitening is None else whitening.document()),
        "points": len(segment.rows),
        "dim": int(segment.rows.shape[1]),
        "classes": len(found.classes),
        "features": embedder.encoder.source.document(),
        "segments": [dict(segment.told)],
        "data": found.document(),
        "scores": {},
        "seed": config.training.seed,
        "threads": config.training.threads,
        "bit_reproducible": False,
        "why_not": "the last digits of a network's products depend on threads and processor",
    }
    files: dict[str, Content | Taken] = {
        "config.yaml": f"# dlkit cnn search index -r config.yaml\n{settings}".encode(),
        LABELS: write_lines(found.classes),
    }
    if whitening is not None:
        files[WHITENING] = write_tensors(whitening.tensors())
    files |= _segment(1, segment, whitened=whitening is not None, keep=config.keep)
    return _commit(run, document, files, new=len(segment.rows), seconds=seconds)


def commit_added(
    run: Run, index: ImageIndex, segment: Segment, classes: tuple[str, ...], *, seconds: float
) -> Saved:
    """Write an index of the images of another one and of new ones; return its record.

    The older one's segments are taken over as they are, by hard links where the disk has them.

    Args:
        run: the run whose name it gets.
        index: the older index.
        segment: the new images.
        classes: those of the older index and, behind them, new ones.
        seconds: how long the work took.

    Raises:
        DlkitError: the disk does not take the files.

    """
    document = {
        **index.document,
        "points": len(index) + len(segment.rows),
        "classes": len(classes),
        "segments": [*index.document["segments"], dict(segment.told)],
        "began": {"artifact": index.reference},
    }
    document.pop("format", None)
    number = index.segments + 1
    kept = segment_files(1)[2] in index.artifact
    files: dict[str, Content | Taken] = {LABELS: write_lines(classes)}
    names = [name for place in range(1, number) for name in segment_files(place)]
    for name in ("config.yaml", WHITENING, *names):
        if name in index.artifact:
            files[name] = Taken(index.artifact.file(name), index.artifact.entries[name])
    files |= _segment(number, segment, whitened=index.whitening is not None, keep=kept)
    return _commit(run, document, files, new=len(segment.rows), seconds=seconds)


def _segment(
    number: int, segment: Segment, *, whitened: bool, keep: bool
) -> dict[str, Content | Taken]:
    rows, paths, pictures = segment_files(number)
    split = segment.split
    tensors: dict[str, npt.NDArray[Any]] = {
        "rows": segment.rows,
        "labels": split.labels,
        "digests": packed(split.digests),
        "small": small_of(split.images),
    }
    if whitened:
        tensors["plain"] = segment.plain
    files: dict[str, Content | Taken] = {
        rows: write_tensors(tensors),
        paths: write_lines(split.paths),
    }
    if keep:
        files[pictures] = write_tensors({"pictures": pictures_of(split.images)})
    return files


def small_of(images: Pixels) -> npt.NDArray[np.uint8]:
    """(N, 16, 16) the images in grey, so small that sharpness and noise do not count."""
    made = np.empty((len(images), SMALL, SMALL), np.uint8)
    wanted = Wanted((SMALL, SMALL), 1, "stretch")
    for first in range(0, len(images), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        made[some] = remade(images[some], wanted)[..., 0]
    return made


def pictures_of(images: Pixels) -> Pixels:
    """(N, h, w, C) the images with at most 64 pixels a side."""
    height, width, channels = images.shape[1:]
    scale = min(1, PICTURE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    if size == (height, width):
        return images
    made: Pixels = new_array((len(images), *size, channels))
    for first in range(0, len(images), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        made[some] = remade(images[some], Wanted(size, channels, "stretch"))
    return made


def _commit(
    run: Run,
    document: dict[str, Any],
    files: dict[str, Content | Taken],
    *,
    new: int,
    seconds: float,
) -> Saved:
    files["README.md"] = card(document)
    path = run.commit(document, files, record={"seconds": seconds, "embedded": new})
    reference = f"{TASK}/{path.name}"
    facts: dict[str, object] = {
        "images": document["points"],
        "embedded": new,
        "dim": document["dim"],
        "classes": document["classes"],
        "features": document["features"]["artifact"],
        "whiten": document["model"]["whiten"],
        "seconds": round(seconds, 2),
    }
    verb = "eval" if document["classes"] else "duplicates"
    return Saved(reference, path, facts, f"dlkit cnn search {verb} --from {quoted(reference)}")
