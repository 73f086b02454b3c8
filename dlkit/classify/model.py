"""Linear classifiers and fully connected networks, as plain PyTorch modules.

    s = W x + b                                   no hidden layer: the linear score function
    s = W2 f(W1 x + b1) + b2                      one hidden layer, f an activation

Scores s (C,) are all that a network gives; probabilities are softmax(s) = exp(s) / Σ exp(s).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}


class Network(nn.Module):
    """A fully connected network on rows of numbers.

    Bytes (pixels) are divided by 255 here, other numbers are taken as they are. Each hidden layer
    is linear, then batch normalisation if asked for, the activation, and dropout if asked for.

    Args:
        inputs: D, numbers of an input.
        classes: C.
        hidden: widths of the hidden layers.
        activation: relu, sigmoid, tanh or gelu.
        dropout: share of a hidden layer's neurons that training drops.
        batch_norm: whether hidden layers are normalised.

    """

    def __init__(
        self,
        *,
        inputs: int,
        classes: int,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        widths = (inputs, *hidden, classes)
        self.layers = nn.Sequential()
        for place, (width, wider) in enumerate(pairwise(widths)):
            self.layers.extend([_linear(width, wider, activation)])
            if place < len(hidden):
                self.layers.extend(_after(wider, activation, dropout, batch_norm))
        _start_at_zero(self.layers)

    def forward(self, rows: Tensor) -> Tensor:
        """Scores (B, C) of rows (B, D) or of inputs of any shape that are flattened."""
        rows = rows.flatten(1)
        rows = rows.float() / 255 if rows.dtype == torch.uint8 else rows.float()
        scores: Tensor = self.layers(rows)  # (B, C)
        return scores


class TextNetwork(nn.Module):
    """A fully connected network on weighted n-grams.

    With ``dim`` the first layer is a vector for each n-gram, whose weighted sum is the input of
    the others; without, n-grams are themselves the inputs of the first layer: a linear layer on a
    sparse row, of which only the columns in use are read.

    Args:
        ngrams: V, number of n-grams.
        classes: C.
        dim: length of an n-gram's vector; 0: none.
        hidden: widths of the hidden layers.
        activation: relu, sigmoid, tanh or gelu.
        dropout: share of a hidden layer's neurons that training drops.
        batch_norm: whether hidden layers are normalised.

    """

    def __init__(
        self,
        *,
        ngrams: int,
        classes: int,
        dim: int = 0,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        widths = (*([dim] if dim else []), *hidden, classes)
        self.bag = nn.EmbeddingBag(ngrams, widths[0], mode="sum")
        self.bias = None if dim else nn.Parameter(torch.zeros(widths[0]))
        self.layers = nn.Sequential()
        if dim:
            nn.init.uniform_(self.bag.weight, -1 / dim, 1 / dim)  # as fastText begins
        elif hidden:
            nn.init.normal_(self.bag.weight, std=_gain(activation))  # texts have length 1
        else:
            nn.init.zeros_(self.bag.weight)
        if not dim and hidden:
            self.layers.extend(_after(hidden[0], activation, dropout, batch_norm))
        rest = widths if dim else widths[: len(hidden) + 1]
        for place, (width, wider) in enumerate(pairwise(rest)):
            self.layers.extend([_linear(width, wider, activation)])
            if place < len(rest) - 2:
                self.layers.extend(_after(wider, activation, dropout, batch_norm))
        _start_at_zero(self.layers)

    def forward(self, ngrams: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Scores (B, C) of B texts.

        Args:
            ngrams: (T,) places of n-grams, text after text.
            offsets: (B,) where each text begins.
            weights: (T,) what each n-gram counts.

        """
        sums = self.bag(ngrams, offsets, per_sample_weights=weights)  # (B, dim), or first width
        if self.bias is not None:
            sums = sums + self.bias
        scores: Tensor = self.layers(sums)  # (B, C)
        return scores


def _gain(activation: str) -> float:
    """By what deviations are multiplied so that a layer's outputs vary as its inputs do."""
    if activation == "sigmoid":
        return nn.init.calculate_gain("sigmoid")
    return nn.init.calculate_gain("tanh" if activation == "tanh" else "relu")


def _linear(inputs: int, outputs: int, activation: str) -> nn.Linear:
    """A linear layer, its weights as He et al. 2015 (relu) and Glorot and Bengio 2010 draw them."""
    layer = nn.Linear(inputs, outputs)
    if activation in ("relu", "gelu"):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    else:
        nn.init.xavier_normal_(layer.weight, gain=_gain(activation))
    nn.init.zeros_(layer.bias)
    return layer


def _after(width: int, activation: str, dropout: float, batch_norm: bool) -> list[nn.Module]:  # noqa: FBT001
    """What follows a hidden linear layer."""
    parts: list[nn.Module] = [nn.BatchNorm1d(width)] if batch_norm else []
    parts.append(ACTIVATIONS[activation]())
    if dropout:
        parts.append(nn.Dropout(dropout))
    return parts


def _start_at_zero(layers: nn.Sequential) -> None:
    """Let the scores begin at 0: at first all classes are equally probable."""
    last = layers[-1] if len(layers) else None
    if isinstance(last, nn.Linear):
        nn.init.zeros_(last.weight)
