"""The artifact of a head: what stands in its files, read; and the encoder that it is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.classifiers.opened import WEIGHTS, damaged
from dlkit.cnn.search.judging import embedded
from dlkit.cnn.search.whitening import normalised
from dlkit.encoders import Encoder, Source, reopen_encoder

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.forms import ImageForm
    from dlkit.data.samples import Inputs, Kind
    from dlkit.records import Record

EMBEDDER: Final = "image-embedder"
_MOST_NUMBERS: Final = 2**31


@dataclass(frozen=True, eq=False)
class ImageEmbeddings:
    """Images as what a head makes of a network's features.

    Attributes:
        source: the head's artifact.
        trunk: the network.
        head: what stands on it.
        dim: E, numbers of an embedding.

    """

    source: Source
    trunk: Encoder
    head: Any
    dim: int
    kind: Kind = "images"

    @property
    def form(self) -> ImageForm | None:
        """The size and channels that images are made."""
        return self.trunk.form

    @property
    def model(self) -> Any:
        """Both as one module, which moves to devices."""
        from torch import nn

        trunk: Any = self.trunk
        return nn.ModuleList([trunk.model, self.head])

    def encode(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, npt.NDArray[np.float32]]:
        """The rows (N, E) of N images, of length 1."""
        rows = yield from self.trunk.encode(inputs, what=what)
        found = embedded(self.head, normalised(rows))
        return found if len(found) else np.empty((0, self.dim), np.float32)


def head_of(arguments: dict[str, Any]) -> Any:
    """The head that artifact.json tells the arguments of.

    Raises:
        TypeError, ValueError: they are none.

    """
    from dlkit.cnn.search.model import Head

    given = dict(arguments)
    sizes = [given["features"], given["dim"], *given["hidden"], given["classes"]]
    if not all(type(size) is int and 0 <= size <= 10**7 for size in sizes):
        raise ValueError(sizes)
    widths = [given["features"], *given["hidden"], given["dim"], given["classes"]]
    if sum(a * b for a, b in pairwise(widths)) > _MOST_NUMBERS:
        raise ValueError("too many weights")
    return Head(
        given["features"], given["dim"], hidden=tuple(given["hidden"]), classes=given["classes"]
    )


def open_embeddings(path: Path, source: Source) -> ImageEmbeddings:
    """The encoder that the head in the folder ``path`` is.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree; its network is another now; (NOT_FOUND) its
            network is gone.

    """
    import torch

    artifact = open_artifact(path)
    document, reference = artifact.document, f"{path.parent.name}/{path.name}"
    tensors = read_tensors(artifact.file(WEIGHTS))
    check_finite(tensors, where=path / WEIGHTS)
    try:
        with torch.device("meta"):
            head = head_of(dict(document["model"]))
        weights = {name: torch.from_numpy(np.array(each)) for name, each in tensors.items()}
        head.load_state_dict(weights, strict=True, assign=True)
        wanted, dim = document["features"], int(document["model"]["dim"])
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as problem:
        told = " ".join(str(problem).split())[:200]
        raise damaged(reference, f"{WEIGHTS} does not fit artifact.json: {told}") from None
    trunk = reopen_encoder(wanted, where=reference)
    if trunk.dim != document["model"]["features"]:
        raise damaged(reference, f"its network gives {trunk.dim:,} features")
    return ImageEmbeddings(source, trunk, head.eval(), dim)
