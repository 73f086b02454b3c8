"""The artifact of a trained classifier as others see it, and the files that every one has."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.artifacts.textlines import read_lines
from dlkit.classifiers.asking import values_of
from dlkit.data.forms import Form, read_form
from dlkit.data.samples import unpacked
from dlkit.errors import DAMAGED, DlkitError
from dlkit.training.machine import check_device

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.data.samples import Digests, Inputs
    from dlkit.records import Record

WEIGHTS: Final = "weights.safetensors"
LABELS: Final = "labels.txt"
DIGESTS: Final = "digests.safetensors"
VALIDATION: Final = "validation.safetensors"
_MOST_PARAMETERS: Final = 2**33
_LOSSES: Final = ("softmax", "hinge")


class Classifier(Protocol):
    """A trained classifier that can be asked, whatever its room."""

    @property
    def reference(self) -> str:
        """TASK/NAME."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def document(self) -> Mapping[str, Any]:
        """Its artifact.json."""

    @property
    def form(self) -> Form:
        """How raw inputs are read."""

    @property
    def classes(self) -> tuple[str, ...]:
        """(C,) their names."""

    @property
    def loss(self) -> Any:
        """softmax, or hinge, whose scores are no logarithms of probabilities."""

    @property
    def artifact(self) -> Artifact:
        """Its files."""

    def scores(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Any]:
        """(N, C) float32 the scores of ``inputs``, which messages call ``what``."""


class Opened(NamedTuple):
    """What the files of every classifier's artifact say.

    Attributes:
        artifact: the files.
        reference: TASK/NAME.
        form: how raw inputs are read.
        classes: (C,) their names.
        loss: softmax or hinge.

    """

    artifact: Artifact
    reference: str
    form: Form
    classes: tuple[str, ...]
    loss: Any


def open_common(path: Path) -> Opened:
    """Open the artifact in the folder ``path``, but for its network and its preprocessing.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest.

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
    return Opened(artifact, reference, form, classes, loss)


def read_network(
    opened: Opened,
    build: Callable[[dict[str, Any]], nn.Module],
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> nn.Module:
    """The network with its weights, in evaluation mode.

    Args:
        opened: the artifact.
        build: makes the network of the arguments that artifact.json keeps.
        device: where it shall be.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: (DAMAGED) weights and arguments do not agree; (USAGE) no such device.

    """
    import torch

    artifact = opened.artifact
    tensors = read_tensors(artifact.file(WEIGHTS))
    check_finite(tensors, where=artifact.path / WEIGHTS)
    check_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        if sum(tensor.size for tensor in tensors.values()) > _MOST_PARAMETERS:
            raise ValueError("too many weights")
        with torch.device("meta"):
            model = build(dict(artifact.document["model"]))
        weights = {name: torch.from_numpy(np.array(each)) for name, each in tensors.items()}
        model.load_state_dict(weights, strict=True, assign=True)
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as problem:
        told = " ".join(str(problem).split())[:200]
        what = f"{WEIGHTS} does not fit artifact.json: {told}"
        raise damaged(opened.reference, what) from None
    return model.to(device).eval()


def damaged(reference: str, what: str) -> DlkitError:
    """The error of an artifact whose parts do not agree."""
    return DlkitError(
        f"{reference} is damaged: {what}",
        hint=f"dlkit artifacts verify {reference}",
        code=DAMAGED,
    )


def value_of(classifier: Classifier) -> str:
    """What ``ask`` tells of a class: probability, or score."""
    return "probability" if classifier.loss == "softmax" else "score"


def settings_in(classifier: Classifier) -> dict[str, Any]:
    """The settings of its training."""
    from dlkit.config.yamlfile import read

    return read(classifier.artifact.file("config.yaml"))


def fingerprints_of(classifier: Classifier) -> Mapping[str, str]:
    """SHA-256 of the data's splits, by name."""
    found = classifier.document["data"]["fingerprints"]
    return found if isinstance(found, dict) else {}


def learnt_of(classifier: Classifier) -> Digests | None:
    """(N,) the digests of the contents of its training split; None: an older dlkit made it.

    Raises:
        DlkitError: (DAMAGED) the file does not hold digests.

    """
    artifact = classifier.artifact
    if DIGESTS not in artifact:
        return None
    try:
        return unpacked(read_tensors(artifact.file(DIGESTS))["train"])
    except (KeyError, ValueError) as problem:
        raise damaged(classifier.reference, f"{DIGESTS}: {problem}") from None


def validation_of(
    classifier: Classifier,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None:
    """(N, C) what was said of the validation samples, and their labels (N,); None: it is not kept.

    Raises:
        DlkitError: (DAMAGED) the file does not hold them.

    """
    artifact = classifier.artifact
    if VALIDATION not in artifact:
        return None
    found = read_tensors(artifact.file(VALIDATION))
    try:
        values, labels = found["values"].astype(np.float64), found["labels"].astype(np.int64)
        if values.shape != (len(labels), len(classifier.classes)):
            raise ValueError(values.shape)
    except (KeyError, ValueError) as problem:
        raise damaged(classifier.reference, f"{VALIDATION}: {problem}") from None
    return values, labels


def ask(
    classifier: Classifier, inputs: Inputs, *, what: str
) -> Generator[Record, None, npt.NDArray[np.float64]]:
    """(N, C) probabilities of ``inputs``, which messages call ``what``; of a hinge loss scores."""
    scores = yield from classifier.scores(inputs, what=what)
    return values_of(scores, classifier.loss)
