"""RandAugment: operations of torchvision, drawn for each image, done to all that drew one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

    Operation = Callable[[Any, torch.Tensor, float], torch.Tensor]

BINS: Final = 30  # the largest magnitude


def randaugmented(
    images: torch.Tensor, generator: torch.Generator, *, operations: int = 2, magnitude: int = 9
) -> torch.Tensor:
    """Each image by so many operations, one after the other (Cubuk et al. 2020, section 3).

    The 14 operations, their strengths and the nearest pixel where an image is moved are those of
    torchvision's RandAugment; those that have a direction take either with probability 1/2. There
    a batch shares its draws; here every image has its own.

    Args:
        images: (B, C, H, W) uint8, C 1 or 3.
        generator: on the device of the images.
        operations: for each image.
        magnitude: 0 to 30.

    """
    import torch
    from torchvision.transforms.v2 import functional

    count, device = len(images), images.device
    kinds = list(OPERATIONS.values())
    size = (count, operations)
    drawn = torch.randint(0, 2 * len(kinds), size, generator=generator, device=device)
    for turn in range(operations):
        # Both directions of what has none are the same.
        which = drawn[:, turn].tolist()
        groups: dict[tuple[int, int], list[int]] = {}
        for place, number in enumerate(which):
            kind, back = divmod(number, 2)
            sign = -1 if back and kinds[kind][1] else 1
            groups.setdefault((kind, sign), []).append(place)
        made = images.clone()
        for (kind, sign), places in sorted(groups.items()):
            operation, _, most = kinds[kind]
            strength = sign * strength_of(most, magnitude)
            some = torch.tensor(places, device=device)
            made[some] = operation(functional, images[some], strength)
        images = made
    return images


def strength_of(most: float, magnitude: int) -> float:
    """The strength at a magnitude, ``most`` at the largest: as torchvision has it, in float32."""
    import torch

    return float(torch.linspace(0, most, BINS + 1)[magnitude])


def _identity(_functional: Any, images: torch.Tensor, _strength: float) -> torch.Tensor:
    return images


def _sheared(axis: int) -> Operation:
    def operation(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
        shear = [0.0, 0.0]
        shear[axis] = math.degrees(math.atan(strength))
        return functional.affine(  # type: ignore[no-any-return]
            images, angle=0.0, translate=[0, 0], scale=1.0, shear=shear, center=[0, 0]
        )

    return operation


def _shifted(axis: int) -> Operation:
    def operation(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
        way = [0, 0]
        way[axis] = int(strength * images.shape[3 - axis])
        return functional.affine(  # type: ignore[no-any-return]
            images, angle=0.0, translate=way, scale=1.0, shear=[0.0, 0.0]
        )

    return operation


def _rotated(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
    return functional.rotate(images, angle=strength)  # type: ignore[no-any-return]


def _adjusted(name: str) -> Operation:
    def operation(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
        return getattr(functional, f"adjust_{name}")(images, 1 + strength)  # type: ignore[no-any-return]

    return operation


def _posterized(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
    return functional.posterize(images, bits=8 - round(strength))  # type: ignore[no-any-return]


def _solarized(functional: Any, images: torch.Tensor, strength: float) -> torch.Tensor:
    return functional.solarize(images, threshold=255 * (1 - strength))  # type: ignore[no-any-return]


def _stretched(functional: Any, images: torch.Tensor, _strength: float) -> torch.Tensor:
    return functional.autocontrast(images)  # type: ignore[no-any-return]


def _equalized(functional: Any, images: torch.Tensor, _strength: float) -> torch.Tensor:
    return functional.equalize(images)  # type: ignore[no-any-return]


# Each operation, whether it has two directions, and its strength at the largest magnitude.
OPERATIONS: Final[dict[str, tuple[Operation, bool, float]]] = {
    "Identity": (_identity, False, 0.0),
    "ShearX": (_sheared(0), True, 0.3),
    "ShearY": (_sheared(1), True, 0.3),
    "TranslateX": (_shifted(0), True, 150 / 331),
    "TranslateY": (_shifted(1), True, 150 / 331),
    "Rotate": (_rotated, True, 30.0),
    "Brightness": (_adjusted("brightness"), True, 0.9),
    "Color": (_adjusted("saturation"), True, 0.9),
    "Contrast": (_adjusted("contrast"), True, 0.9),
    "Sharpness": (_adjusted("sharpness"), True, 0.9),
    "Posterize": (_posterized, False, 4.0),
    "Solarize": (_solarized, False, 1.0),
    "AutoContrast": (_stretched, False, 0.0),
    "Equalize": (_equalized, False, 0.0),
}
