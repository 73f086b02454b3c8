"""The artifact of detect: what stands in its files, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.load import Artifact, open_artifact
from dlkit.artifacts.tensors import check_finite, read_tensors
from dlkit.artifacts.textlines import read_lines
from dlkit.classifiers.opened import LABELS, WEIGHTS, damaged
from dlkit.training.machine import check_device

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.model import Detector

TASK: Final = "detect"
KIND: Final = "detector"
_MOST_PARAMETERS: Final = 2**31


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """An artifact of detect, ready to be asked.

    Attributes:
        reference: TASK/NAME.
        path: its folder.
        document: its artifact.json.
        model: the network, in evaluation mode.
        classes: (C,) their names.
        size: (height, width) of its images.
        threshold: of the score, where F1 of the validation images was best.
        artifact: its files.

    """

    reference: str
    path: Path
    document: Mapping[str, Any]
    model: Detector
    classes: tuple[str, ...]
    size: tuple[int, int]
    threshold: float
    artifact: Artifact

    def settings(self) -> DetectConfig:
        """The settings of its training."""
        from dlkit.cnn.detect.config import DetectConfig
        from dlkit.config.resolve import validate
        from dlkit.config.yamlfile import read

        return validate(DetectConfig, read(self.artifact.file("config.yaml")))

    def history(self) -> list[dict[str, Any]]:
        """The metrics of each epoch of its training."""
        lines = self.artifact.read("metrics.jsonl").decode().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """SHA-256 of the data's splits, by name."""
        found: Mapping[str, str] = self.document["data"]["fingerprints"]
        return found


def open_detector(path: Path, *, device: str = "cpu", threads: int | None = None) -> SavedDetector:
    """The artifact in the folder ``path``.

    Args:
        path: an artifact of kind ``detector``.
        device: where the network shall be.
        threads: of PyTorch, from now on; None: as they are set.

    Raises:
        DlkitError: (DAMAGED) its parts do not agree with each other or with its manifest; (USAGE)
            no such device.

    """
    import torch

    from dlkit.cnn.detect.model import network_of

    artifact = open_artifact(path)
    reference, document = f"{path.parent.name}/{path.name}", artifact.document
    tensors = read_tensors(artifact.file(WEIGHTS))
    check_finite(tensors, where=path / WEIGHTS)
    check_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        classes = tuple(read_lines(artifact.read(LABELS)))
        arguments, threshold = dict(document["model"]), float(document["threshold"])
        height, width = (int(side) for side in arguments["size"])
        if arguments["classes"] != len(classes) or not classes:
            raise ValueError(f"{len(classes)} labels")
        if not (32 <= height <= 4096 and 32 <= width <= 4096 and 0 <= threshold <= 1):
            raise ValueError(f"images of {width}x{height}, threshold {threshold}")
        if not isinstance(document["data"]["fingerprints"], dict):
            raise TypeError("no fingerprints")
        channels = arguments.get("channels") or 0
        if sum(each.size for each in tensors.values()) > _MOST_PARAMETERS or channels > 1024:
            raise ValueError("too many weights")
        # Not on the device "meta": torchvision keeps anchors in tensors that no state has.
        model = network_of(arguments)
        weights = {name: torch.from_numpy(np.array(each)) for name, each in tensors.items()}
        model.load_state_dict(weights, strict=True)
    except (AttributeError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())[:200]
        raise damaged(reference, f"{WEIGHTS} does not fit artifact.json: {told}") from None
    return SavedDetector(
        reference, path, document, model.to(device).eval(), classes, (height, width), threshold,
        artifact,
    )  # fmt: skip
