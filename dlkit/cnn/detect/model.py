"""Detectors by name: torchvision's families, and a small one for small images and little time.

All of them number classes from 1: 0 is what is no object, as torchvision's published weights have
it. Nothing of torchvision's own weights is used, which are pickles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from dlkit.cnn.detect.small_model import CHANNELS, WIDTHS, small
from dlkit.cnn.network import Pixels

SCORE: Final = 0.01  # what is less sure is no answer
OVERLAP: Final = 0.5  # boxes of a class that overlap by more are one object
MOST: Final = 100  # objects of an image, as COCO counts them

_TORCHVISION: Final = {
    "ssdlite": "ssdlite320_mobilenet_v3_large",
    "ssd": "ssd300_vgg16",
    "retinanet": "retinanet_resnet50_fpn",
    "fcos": "fcos_resnet50_fpn",
    "fasterrcnn": "fasterrcnn_resnet50_fpn",
    "fasterrcnn-mobile": "fasterrcnn_mobilenet_v3_large_fpn",
}
# Parts that torchvision has had other names for: X.0.weight for X.weight, and in RetinaNet's heads
# the number of a convolution among convolutions for that among all layers.
_PYRAMID: Final = re.compile(r"^(backbone\.fpn\.\w+_blocks\.\d+)\.0\.(weight|bias)$")
_PROPOSING: Final = re.compile(r"^(rpn\.head\.conv)\.0\.0\.(weight|bias)$")
_HEAD: Final = re.compile(r"^(head\.\w+_head\.conv)\.(\d)\.0\.(weight|bias)$")

Target = dict[str, Tensor]  # boxes (K, 4) float32 by corners, labels (K,) int64 from 1


@dataclass(frozen=True, eq=False)
class Shown:
    """Images with what is in them, which a detector is given to learn from.

    Attributes:
        images: (B, 3, H, W) bytes.
        targets: of each its boxes and labels.

    """

    images: Tensor
    targets: Sequence[Target]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, part: slice) -> Shown:
        return Shown(self.images[part], self.targets[part])


class Detector(nn.Module):
    """Where things are in images.

    Args:
        name: small, or a family of torchvision.
        classes: number of classes.
        mean: of the pixels, by channel, from 0 to 1.
        std: their deviations.
        widths: small: channels at strides 2, 4, 8, 16 and 32.
        channels: small: of the feature pyramid and the heads.

    Raises:
        ValueError: there is no such network, or it does not take an argument.

    """

    def __init__(
        self,
        *,
        name: str,
        classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        widths: Sequence[int] | None = None,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        self.pixels = Pixels(mean, std)
        self.name = name
        self.classes = classes
        if name == "small":
            self.net: Any = small(classes, tuple(widths or WIDTHS), channels or CHANNELS)
        elif widths is not None or channels is not None:
            raise ValueError(f"{name} has the widths that torchvision gives it")
        else:
            self.net = _torchvision(name, classes)
        _arrange(self.net)

    def forward(self, shown: Shown | Tensor) -> Any:
        """The losses of what is shown, by name, in training mode; else the objects of images.

        Args:
            shown: what to learn from; or images (B, 3, H, W), bytes.

        Returns:
            () tensors by name; or of each image boxes (K, 4) in its pixels, scores (K,) from 0 to
            1, falling, and labels (K,) from 1.

        """
        if isinstance(shown, Shown):
            numbers = list(self.pixels(shown.images))
            return self.net(numbers, [dict(each) for each in shown.targets])
        return self.net(list(self.pixels(shown)))

    @property
    def head(self) -> nn.Module:
        """What knows the classes: its shape depends on their number."""
        net: Any = self.net
        if self.two_stages:
            found: nn.Module = net.roi_heads.box_predictor
        else:
            head: Any = net.head.classification_head
            found = getattr(head, "cls_logits", head)  # of SSDs a convolution for each level
        return found

    def published(self, name: str) -> tuple[str, ...]:
        """What a tensor of the state may be called in files: here, by torchvision, of a backbone.

        Of some layers torchvision's files have older names, too, which it translates itself.
        """
        theirs = name.removeprefix("net.")
        found = [name, theirs, _PYRAMID.sub(r"\1.\2", theirs), _PROPOSING.sub(r"\1.\2", theirs),
                 _HEAD.sub(lambda old: f"{old[1]}.{2 * int(old[2])}.{old[3]}", theirs)]  # fmt: skip
        for start in ("backbone.body.", "backbone."):
            if theirs.startswith(start):
                body = theirs.removeprefix(start)
                found += [body, f"features.{body}", f"module.{body}"]
        return tuple(dict.fromkeys(found))

    def freeze_norms(self) -> int:
        """Let the backbone's batch normalisations stay as they are; how many there are.

        Published weights were normalised by many images, a batch of detection has a few.
        """
        count = 0
        for module in self.net.backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.requires_grad_(requires_grad=False)
                count += 1
        return count

    def padded(self, images: Tensor) -> Tensor:
        """(B, 3, H', W') what the backbone is given of images (B, 3, H, W), bytes.

        Feature pyramids want sides that their largest stride divides: the rest is 0.
        """
        numbers: Tensor = self.pixels(images)
        of = int(self.net.transform.size_divisible)
        below, right = -images.shape[2] % of, -images.shape[3] % of
        return nn.functional.pad(numbers, (0, right, 0, below)) if below or right else numbers

    def levels(self, images: Tensor) -> dict[str, Tensor]:
        """The backbone's maps (B, C, h, w) of images (B, 3, H, W), by name, the finest first."""
        found: Any = self.net.backbone(self.padded(images))
        return {"0": found} if isinstance(found, Tensor) else dict(found)

    def anchors(self, images: Tensor) -> list[Tensor]:
        """Of each level its anchor boxes (A, 4), pixels, for images (B, 3, H, W)."""
        from torchvision.models.detection.image_list import ImageList

        maps = list(self.levels(images).values())
        sizes = [(int(images.shape[2]), int(images.shape[3]))] * len(images)
        net: Any = self.net
        generator = net.rpn.anchor_generator if self.two_stages else net.anchor_generator
        (boxes, *_) = generator(ImageList(self.padded(images), sizes), maps)
        each = generator.num_anchors_per_location()
        each = each * len(maps) if len(each) == 1 else each
        counts = [m.shape[2] * m.shape[3] * n for m, n in zip(maps, each, strict=True)]
        return list(boxes.split(counts))

    @property
    def two_stages(self) -> bool:
        """Whether it proposes boxes first and looks at each of them then."""
        return hasattr(self.net, "rpn")


def network_of(arguments: Mapping[str, Any]) -> Detector:
    """The detector of arguments in JSON's types.

    Raises:
        TypeError, ValueError: they are none.

    """
    given = dict(arguments)
    given.pop("size")
    return Detector(**given)


def _torchvision(name: str, classes: int) -> nn.Module:
    try:
        from torchvision.models import detection
    except ImportError as error:
        raise ValueError(f"{name} needs torchvision: pip install torchvision") from error
    if name not in _TORCHVISION:
        raise ValueError(f"no such network: there are small, {', '.join(_TORCHVISION)}")
    maker: Callable[..., nn.Module] = getattr(detection, _TORCHVISION[name])
    return maker(weights=None, weights_backbone=None, num_classes=classes + 1)


def _arrange(net: Any) -> None:
    """Let a network of torchvision take images as they are, and answer as all others do."""
    net.transform = _as_they_are(net.transform.size_divisible)
    answering = net.roi_heads if hasattr(net, "roi_heads") else net
    answering.score_thresh = SCORE
    answering.detections_per_img = MOST
    if not hasattr(net, "roi_heads"):
        answering.nms_thresh = OVERLAP
    # Coordinates need all their bits: what heads give is made float32 where products are in fewer.
    heads = (net.rpn.head, net.roi_heads.box_predictor) if hasattr(net, "rpn") else (net.head,)
    for head in heads:
        head.register_forward_hook(_exact)


def _as_they_are(divisible: int) -> nn.Module:
    """What of torchvision makes a batch of images, which are scaled and of one size already."""
    from torchvision.models.detection.transform import GeneralizedRCNNTransform

    class AsTheyAre(GeneralizedRCNNTransform):  # type: ignore[misc]
        def normalize(self, image: Tensor) -> Tensor:
            return image

        def resize(
            self, image: Tensor, target: Target | None = None
        ) -> tuple[Tensor, Target | None]:
            return image, target

    made: nn.Module = AsTheyAre(1, 1, [0.0] * 3, [1.0] * 3, size_divisible=divisible)
    return made


def _exact(_module: nn.Module, _inputs: Any, output: Any) -> Any:
    return _floats(output)


def _floats(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float()
    if isinstance(value, dict):
        return {name: _floats(each) for name, each in value.items()}
    return type(value)(map(_floats, value))


def parts_of(model: Detector) -> Iterator[tuple[str, nn.Module]]:
    """The parts that a person asks about: stages of the backbone, pyramid, heads."""
    for name, part in model.net.named_children():
        if not any(True for _ in part.parameters()):
            continue
        inner = [(f"{name}.{below}", each) for below, each in part.named_children()
                 if any(True for _ in each.parameters())]  # fmt: skip
        yield from inner or [(name, part)]
