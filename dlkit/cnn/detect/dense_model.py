"""What a detector of one stage says of every place of an image, for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from dlkit.cnn.detect.model import Detector


class Dense(nn.Module):
    """All that a detector of one stage says of images, before anything is left out.

    Args:
        detector: of one stage.
        size: (height, width) of the images.

    Raises:
        ValueError: it has two stages.

    """

    def __init__(self, detector: Detector, size: tuple[int, int]) -> None:
        super().__init__()
        if detector.two_stages:
            raise ValueError("a detector of two stages looks at boxes that it chose itself")
        self.detector = detector
        with torch.no_grad():
            empty = torch.zeros(1, 3, *size, dtype=torch.uint8)
            self.register_buffer("places", torch.cat(detector.anchors(empty)))
        self.sides = (float(size[1]), float(size[0])) * 2

    def forward(self, images: Tensor) -> Tensor:
        """(B, A, 4 + C): left, top, right, bottom in pixels, then the score of each class.

        Args:
            images: (B, 3, H, W) bytes.

        """
        net: Any = self.detector.net
        head = net.head(list(self.detector.levels(images).values()))
        places: Any = self.places
        numbers, logits = head["bbox_regression"], head["cls_logits"]
        if "bbox_ctrness" in head:
            boxes = net.box_coder.decode(numbers, places[None])
            scores = (logits.sigmoid() * head["bbox_ctrness"].sigmoid()).sqrt()[..., 1:]
        else:
            # ``len`` would make the number of images a constant of what is exported.
            every = places.repeat(images.shape[0], 1)
            flat = net.box_coder.decode_single(numbers.reshape(-1, 4), every)
            boxes = flat.reshape(-1, places.shape[0], 4)
            softmax = self.detector.name in ("ssd", "ssdlite")
            scores = (logits.softmax(-1) if softmax else logits.sigmoid())[..., 1:]
        limits = torch.tensor(self.sides, device=boxes.device)
        return torch.cat([torch.minimum(boxes.clamp(min=0), limits), scores], dim=-1)
