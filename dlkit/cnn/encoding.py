"""A network as an encoder: what its last layer sees of an image, as a row of numbers."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.cnn.feeding import at_once
from dlkit.cnn.saved import open_classifier
from dlkit.data.resizing import Wanted, remade
from dlkit.neighbours.rows import as_writable
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.forms import ImageForm
    from dlkit.data.samples import Inputs, Kind
    from dlkit.encoders import Source

_TOLD_EVERY: Final = 0.5  # seconds


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Images as what the last layer of a network sees of them.

    Attributes:
        source: the artifact of cnn.
        model: its network.
        form: the size and channels that it was trained with.

    """

    source: Source
    model: Any
    form: ImageForm
    kind: Kind = "images"

    @property
    def dim(self) -> int:
        """D, inputs of the last layer."""
        return int(self.model.dim)

    def encode(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, npt.NDArray[np.float32]]:
        """The rows (N, D) of N images, made the network's size and channels if they have others.

        Args:
            inputs: (N, H, W, C) uint8.
            what: what messages call them.

        """
        import torch

        from dlkit.training.modes import judging

        assert isinstance(inputs, np.ndarray)
        form = self.form
        wanted = Wanted((form.height, form.width), form.channels, form.fit)
        if inputs.shape[1:] != (form.height, form.width, form.channels):
            yield Noted(
                f"{what}: images of {_size(*inputs.shape[1:])} are made "
                f"{_size(form.height, form.width, form.channels)}, as {self.source.reference} "
                "knows them"
            )
        rows = np.empty((len(inputs), self.dim), np.float32)
        begun = told = time.perf_counter()
        size = at_once(np.empty((0, form.height, form.width, form.channels), np.uint8))
        device = next(self.model.parameters()).device
        with judging(self.model):
            for start in range(0, len(inputs), size):
                some = remade(inputs[start : start + size], wanted)  # type: ignore[arg-type]
                images = torch.from_numpy(as_writable(np.ascontiguousarray(some))).permute(
                    0, 3, 1, 2
                )
                with torch.inference_mode():
                    seen = self.model.features(images.to(device))
                    rows[start : start + len(some)] = seen.float().cpu().numpy()
                now, done = time.perf_counter(), start + len(some)
                if now - told > _TOLD_EVERY:
                    told = now
                    rate = done / (now - begun)
                    yield Step(f"encoding {what}", done, len(inputs), "images", rate)
        return rows


def open_features(path: Path, source: Source) -> ImageFeatures:
    """The encoder that an artifact of cnn is.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree.

    """
    classifier = open_classifier(path)
    return ImageFeatures(source, classifier.model, classifier.form)


def _size(height: int, width: int, channels: int) -> str:
    return f"{width}x{height} {'grey' if channels == 1 else 'rgb'}"
