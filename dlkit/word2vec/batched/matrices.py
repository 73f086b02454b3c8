"""Input and output vectors of word2vec on PyTorch tensors: how they are read and added to.

The sum of hundreds of gradients taken at one point is a step that diverges: at the root of a
Huffman tree, which is on every path, or where a window holds one word over and over. So a row that
many pairs of a batch pull at moves no further than ``LARGEST_STEP / lr`` of them on average would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dlkit.word2vec.batched.devices import sum_type

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.word2vec.batched.bands import Band
    from dlkit.word2vec.batched.ngrams import Composition
    from dlkit.word2vec.trainer import Context

LARGEST_STEP: Final = 1.0  # learning rate times pairs whose gradients a row takes in full


def flat(tensor: Tensor) -> Tensor:
    """A tensor (n, B, ...) as (n * B, ...)."""
    return tensor.flatten(0, 1)


def total(losses: Tensor) -> Tensor:
    """The sum in float64 where the device has it."""
    return losses.sum(dtype=sum_type(losses.device.type))


class Matrices:
    """Input and output vectors, and how context words become a hidden vector.

    Args:
        inputs: (V, D) input vectors, or with ``composition`` (R, D) the rows that they are means
            of; changed in place.
        outputs: (V, D) output vectors, changed in place.
        context: for CBOW, whether the hidden vector is the mean or the sum of the contexts. Each
            context gets the whole gradient of the hidden vector either way, as in word2vec.c.
        frozen: (V or R,) uint8, 1 for a row of the inputs that is kept; None where all learn.
        composition: which rows words are means of; None: each is its row.

    """

    def __init__(
        self,
        inputs: Tensor,
        outputs: Tensor,
        *,
        context: Context = "mean",
        frozen: Tensor | None = None,
        composition: Composition | None = None,
    ) -> None:
        self.inputs, self.outputs, self._context = inputs, outputs, context
        self._frozen, self._composition = frozen, composition
        self._seen = inputs.new_zeros(len(inputs))

    def words(self, ids: Tensor) -> Tensor:
        """(..., D) the input vectors of words."""
        if self._composition is not None:
            return self._composition.vectors(self.inputs, ids)
        return self.inputs[ids]

    def hidden(self, band: Band) -> Tensor:
        """(n * B, D) hidden vectors of CBOW, 0 where a centre has no context."""
        weights = band.mask
        if self._context == "mean":
            weights = weights / weights.sum(2, keepdim=True).clamp_(min=1)
        return flat(weights.bmm(self.words(band.columns)))

    def add_hidden(self, band: Band, change: Tensor, lr: float) -> None:
        """Hand ``change`` (n * B, D) of the hidden vectors to every context of theirs."""
        shaped = change.view(*band.rows.shape, -1)
        seen = band.mask.transpose(1, 2)
        pairs = seen.sum(2)
        if self._context == "sum":  # every word of a window moves its sum by so much
            pairs = seen.bmm(band.mask.sum(2, keepdim=True))[..., 0]
        self.add_words(band.columns, seen.bmm(shaped), pairs, lr)

    def add_words(self, ids: Tensor, change: Tensor, pairs: Tensor, lr: float) -> None:
        """Add rows of ``change`` to the input vectors of words, as ``add`` does."""
        if self._composition is None:
            self.add(self.inputs, ids, change, pairs, lr)
            return
        rows, spread = self._composition.spread(
            ids.flatten(), change.flatten(0, -2), pairs.flatten(), lr=lr, frozen=self._frozen
        )
        self.inputs.index_add_(0, rows, spread)

    def add(self, matrix: Tensor, ids: Tensor, change: Tensor, pairs: Tensor, lr: float) -> None:
        """Add rows of ``change`` to the rows ``ids`` of a matrix; ids may repeat.

        Args:
            matrix: inputs or outputs.
            ids: (...) rows.
            change: (..., D) what to add; scaled down in place where a row would move too far.
            pairs: (...) how many pairs each row of ``change`` sums up.
            lr: learning rate.

        """
        ids, change, pairs = ids.flatten(), change.flatten(0, -2), pairs.flatten()
        if self._frozen is not None and matrix is self.inputs:
            # Left out, not multiplied by 0: -0.0 + 0.0 is another number's bits.
            learning = self._frozen[ids] == 0
            ids, change, pairs = ids[learning], change[learning], pairs[learning]
        if lr > 0:
            self._seen.index_fill_(0, ids, 0).index_add_(0, ids, pairs)
            change *= share_taken(self._seen[ids], lr)[:, None]
        matrix.index_add_(0, ids, change)


def share_taken(pairs: Tensor, lr: float) -> Tensor:
    """What share of its summed gradient a row takes that so many pairs of a batch pull at."""
    return (max(LARGEST_STEP / lr, 1.0) / pairs).clamp_(max=1)
