"""Small images and the large ones that they were made of, cut to patches of one size.

The small image is the large one, cut to a multiple of the scale, downscaled by PIL: bicubic and
antialiased, its weights stretched by the scale, a = -0.5. MATLAB's imresize, by which the papers
made theirs, is the same but for the border, which it mirrors, and for rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.training.augmenting.pairs import Pair

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    Image = npt.NDArray[np.uint8]  # (H, W, C), C 1 or 3

LEAST: Final = 4  # pixels of a patch's side


class Grid(NamedTuple):
    """Where patches are cut.

    Attributes:
        scale: how many times as large the large image is.
        side: of a patch of the small image, pixels.
        channels: 1 or 3.

    """

    scale: int
    side: int
    channels: int

    @property
    def row(self) -> int:
        """Bytes of a pair: the small patch, then the large one."""
        return self.channels * self.side**2 * (1 + self.scale**2)

    def patches(self, height: int, width: int) -> int:
        """How many patches a large image gives; none if it is smaller than one."""
        down, across = height // self.scale, width // self.scale
        if min(down, across) < self.side:
            return 0
        return -(-down // self.side) * -(-across // self.side)


def of_pil(image: Any) -> Image:
    """(H, W, C) of a Pillow image in mode L or RGB."""
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def to_pil(pixels: Image) -> Any:
    """A Pillow image of (H, W, C), C 1 or 3."""
    from PIL import Image as Pillow

    return Pillow.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def cut(pixels: Image, scale: int) -> Image:
    """The image without the last rows and columns that are no multiple of the scale."""
    height, width = (side // scale * scale for side in pixels.shape[:2])
    return pixels[:height, :width]


def smaller(pixels: Image, scale: int) -> Image:
    """(H/s, W/s, C) of an image whose sides are multiples of the scale: bicubic, antialiased."""
    return resized(pixels, (pixels.shape[0] // scale, pixels.shape[1] // scale), "bicubic")


def resized(pixels: Image, size: tuple[int, int], how: str) -> Image:
    """The image in another size (height, width), by PIL.

    Args:
        pixels: (H, W, C).
        size: in pixels.
        how: bicubic or nearest.

    """
    from PIL import Image as Pillow

    kind = Pillow.Resampling.BICUBIC if how == "bicubic" else Pillow.Resampling.NEAREST
    return of_pil(to_pil(pixels).resize((size[1], size[0]), kind))


def seen(pixels: Image, channels: int) -> Image:
    """What a network of so many channels sees: brightness as PIL rounds it, or three colours."""
    if pixels.shape[2] == channels:
        return pixels
    return of_pil(to_pil(pixels).convert("L" if channels == 1 else "RGB"))


def pairs(pixels: Image, grid: Grid) -> Image:
    """(N, ``grid.row``) the patches of a large image and of the small one, channels first.

    They lie side by side from the left top corner; the last ones end at the border and overlap.

    Args:
        pixels: (H, W, C) the large image.
        grid: where to cut.

    """
    large = cut(pixels, grid.scale)
    small = seen(smaller(large, grid.scale), grid.channels)
    large = seen(large, grid.channels)
    rows = []
    for top in _starts(small.shape[0], grid.side):
        for left in _starts(small.shape[1], grid.side):
            both = (_part(small, top, left, grid.side, 1),
                    _part(large, top, left, grid.side, grid.scale))  # fmt: skip
            rows.append(np.concatenate([each.reshape(-1) for each in both]))
    return np.stack(rows)


def _starts(length: int, side: int) -> list[int]:
    return [min(start, length - side) for start in range(0, length, side)]


def _part(pixels: Image, top: int, left: int, side: int, scale: int) -> Image:
    top, left, side = top * scale, left * scale, side * scale
    return pixels[top : top + side, left : left + side].transpose(2, 0, 1)


class Unpacking:
    """Makes pairs of images of rows of bytes; for training mirrored and turned by quarters.

    Args:
        grid: of the rows.
        turning: whether each pair is shown in one of its eight positions, drawn anew.

    """

    def __init__(self, grid: Grid, *, turning: bool) -> None:
        self.grid, self.turning = grid, turning

    def __call__(
        self,
        rows: torch.Tensor,
        generator: torch.Generator,
        epoch: int,
        places: torch.Tensor,
    ) -> Pair:
        """Small images (B, C, P, P) and large ones (B, C, s P, s P), bytes, of rows (B, row)."""
        del epoch, places
        import torch

        channels, side, large = self.grid.channels, self.grid.side, self.grid.side * self.grid.scale
        end = channels * side**2
        images = [rows[:, :end].reshape(-1, channels, side, side),
                  rows[:, end:].reshape(-1, channels, large, large)]  # fmt: skip
        if self.turning:
            drawn = torch.randint(0, 8, (len(rows),), generator=generator, device=generator.device)
            images = [turned(each, drawn) for each in images]
        return Pair(images[0], images[1])


def turned(images: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Square images (B, C, P, P), each in one of the eight positions of a square, 0 to 7."""
    import torch

    bits = [(positions >> bit & 1).bool()[:, None, None, None] for bit in range(3)]
    made = torch.where(bits[0], images.flip(3), images)
    made = torch.where(bits[1], made.flip(2), made)
    return torch.where(bits[2], made.transpose(2, 3), made)
