"""The softmax over a whole vocabulary: one step of gradient descent with explicit gradients.

The matrix of logits is never larger than a budget. Where the rows of a batch times the vocabulary
do not fit, the vocabulary is walked in tiles: once for the log of the sum of exponentials, which
is kept as a running value, and once more, computing each tile anew, for the gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

BUDGET: Final = 64 << 20  # bytes of logits
FLOATS_AT_ONCE: Final = 1 << 20  # what stays in the cache between two passes over it
SMALLEST_TILE: Final = 256  # words


class Softmax:
    """Pushes hidden vectors away from all words in proportion to their probabilities.

    Args:
        outputs: (V, D) output vectors; changed in place by ``push``.
        budget: bytes that logits may take.

    """

    def __init__(self, outputs: Tensor, *, budget: int = BUDGET) -> None:
        self._outputs = outputs
        self._floats = budget // 4
        self._buffer: Tensor | None = None

    def push(
        self, hidden: Tensor, weights: Tensor, lr: float, *, taken: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """One step down the gradient of sum over t of ``weights[t] * logsumexp(hidden[t] @ Y.T)``.

        Args:
            hidden: (T, D) hidden vectors.
            weights: (T,) how many targets each of them has.
            lr: learning rate.
            taken: (V,) the share of its gradient that each output takes; default all.

        Returns:
            (T,) the logarithms of the sums of exponentials, before the step, and (T, D) what is
            to be added to the hidden vectors. The outputs have changed already.

        """
        import torch

        if taken is not None and bool((taken == 1).all()):
            taken = None
        words = len(self._outputs)
        weighted = hidden * weights[:, None]
        if len(hidden) * words <= self._floats:
            logits = self._space(hidden, words)
            torch.mm(hidden, self._outputs.t(), out=logits)
            sums = self._normalise(logits)
            change = torch.mm(logits, self._outputs)
            if taken is not None:
                logits *= taken
            self._outputs.addmm_(logits.t(), weighted, alpha=-lr)
        else:
            sums, change = self._push_tiles(hidden, weighted, lr, taken)
        return sums, change * (weights * -lr)[:, None]

    def _push_tiles(
        self, hidden: Tensor, weighted: Tensor, lr: float, taken: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        import torch

        width = max(self._floats // len(hidden), SMALLEST_TILE)
        tiles = torch.split(self._outputs, width)
        sums = hidden.new_full((len(hidden),), -torch.inf)
        for tile in tiles:
            logits = torch.mm(hidden, tile.t(), out=self._space(hidden, len(tile)))
            torch.logaddexp(sums, torch.logsumexp(logits, 1), out=sums)
        change = torch.zeros_like(hidden)
        for number, tile in enumerate(tiles):
            logits = torch.mm(hidden, tile.t(), out=self._space(hidden, len(tile)))
            logits.sub_(sums[:, None]).exp_()
            change.addmm_(logits, tile)
            if taken is not None:
                logits *= taken[number * width : (number + 1) * width]
            tile.addmm_(logits.t(), weighted, alpha=-lr)
        return sums, change

    def _space(self, hidden: Tensor, words: int) -> Tensor:
        """(T, words) floats that are written over at the next call."""
        needed = len(hidden) * words
        if self._buffer is None or self._buffer.numel() < needed:
            self._buffer = hidden.new_empty(needed)
        return self._buffer[:needed].view(len(hidden), words)

    @staticmethod
    def _normalise(logits: Tensor) -> Tensor:
        """Logits to probabilities in place; returns (T,) the logarithms of the sums."""
        import torch

        sums = logits.new_empty(len(logits))
        rows = max(1, FLOATS_AT_ONCE // max(logits.shape[1], 1))
        for start in range(0, len(logits), rows):
            part = logits[start : start + rows]
            logs = torch.log_softmax(part, 1)
            sums[start : start + rows] = part[:, 0] - logs[:, 0]
            torch.exp(logs, out=part)
        return sums
