"""The artifact of cnn: what stands in its files, read."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classifiers.opened import damaged, open_common, read_network
from dlkit.cnn.asking import scores_of
from dlkit.cnn.prepare import network_of
from dlkit.data.forms import ImageForm

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.load import Artifact
    from dlkit.data.samples import Inputs
    from dlkit.records import Record

TASK: Final = "cnn"
KIND: Final = "image-classifier"


@dataclass(frozen=True, eq=False)
class ImageClassifier:
    """An artifact of cnn, ready to be asked.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        form: the images' size and channels.
        model: the network, in evaluation mode.
        classes: (C,) their names.
        loss: softmax.
        artifact: its files.
        views: of each image, whose scores are averaged, a kind of ``training.views``.
        precision: of products: fp32, bf16 or fp16.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    form: ImageForm
    model: nn.Module
    classes: tuple[str, ...]
    loss: Any
    artifact: Artifact
    views: Any = "none"
    precision: Any = "fp32"

    def scores(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Any]:
        """(N, C) float32 the scores of ``inputs``, which messages call ``what``."""
        assert isinstance(inputs, np.ndarray)
        assert inputs.dtype == np.uint8
        images: Any = inputs
        found = yield from scores_of(
            self.model, images, views=self.views, precision=self.precision, what=what
        )
        return found if len(found) else found.reshape(0, len(self.classes))

    def looking(self, views: str, precision: str) -> ImageClassifier:
        """The same, with test-time augmentation, and products in that precision."""
        return replace(self, views=views, precision=precision)


def open_classifier(
    path: Path, *, device: str = "cpu", threads: int | None = None
) -> ImageClassifier:
    """The artifact in the folder ``path``.

    Args:
        path: an artifact of kind ``image-classifier``.
        device: where the network shall be.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest; (USAGE)
            no such device.

    """
    opened = open_common(path)
    form = opened.form
    if not isinstance(form, ImageForm):
        raise damaged(opened.reference, "artifact.json: its inputs are no images")
    model = read_network(opened, network_of, device=device, threads=threads)
    return ImageClassifier(
        opened.reference, path, opened.artifact.document, form, model,
        opened.classes, opened.loss, opened.artifact,
    )  # fmt: skip
