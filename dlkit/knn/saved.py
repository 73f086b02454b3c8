"""The artifact of knn: what stands in its files, written and read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.artifacts.textlines import read_lines
from dlkit.data.forms import Form, ImageForm, read_form
from dlkit.data.preprocess import read_pipeline
from dlkit.data.samples import DIGEST_BYTES
from dlkit.encoders import Encoder, reopen_encoder
from dlkit.errors import DAMAGED, DlkitError
from dlkit.knn.asking import Choice, Points
from dlkit.knn.rows import Transform

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from dlkit.data.samples import Digests

TASK: Final = "knn"
KIND: Final = "index"
POINTS: Final = "points.safetensors"
STEPS: Final = "preprocess.safetensors"
PICTURES: Final = "pictures.safetensors"
LABELS: Final = "labels.txt"
PATHS: Final = "paths.txt"
TEXTS: Final = "texts.txt"
_BIG: Final = (POINTS, STEPS, PICTURES, TEXTS, PATHS)


@dataclass(frozen=True, eq=False)
class Knn:
    """An artifact of knn, ready to be asked.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        form: how raw inputs are read.
        transform: how inputs become rows.
        points: what is searched.
        choice: k, metric and weights that were chosen.
        paths: where each point comes from, as it opens from any folder.
        artifact: its files.
        digests: (N,) of the contents that the points were made of; None: an older version of dlkit
            did not keep them.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    form: Form
    transform: Transform
    points: Points
    choice: Choice
    paths: list[str]
    artifact: Artifact
    digests: Digests | None = None

    def shown(self, point: int) -> str:
        """Where a point comes from: relative to the working folder if it lies in it."""
        return self.paths[point].removeprefix(f"{Path.cwd()}{os.sep}")

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """SHA-256 of the data's splits, by name."""
        found = self.document["data"]["fingerprints"]
        return found if isinstance(found, dict) else {}

    def module(self) -> torch.nn.Module:
        """The artifact as a PyTorch module of rows (Q, D) to shares of the votes (Q, C).

        Its buffers, the points, lie in this artifact's memory. ``transform`` makes rows of inputs.
        """
        import torch

        from dlkit.knn.model import Knn as Module
        from dlkit.neighbours.rows import as_writable

        points = self.points
        return Module(
            torch.from_numpy(as_writable(points.rows)),
            torch.from_numpy(as_writable(points.labels)),
            classes=len(points.classes),
            **{name: getattr(self.choice, name) for name in ("k", "metric", "weights")},
        )

    @property
    def name(self) -> str:
        """Its name in the store."""
        return self.path.name

    def settings(self) -> dict[str, Any]:
        """The settings of its training, with what was chosen in the place of what was tried."""
        from dlkit.config.yamlfile import read

        return read(self.artifact.file("config.yaml")) | {
            "k": [self.choice.k],
            "metric": [self.choice.metric],
            "weights": [self.choice.weights],
        }

    def pictures(self) -> npt.NDArray[np.uint8] | None:
        """The points as images (N, H, W, C); None where they are none, or were not kept."""
        if not isinstance(self.form, ImageForm):
            return None
        shape = (self.form.height, self.form.width, self.form.channels)
        if PICTURES in self.artifact:
            found = read_tensors(self.artifact.file(PICTURES)).get("pictures")
            if found is None or found.shape != (len(self.paths), *shape) or found.dtype != np.uint8:
                raise self._damaged("its pictures do not fit its points")
            return found
        if self.transform.pipeline.steps or self.transform.encoder:
            return None
        return self.points.rows.reshape(-1, *shape)

    def texts(self) -> list[str] | None:
        """The points as texts; None where they are none, or were not kept."""
        if TEXTS not in self.artifact:
            return None
        found = read_lines(self.artifact.read(TEXTS))
        if len(found) != len(self.paths):
            raise self._damaged("its texts do not fit its points")
        return found

    def _damaged(self, what: str) -> DlkitError:
        return damaged(self.reference, what)


def damaged(reference: str, what: str) -> DlkitError:
    """The error of an artifact whose parts do not agree."""
    return DlkitError(
        f"{reference} is damaged: {what}",
        hint=f"dlkit artifacts verify {reference}",
        code=DAMAGED,
    )


def open_knn(path: Path, *, features: str | None = None, encoder: bool = True) -> Knn:
    """The artifact in the folder ``path``; its points stay on disk, mapped.

    Args:
        path: an artifact of kind ``index``.
        features: where its encoder is now; None: where it was.
        encoder: open the encoder, if it has one.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest; the
            encoder is another now; (NOT_FOUND) the encoder is gone.

    """
    artifact = open_artifact(path, lazy=_BIG)
    document, reference = artifact.document, f"{path.parent.name}/{path.name}"
    try:
        choice = _choice(document["model"])
        points, digests = _points(artifact, document, reference)
        form = read_form(document["data"]["form"], where=reference)
        paths = read_lines(artifact.read(PATHS))
        wanted = document.get("features")
        if not isinstance(document["data"]["fingerprints"], dict):
            raise damaged(reference, "artifact.json has no fingerprints")
    except (KeyError, TypeError, ValueError) as problem:
        raise damaged(reference, f"artifact.json: {problem!r}") from None
    if len(paths) != len(points.rows):
        raise damaged(reference, f"{PATHS} does not fit the points")
    steps = read_tensors(artifact.file(STEPS)) if STEPS in artifact else {}
    check_finite(steps, where=path / STEPS)
    pipeline = read_pipeline(document.get("preprocess"), steps, where=reference)
    opened: Encoder | None = None
    if wanted is not None and encoder:
        opened = reopen_encoder(wanted, where=reference, moved_to=features)
    transform = Transform(pipeline, opened)
    return Knn(reference, path, document, form, transform, points, choice, paths, artifact, digests)


def _choice(model: Any) -> Choice:
    from dlkit.neighbours.config import parse

    k, metric, weights = model["k"], model["metric"], model["weights"]
    if type(k) is not int or type(metric) is not str or weights not in ("uniform", "distance"):
        raise ValueError(model)
    try:
        parse(metric)
    except DlkitError as problem:
        raise ValueError(model) from problem
    return Choice(metric, weights, k)


def _points(
    artifact: Artifact, document: Mapping[str, Any], reference: str
) -> tuple[Points, Digests | None]:
    tensors = read_tensors(artifact.file(POINTS))
    classes = tuple(read_lines(artifact.read(LABELS)))
    rows, labels = tensors.get("points"), tensors.get("labels")
    if rows is None or labels is None or rows.ndim != 2 or labels.shape != (len(rows),):
        raise damaged(reference, f"{POINTS} does not hold points with labels")
    known = rows.dtype in (np.uint8, np.float32, np.float64)
    if not known or labels.dtype != np.int64 or not rows.size:
        raise damaged(reference, f"{POINTS}: points {rows.dtype}, labels {labels.dtype}")
    if list(rows.shape) != [document["points"], document["dim"]]:
        raise damaged(reference, f"{POINTS} has {rows.shape}, artifact.json says another size")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise damaged(reference, f"{LABELS} has {len(classes)} classes, fewer than the labels need")
    if not 1 <= int(document["model"]["k"]) <= len(rows):
        raise damaged(reference, f"k is {document['model']['k']} of {len(rows):,} points")
    check_finite({"points": rows}, where=artifact.path / POINTS)
    digests = tensors.get("digests")
    if digests is None:
        return Points(rows, labels, classes), None
    if digests.shape != (len(rows), DIGEST_BYTES) or digests.dtype != np.uint8:
        raise damaged(reference, f"{POINTS}: digests {digests.shape} {digests.dtype}")
    return Points(rows, labels, classes), digests.view(f"S{DIGEST_BYTES}")[:, 0]
