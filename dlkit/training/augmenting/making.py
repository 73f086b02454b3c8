"""From named steps to what augments a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dlkit.training.augmenting import colour, hiding, mixing, moving, policies
from dlkit.training.augmenting.config import Step, mixes

if TYPE_CHECKING:
    import torch

    from dlkit.training.augmenting.mixing import Mixed

# Steps that look at nothing but the images.
_CHANGES: Final[dict[str, Callable[..., torch.Tensor]]] = {
    "affine": moving.affine,
    "rotate": moving.affine,
    "erase": hiding.erased,
    "jitter": colour.jittered,
    "grey": colour.greyed,
    "randaugment": policies.randaugmented,
}
_MIXERS: Final[dict[str, Callable[..., Mixed]]] = {"mixup": mixing.mixup, "cutmix": mixing.cutmix}


class Augmentation:
    """What ``Batches`` makes a batch by: the steps, each image by its own draws.

    The same generator state gives the same draws; those of ``flip:alternating`` are a function of
    the epoch and the samples' places.

    Args:
        steps: parsed, in the order in which they are done.
        fill: the colour that ``cutout`` hides by, (C,) or (1,) from 0 to 255.

    Attributes:
        mixes: whether labels are mixed.

    """

    def __init__(self, steps: Sequence[Step], *, fill: Sequence[float] = (0,)) -> None:
        self.mixes = mixes(steps)
        self._steps = [step for step in steps if step.name not in _MIXERS]
        self._mixers = [
            partial(_MIXERS[step.name], **step.values) for step in steps if step.name in _MIXERS
        ]
        self._fill = tuple(fill)

    def __call__(
        self,
        images: torch.Tensor,
        generator: torch.Generator,
        epoch: int = 0,
        places: torch.Tensor | None = None,
    ) -> torch.Tensor | Mixed:
        """The batch to learn from.

        Args:
            images: (B, H, W, C) uint8.
            generator: on the device of the images.
            epoch: from 0.
            places: (B,) of the samples in their data set; None: 0 … B - 1.

        Returns:
            (B, C, H, W), the channels last in memory: uint8, after ``mixup`` float32 from 0 to 1.

        """
        import torch

        batch = images.permute(0, 3, 1, 2)
        if places is None:
            places = torch.arange(len(batch), device=batch.device)
        number = 0
        while number < len(self._steps):
            step, after = self._steps[number], self._steps[number + 1 : number + 2]
            if _sideways(step) and after and after[0].name == "crop":
                batch = _cropped(
                    batch, generator, after[0], _turned(step, generator, epoch, places)
                )
                number += 2
                continue
            batch = self._changed(batch, step, generator, epoch, places)
            number += 1
        if not self._mixers:
            return batch
        if len(self._mixers) == 1:
            return self._mixers[0](batch, generator)
        # Drawn on the generator's device, but the same for all of the batch: one of the two.
        which = torch.randint(0, 2, (), generator=generator, device=generator.device)
        return self._mixers[int(which)](batch, generator)

    def _changed(
        self,
        batch: torch.Tensor,
        step: Step,
        generator: torch.Generator,
        epoch: int,
        places: torch.Tensor,
    ) -> torch.Tensor:
        if step.name == "crop":
            return _cropped(batch, generator, step, None)
        if _sideways(step):
            turned = _turned(step, generator, epoch, places)
            none = turned.new_zeros((2, len(batch)), dtype=places.dtype)
            return moving.moved(batch, none, turned, 0)
        if step.name == "flip":
            return moving.mirrored(batch, moving.by_chance(len(batch), generator), axis=2)
        if step.name == "cutout":
            side = int(step.values["side"])
            return hiding.cutout(batch, generator, side=side, fill=self._fill)
        values: dict[str, Any] = dict(step.values)
        return _CHANGES[step.name](batch, generator, **values)


def augmentation(steps: Sequence[Step], *, fill: Sequence[float] = (0,)) -> Augmentation:
    """What ``Batches`` takes as ``augment``; with no steps it puts the channels first, no more."""
    return Augmentation(steps, fill=fill)


def _sideways(step: Step) -> bool:
    return step.name == "flip" and step.values["way"] != "vertical"


def _turned(
    step: Step, generator: torch.Generator, epoch: int, places: torch.Tensor
) -> torch.Tensor:
    """(B,) which images are mirrored."""
    if step.values["way"] == "alternating":
        return moving.in_turn(places, epoch)
    return moving.by_chance(len(places), generator)


def _cropped(
    batch: torch.Tensor, generator: torch.Generator, step: Step, turned: torch.Tensor | None
) -> torch.Tensor:
    """Mirrored where ``turned``, then cropped: in one pass."""
    import torch

    padding = int(step.values["pixels"])
    places = moving.drawn_places(len(batch), generator, padding)
    if turned is not None:
        # The window of a mirrored image is the mirrored window counted from the other side.
        across = torch.where(turned, 2 * padding - places[1], places[1])
        places = torch.stack([places[0], across])
    edge: Any = step.values["edge"]
    return moving.moved(batch, places, turned, padding, edge)
