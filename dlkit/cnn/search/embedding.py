"""Images as rows of length 1: what a network's last layer sees of them, whitened where asked."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.artifacts.finding import find
from dlkit.cnn.search.whitening import Whitening, normalised
from dlkit.data.wording import counted
from dlkit.encoders import Encoder, open_encoder
from dlkit.errors import DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Pixels

    Floats = npt.NDArray[np.float32]

# Kinds of artifacts that make rows of images.
ENCODING = frozenset(["image-classifier", "image-embedder"])


@dataclass(frozen=True, eq=False)
class Embedder:
    """What makes embeddings.

    Attributes:
        encoder: an artifact's network.
        mirror: add to the features of each image those of its mirror image.
        whitening: what is done to rows then; None: nothing.

    """

    encoder: Encoder
    mirror: bool = False
    whitening: Whitening | None = None

    def plain(self, images: Pixels, *, what: str) -> Generator[Record, None, Floats]:
        """(N, D) the features of images (N, H, W, C), of length 1, before any whitening.

        Raises:
            DlkitError: the network gives numbers that are none.

        """
        rows = yield from self.encoder.encode(images, what=what)
        if self.mirror:
            rows = rows + (yield from self.encoder.encode(images[:, :, ::-1], what=f"{what}, 2"))
        if not np.isfinite(rows).all():
            raise DlkitError(
                f"{self.encoder.source.reference} gives features that are no finite numbers",
                hint=f"dlkit artifacts verify {self.encoder.source.reference}",
            )
        if empty := int((~rows.any(axis=1)).sum()):
            yield Warned(
                f"{what}: {counted(empty, 'image')} of which the network sees nothing (all "
                "features are 0): similar to none"
            )
        return normalised(rows)

    def rows(self, images: Pixels, *, what: str) -> Generator[Record, None, Floats]:
        """(N, K) rows that are compared by their products."""
        plain = yield from self.plain(images, what=what)
        return self.finished(plain)

    def finished(self, plain: Floats) -> Floats:
        """Rows (N, K), of what ``plain`` gave."""
        return plain if self.whitening is None else self.whitening.apply(plain)

    def whitened(self, whitening: Whitening | None) -> Embedder:
        """The same with another whitening."""
        return replace(self, whitening=whitening)


def open_image_encoder(
    reference: str | None, *, device: str = "cpu", threads: int | None = None
) -> Generator[Record, None, Encoder]:
    """The network of an artifact, the newest that makes rows of images if none is named.

    Args:
        reference: NAME, TASK/NAME or a path.
        device: where it computes.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: there is none, or it is of another kind (USAGE).

    """
    path = find(reference, kinds=ENCODING)
    encoder = open_encoder(str(path))
    if reference is None:
        yield Noted(f"features of {encoder.source.reference}, the newest (--from names another)")
    return settled(encoder, device=device, threads=threads)


def settled(encoder: Encoder, *, device: str, threads: int | None) -> Encoder:
    """An encoder on its device, with so many threads.

    Raises:
        DlkitError: (USAGE) there is no such device.

    """
    import torch

    from dlkit.training.machine import check_device

    known: Any = device
    check_device(known)
    if threads is not None:
        torch.set_num_threads(threads)
    model: Any = getattr(encoder, "model", None)
    if model is not None and device != "cpu":
        model.to(device)
    return encoder
