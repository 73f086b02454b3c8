"""What the layers of a network do with samples: neurons that are dead or saturated, gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dlkit.classify.prepare import batches

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor, nn

    from dlkit.classify.inputs import Numbers
    from dlkit.classify.saved import Classifier

_AT_ONCE: Final = 512
# An output this near to an end of a sigmoid's or tanh's range has next to no derivative.
NEAR: Final = 0.01


class Layer(NamedTuple):
    """A layer with weights, and the activation that follows it.

    Attributes:
        name: as in the file of weights.
        shape: outputs x inputs.
        parameters: weights and biases.
        norm: of the weights, the root of ΣW².
        gradient: norm of the mean loss's gradient by its weights, over the samples.
        dead: share of neurons that are 0 for every sample; None: no relu follows.
        saturated: share of outputs within 0.01 of an end of the range; None: neither sigmoid nor
            tanh follows.

    """

    name: str
    shape: str
    parameters: int
    norm: float
    gradient: float
    dead: float | None
    saturated: float | None


def look(classifier: Classifier, numbers: Numbers, labels: npt.NDArray[np.int64]) -> list[Layer]:
    """The layers of a network on samples, in evaluation mode, without the penalty.

    Args:
        classifier: the artifact.
        numbers: rows (N, D), or n-grams of N texts.
        labels: (N,).

    """
    import torch
    from torch import nn

    from dlkit.training import losses

    model = classifier.model
    loss = losses.build(classifier.loss, classes=len(classifier.classes))
    parts = [(name, part) for name, part in model.named_modules() if _has_weights(part)]
    follows = _following(model, parts)
    watched = [_Watched(follows[name]) for name, _ in parts]
    handles = [each.attach() for each in watched]
    device = next(model.parameters()).device.type
    model.zero_grad()
    try:
        for batch in batches(numbers, labels, size=_AT_ONCE, device=device).at():
            total = loss.total(model(*batch.inputs), batch.targets) / len(labels)
            torch.autograd.backward(total)
    finally:
        for handle in handles:
            handle.remove()
    found = []
    for (name, part), seen in zip(parts, watched, strict=True):
        weight = part.weight
        # The vectors of n-grams lie input by input, those of linear layers output by output.
        shape = weight.shape[::-1] if isinstance(part, nn.EmbeddingBag) else weight.shape
        assert isinstance(weight.grad, torch.Tensor)
        found.append(
            Layer(
                f"{name}.weight",
                f"{shape[0]:,} x {shape[1]:,}",
                sum(each.numel() for each in part.parameters()),
                float(weight.detach().norm()),
                float(weight.grad.norm()),
                seen.dead(),
                seen.saturated(),
            )
        )
    model.zero_grad()
    return found


def _has_weights(part: nn.Module) -> bool:
    from torch import nn

    return isinstance(part, (nn.Linear, nn.EmbeddingBag))


def _following(model: nn.Module, parts: list[tuple[str, Any]]) -> dict[str, nn.Module | None]:
    """The activation that follows each layer with weights, by the layer's name."""
    from dlkit.classify.model import ACTIVATIONS

    kinds = tuple(ACTIVATIONS.values())
    names = dict(parts)
    found: dict[str, nn.Module | None] = dict.fromkeys(names)
    last = ""
    for name, part in model.named_modules():
        if name in names:
            last = name
        elif isinstance(part, kinds):
            found[last] = part
    return found


class _Watched:
    """Counts what an activation gives, batch by batch."""

    def __init__(self, activation: nn.Module | None) -> None:
        from torch import nn

        self._activation = activation
        self._alive: Tensor | None = None
        self._near = self._seen = 0
        self._relu = isinstance(activation, nn.ReLU)
        self._low = {nn.Sigmoid: 0.0, nn.Tanh: -1.0}.get(type(activation))  # type: ignore[arg-type]

    def attach(self) -> Any:
        """Begin to watch; the handle ends it."""
        if self._activation is None or not (self._relu or self._low is not None):
            return _Nothing()
        return self._activation.register_forward_hook(self._see)

    def _see(self, _module: nn.Module, _inputs: Any, outputs: Tensor) -> None:
        values = outputs.detach()
        if self._relu:
            alive = (values > 0).any(0)
            self._alive = alive if self._alive is None else self._alive | alive
        else:
            assert self._low is not None
            near = (values < self._low + NEAR) | (values > 1 - NEAR)
            self._near += int(near.sum())
            self._seen += values.numel()

    def dead(self) -> float | None:
        """The share of neurons that were 0 for every sample."""
        if self._alive is None:
            return None
        return 1 - int(self._alive.sum()) / len(self._alive)

    def saturated(self) -> float | None:
        """The share of outputs near an end."""
        return self._near / self._seen if self._seen else None


class _Nothing:
    """A handle of what is not watched."""

    def remove(self) -> None:
        """Do nothing."""
