"""The artifact of classify: what stands in its files, read."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.artifacts.textlines import read_lines
from dlkit.classify.asking import scores_of, values_of
from dlkit.classify.inputs import NgramReader, Reader, RowReader
from dlkit.classify.prepare import network_of
from dlkit.data.forms import Form, read_form
from dlkit.data.ngrams import read_ngrams
from dlkit.data.preprocess import read_pipeline
from dlkit.data.samples import unpacked
from dlkit.encoders import reopen_encoder
from dlkit.errors import DAMAGED, DlkitError
from dlkit.training.machine import check_device

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.data.samples import Digests, Inputs
    from dlkit.records import Record

TASK: Final = "classify"
KIND: Final = "classifier"
WEIGHTS: Final = "weights.safetensors"
STEPS: Final = "preprocess.safetensors"
LABELS: Final = "labels.txt"
DIGESTS: Final = "digests.safetensors"
_MOST_PARAMETERS: Final = 2**33
_LOSSES: Final = ("softmax", "hinge")


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

    @property
    def name(self) -> str:
        """Its name in the store."""
        return self.path.name

    @property
    def value(self) -> str:
        """What ``ask`` tells of a class: probability, or score."""
        return "probability" if self.loss == "softmax" else "score"

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """SHA-256 of the data's splits, by name."""
        found = self.document["data"]["fingerprints"]
        return found if isinstance(found, dict) else {}

    def learnt(self) -> Digests | None:
        """(N,) the digests of the contents of its training split; None: an older dlkit made it.

        Raises:
            DlkitError: (DAMAGED) the file does not hold digests.

        """
        if DIGESTS not in self.artifact:
            return None
        try:
            return unpacked(read_tensors(self.artifact.file(DIGESTS))["train"])
        except (KeyError, ValueError) as problem:
            raise damaged(self.reference, f"{DIGESTS}: {problem}") from None

    def settings(self) -> dict[str, Any]:
        """The settings of its training."""
        from dlkit.config.yamlfile import read

        return read(self.artifact.file("config.yaml"))

    def scores(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Any]:
        """(N, C) float32 the scores of ``inputs``, which messages call ``what``."""
        numbers = yield from self.reader.apply(inputs, what=what)
        device = next(self.model.parameters()).device.type
        found = scores_of(self.model, numbers, device=device)
        return found if len(found) else found.reshape(0, len(self.classes))

    def ask(self, inputs: Inputs, *, what: str) -> Generator[Record, None, npt.NDArray[np.float64]]:
        """(N, C) probabilities of ``inputs``; of a hinge loss the scores."""
        scores = yield from self.scores(inputs, what=what)
        return values_of(scores, self.loss)


def damaged(reference: str, what: str) -> DlkitError:
    """The error of an artifact whose parts do not agree."""
    return DlkitError(
        f"{reference} is damaged: {what}",
        hint=f"dlkit artifacts verify {reference}",
        code=DAMAGED,
    )


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
    artifact = open_artifact(path)
    document, reference = artifact.document, f"{path.parent.name}/{path.name}"
    try:
        form = read_form(document["data"]["form"], where=reference)
        classes = tuple(read_lines(artifact.read(LABELS)))
        loss, arguments = document["loss"], document["model"]
        if loss not in _LOSSES or not isinstance(document["data"]["fingerprints"], dict):
            raise ValueError(loss)
        if arguments["classes"] != len(classes) or len(classes) < 1:
            raise ValueError(f"{len(classes)} labels")
    except (KeyError, TypeError, ValueError) as problem:
        raise damaged(reference, f"artifact.json: {problem!r}") from None
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
    model = _network(artifact, arguments, reference, device, threads)
    return Classifier(reference, path, document, form, reader, model, classes, loss, artifact)


def _network(
    artifact: Artifact, arguments: Any, reference: str, device: str, threads: int | None
) -> nn.Module:
    """The network with its weights."""
    import torch

    tensors = read_tensors(artifact.file(WEIGHTS))
    check_finite(tensors, where=artifact.path / WEIGHTS)
    check_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        if sum(tensor.size for tensor in tensors.values()) > _MOST_PARAMETERS:
            raise ValueError("too many weights")
        with torch.device("meta"):
            model = network_of(dict(arguments))
        weights = {name: torch.from_numpy(np.array(each)) for name, each in tensors.items()}
        model.load_state_dict(weights, strict=True, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as problem:
        told = " ".join(str(problem).split())[:200]
        raise damaged(reference, f"{WEIGHTS} does not fit artifact.json: {told}") from None
    return model.to(device).eval()
