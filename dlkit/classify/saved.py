"""The artifact of classify: what stands in its files, read."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.classifiers.opened import open_common, read_network
from dlkit.classify.asking import scores_of
from dlkit.classify.inputs import NgramReader, Reader, RowReader
from dlkit.classify.prepare import network_of
from dlkit.data.ngrams import read_ngrams
from dlkit.data.preprocess import read_pipeline
from dlkit.encoders import reopen_encoder

if TYPE_CHECKING:
    from torch import nn

    from dlkit.artifacts.load import Artifact
    from dlkit.data.forms import Form
    from dlkit.data.samples import Inputs
    from dlkit.records import Record

TASK: Final = "classify"
KIND: Final = "classifier"
STEPS: Final = "preprocess.safetensors"


@dataclass(frozen=True, eq=False)
class Classifier:
    """An artifact of classify, ready to be asked.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        form: how raw inputs are read.
        reader: how inputs become numbers.
        model: the network, on the CPU, in evaluation mode.
        classes: (C,) their names.
        loss: softmax, or hinge, whose scores are no logarithms of probabilities.
        artifact: its files.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    form: Form
    reader: Reader
    model: nn.Module
    classes: tuple[str, ...]
    loss: Any
    artifact: Artifact

    def scores(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Any]:
        """(N, C) float32 the scores of ``inputs``, which messages call ``what``."""
        numbers = yield from self.reader.apply(inputs, what=what)
        device = next(self.model.parameters()).device.type
        found = scores_of(self.model, numbers, device=device)
        return found if len(found) else found.reshape(0, len(self.classes))


def open_classifier(
    path: Path, *, features: str | None = None, device: str = "cpu", threads: int | None = None
) -> Classifier:
    """The artifact in the folder ``path``.

    Args:
        path: an artifact of kind ``classifier``.
        features: where its encoder is now; None: where it was.
        device: where the network shall be.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest; the
            encoder is another now; (NOT_FOUND) the encoder is gone; (USAGE) no such device.

    """
    opened = open_common(path)
    artifact, document, reference = opened.artifact, opened.artifact.document, opened.reference
    steps = read_tensors(artifact.file(STEPS)) if STEPS in artifact else {}
    check_finite(steps, where=path / STEPS)
    reader: Reader
    if document.get("ngrams") is not None:
        reader = NgramReader(read_ngrams(document["ngrams"], steps, where=reference))
    else:
        pipeline = read_pipeline(document.get("preprocess"), steps, where=reference)
        wanted = document.get("features")
        encoder = None
        if wanted is not None:
            encoder = reopen_encoder(wanted, where=reference, moved_to=features)
        reader = RowReader(pipeline, encoder)
    model = read_network(opened, network_of, device=device, threads=threads)
    return Classifier(
        reference, path, document, opened.form, reader, model, opened.classes, opened.loss, artifact
    )
