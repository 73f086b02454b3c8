"""The artifact of upscale: what stands in its files, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.classifiers.opened import DIGESTS, WEIGHTS, damaged
from dlkit.cnn.upscale.prepare import network_of
from dlkit.data.samples import unpacked
from dlkit.training.machine import check_device

if TYPE_CHECKING:
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.cnn.upscale.model import Upscaler
    from dlkit.data.samples import Digests

TASK: Final = "upscale"
KIND: Final = "upscaler"
_MOST_PARAMETERS: Final = 2**33


@dataclass(frozen=True, eq=False)
class SavedUpscaler:
    """An artifact of upscale, ready to be asked.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        model: the network, in evaluation mode.
        artifact: its files.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    model: Upscaler
    artifact: Artifact

    @property
    def scale(self) -> int:
        """How many times as large images become."""
        return self.model.scale

    def settings(self) -> UpscaleConfig:
        """The settings of its training."""
        from dlkit.cnn.upscale.config import UpscaleConfig
        from dlkit.config.resolve import validate
        from dlkit.config.yamlfile import read

        return validate(UpscaleConfig, read(self.artifact.file("config.yaml")))

    def learnt(self) -> Digests:
        """(N,) digests of the images that it was trained with.

        Raises:
            DlkitError: (DAMAGED) the file does not hold digests.

        """
        try:
            return unpacked(read_tensors(self.artifact.file(DIGESTS))["train"])
        except (KeyError, ValueError) as problem:
            raise damaged(self.reference, f"{DIGESTS}: {problem}") from None

    def history(self) -> list[dict[str, Any]]:
        """The metrics of each epoch of its training."""
        lines = self.artifact.read("metrics.jsonl").decode().splitlines()
        return [json.loads(line) for line in lines]


def open_upscaler(path: Path, *, device: str = "cpu", threads: int | None = None) -> SavedUpscaler:
    """The artifact in the folder ``path``.

    Args:
        path: an artifact of kind ``upscaler``.
        device: where the network shall be.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest; (USAGE)
            no such device.

    """
    import torch

    artifact = open_artifact(path)
    reference = f"{path.parent.name}/{path.name}"
    tensors = read_tensors(artifact.file(WEIGHTS))
    check_finite(tensors, where=path / WEIGHTS)
    check_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        if sum(tensor.size for tensor in tensors.values()) > _MOST_PARAMETERS:
            raise ValueError("too many weights")
        if not isinstance(artifact.document["data"]["fingerprints"], dict):
            raise TypeError("no fingerprints")
        with torch.device("meta"):
            model = network_of(dict(artifact.document["model"]))
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
        raise damaged(reference, f"{WEIGHTS} does not fit artifact.json: {told}") from None
    return SavedUpscaler(reference, path, artifact.document, model.to(device).eval(), artifact)
