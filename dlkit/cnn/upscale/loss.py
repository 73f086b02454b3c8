"""The loss of upscaling, of a batch, and what is told of it: the peak signal-to-noise ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

if TYPE_CHECKING:
    from torch import Tensor

MOST: Final = 100.0  # dB that are told of a patch without any difference


@dataclass(frozen=True)
class Differences:
    """Between images (B, C, H, W) from 0 to 1 and the true ones, bytes.

    Attributes:
        kind: l1, the mean absolute difference of an image; l2, the mean squared one.
        shave: pixels of the border that the measure leaves out.

    """

    kind: Literal["l1", "l2"]
    shave: int = 0
    measure: ClassVar[str] = "psnr"

    def total(self, outputs: Any, targets: Any) -> Tensor:
        """() the sum of the images' losses."""
        lost = outputs.float() - targets.float() / 255
        each = lost.abs() if self.kind == "l1" else lost.square()
        total: Tensor = each.flatten(1).mean(1).sum()
        return total

    def measured(self, outputs: Any, targets: Any) -> Tensor:
        """() the sum of the images' PSNR, dB: of bytes, without the border, at most 100."""
        made = (outputs.detach().float().clamp(0, 1) * 255).round()
        lost = (made - targets.float()).square()
        if self.shave and min(lost.shape[2:]) > 2 * self.shave:
            lost = lost[..., self.shave : -self.shave, self.shave : -self.shave]
        error = lost.flatten(1).mean(1).clamp(min=255.0**2 * 10 ** (-MOST / 10))
        total: Tensor = (20 * math.log10(255) - 10 * error.log10()).sum()
        return total

    @property
    def plain(self) -> Self:
        """The loss to judge by: the same."""
        return self
