"""The artifact of an index: what stands in its files, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact, read_document
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.artifacts.textlines import read_lines
from dlkit.classifiers.opened import LABELS, damaged
from dlkit.cnn.search.embedding import Embedder, settled
from dlkit.cnn.search.whitening import Whitening
from dlkit.data.forms import ImageForm, read_form
from dlkit.data.samples import Digests, unpacked
from dlkit.encoders import reopen_encoder

if TYPE_CHECKING:
    import numpy.typing as npt

TASK: Final = "search"
INDEX: Final = "image-index"
WHITENING: Final = "whitening.safetensors"
SMALL: Final = 16  # pixels of a side of the pictures that near copies are told by
_MOST_SEGMENTS: Final = 1_000


def segment_files(number: int) -> tuple[str, str, str]:
    """The names of the files of a segment: rows, paths, pictures."""
    return (
        f"segment-{number}.safetensors",
        f"paths-{number}.txt",
        f"pictures-{number}.safetensors",
    )


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """An index of images, ready to be searched.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        artifact: its files.
        form: the size and channels that images are read in.
        classes: names; none where nothing named classes.
        rows: (N, K) float32 of length 1; of one segment mapped from its file.
        labels: (N,) places in ``classes``, -1 where there is none.
        digests: (N,) of the images' content.
        small: (N, 16, 16) uint8, grey.
        whitening: what was learnt of the first images; None: nothing was asked for.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    artifact: Artifact
    form: ImageForm
    classes: tuple[str, ...]
    rows: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    digests: Digests
    small: npt.NDArray[np.uint8]
    whitening: Whitening | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def segments(self) -> int:
        """How many times images were added, the first time with them."""
        return len(self.document["segments"])

    @cached_property
    def paths(self) -> list[str]:
        """(N) where each image comes from, as it opens from any folder.

        Raises:
            DlkitError: (DAMAGED) there are not N of them.

        """
        found: list[str] = []
        for number in range(1, self.segments + 1):
            found += read_lines(self.artifact.read(segment_files(number)[1]))
        if len(found) != len(self):
            raise damaged(self.reference, f"{len(found):,} paths of {len(self):,} images")
        return found

    @cached_property
    def plain(self) -> npt.NDArray[np.float32]:
        """(N, D) the embeddings of length 1 before any whitening."""
        if self.whitening is None:
            return self.rows
        return _joined([self._tensors(number)["plain"] for number in self._numbers()])

    def pictures(self) -> list[npt.NDArray[np.uint8]] | None:
        """Small pictures of the images, by segment, (n, h, w, C) each; None: they were not kept."""
        names = [segment_files(number)[2] for number in self._numbers()]
        if not all(name in self.artifact for name in names):
            return None
        return [read_tensors(self.artifact.file(name))["pictures"] for name in names]

    def picture(self, place: int) -> npt.NDArray[np.uint8] | None:
        """The small picture (h, w, C) of one image; None: it was not kept."""
        if self._pictures is None:
            return None
        for some in self._pictures:
            if place < len(some):
                return np.asarray(some[place])
            place -= len(some)
        return None

    @cached_property
    def _pictures(self) -> list[npt.NDArray[np.uint8]] | None:
        return self.pictures()

    def shown(self, place: int) -> str:
        """Where an image comes from: relative to the working folder if it lies in it."""
        return self.paths[place].removeprefix(f"{Path.cwd()}/")

    def embedder(
        self, *, features: str | None = None, device: str = "cpu", threads: int | None = None
    ) -> Embedder:
        """What makes rows of further images.

        Args:
            features: where the network's artifact is now; None: where it was.
            device: where it computes.
            threads: of PyTorch, from now on; None: as they are set.

        Raises:
            DlkitError: (NOT_FOUND) the network is gone; (DAMAGED) it is another one now.

        """
        wanted = self.document["features"]
        encoder = reopen_encoder(wanted, where=self.reference, moved_to=features)
        encoder = settled(encoder, device=device, threads=threads)
        return Embedder(encoder, bool(self.document["model"]["mirror"]), self.whitening)

    def settings(self) -> dict[str, Any]:
        """The settings that it was made with."""
        from dlkit.config.yamlfile import read

        return read(self.artifact.file("config.yaml"))

    def _numbers(self) -> range:
        return range(1, self.segments + 1)

    def _tensors(self, number: int) -> dict[str, npt.NDArray[Any]]:
        return read_tensors(self.artifact.file(segment_files(number)[0]))


def open_index(path: Path) -> ImageIndex:
    """The index in the folder ``path``; its network is opened by ``ImageIndex.embedder``.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest.

    """
    reference = f"{path.parent.name}/{path.name}"
    told = read_document(path).get("segments")
    count = len(told) if isinstance(told, list) else 0
    if not 1 <= count <= _MOST_SEGMENTS:
        raise damaged(reference, "artifact.json names no segments")
    names = [segment_files(number) for number in range(1, count + 1)]
    artifact = open_artifact(path, lazy=[name for some in names for name in some])
    document = artifact.document
    try:
        form = read_form(document["data"]["form"], where=reference)
        if not isinstance(form, ImageForm):
            raise ValueError("its inputs are no images")
        classes = tuple(read_lines(artifact.read(LABELS)))
        whitening = _whitening(artifact, document["model"])
        parts = [read_tensors(artifact.file(some[0])) for some in names]
        rows, small = (_joined([part[name] for part in parts]) for name in ("rows", "small"))
        labels = _joined([part["labels"] for part in parts])
        digests: Any = np.concatenate([unpacked(part["digests"]) for part in parts])
        width = whitening.matrix.shape[1] if whitening is not None else document["dim"]
        fits = (
            rows.shape == (document["points"], width)
            and rows.dtype == np.float32
            and labels.shape == digests.shape == rows.shape[:1]
            and labels.dtype == np.int64
            and small.shape == (len(rows), SMALL, SMALL)
            and small.dtype == np.uint8
            and (not len(labels) or -1 <= labels.min() <= labels.max() < max(1, len(classes)))
            and len(rows) > 0
        )
        if not fits:
            raise ValueError(f"rows {rows.shape}, labels {labels.shape}, pictures {small.shape}")
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise damaged(reference, f"artifact.json: {problem!r}") from None
    check_finite({"rows": rows}, where=path / names[0][0])
    return ImageIndex(
        reference, path, document, artifact, form, classes, rows, labels, digests, small, whitening
    )


def _whitening(artifact: Artifact, model: Mapping[str, Any]) -> Whitening | None:
    if WHITENING not in artifact:
        return None
    tensors = read_tensors(artifact.file(WHITENING))
    check_finite(tensors, where=artifact.path / WHITENING)
    mean, matrix, variances = (tensors[name] for name in ("mean", "matrix", "variances"))
    if matrix.shape[:1] != mean.shape or variances.shape != mean.shape or matrix.ndim != 2:
        raise ValueError(f"whitening {mean.shape} {matrix.shape}")
    return Whitening(mean, matrix, variances, float(model["shrinkage"]), bool(model["whiten"]))


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The arrays of all segments behind one another; that of one segment as it lies in its file."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
