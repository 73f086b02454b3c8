"""The training steps of word2vec on PyTorch tensors, with explicit gradients.

Skip-gram: each context word by itself predicts the centre. CBOW: the mean or the sum of the
context words does (Mikolov et al. 2013, https://arxiv.org/abs/1301.3781). Against what it is
predicted is the objective: a few noise words (negative sampling), the nodes of a Huffman tree
(hierarchical softmax; both https://arxiv.org/abs/1310.4546), or the whole vocabulary (softmax).
Each step adds up the gradients of its batch at one point; ``model`` defines them for autograd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dlkit.word2vec.batched.matrices import flat, share_taken, total
from dlkit.word2vec.batched.softmax import BUDGET, Softmax

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.word2vec.batched.bands import Band
    from dlkit.word2vec.batched.matrices import Matrices
    from dlkit.word2vec.huffman import Paths


def _positive(scores: Tensor, mask: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """Coefficients lr * (1 - sigmoid(score)) of pairs to draw together, and their loss."""
    import torch
    from torch.nn.functional import softplus

    return torch.sigmoid(-scores).mul_(mask).mul_(lr), total(softplus(-scores) * mask)


def _negative(scores: Tensor, weights: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """Coefficients -lr * weight * sigmoid(score) of pairs to push apart, and their loss."""
    import torch
    from torch.nn.functional import softplus

    return torch.sigmoid(scores).mul_(weights).mul_(-lr), total(softplus(scores) * weights)


class NegativeSampling:
    """Positive pairs against noise words that the whole batch shares.

    A shared noise word z counts ``weights[centre]`` in each pair, unless it is the centre: with N
    shared words in place of ``negative`` for each window, negative / N. So the expected gradient is
    that of drawing anew for each window, and all noise is three matrix products.

    Args:
        matrices: the vectors.
        model: ``skipgram`` takes bands whose rows are inputs, ``cbow`` those of centres.
        weights: (V,) what a shared draw counts where that word is the centre.

    """

    def __init__(
        self, matrices: Matrices, *, model: Literal["skipgram", "cbow"], weights: Tensor
    ) -> None:
        self._m, self._weights = matrices, weights
        self._step = self._skipgram if model == "skipgram" else self._cbow

    def step(self, band: Band, negatives: Tensor, lr: float) -> Tensor:
        """Train one batch against ``negatives`` (N,) words; the summed loss before the step."""
        return self._step(band, negatives, lr)

    def _skipgram(self, band: Band, negatives: Tensor, lr: float) -> Tensor:
        m = self._m
        x, y = m.words(band.rows), m.outputs[band.columns]
        pull, loss = _positive(x.bmm(y.transpose(1, 2)), band.mask, lr)
        noise = flat(band.mask.bmm(self._noise(band.columns, negatives)))  # (n * B, N)
        change, y_noise, lost = self._push(flat(x), noise, negatives, lr)
        change += flat(pull.bmm(y))
        y_change = pull.transpose(1, 2).bmm(x)
        self._add_outputs(band.columns, y_change, band.mask.sum(1), negatives, y_noise, noise, lr)
        m.add_words(band.rows, change.view_as(x), band.mask.sum(2), lr)
        return loss + lost

    def _cbow(self, band: Band, negatives: Tensor, lr: float) -> Tensor:
        m = self._m
        centres = band.rows.flatten()
        real = flat(band.mask.amax(2))  # (n * B,)
        h, y = m.hidden(band), m.outputs[centres]
        pull, loss = _positive((h * y).sum(1), real, lr)
        noise = self._noise(centres, negatives) * real[:, None]
        change, y_noise, lost = self._push(h, noise, negatives, lr)
        change.addcmul_(pull[:, None], y)
        self._add_outputs(centres, pull[:, None] * h, real, negatives, y_noise, noise, lr)
        m.add_hidden(band, change, lr)
        return loss + lost

    def _add_outputs(
        self,
        centres: Tensor,
        pulled: Tensor,
        pairs: Tensor,
        negatives: Tensor,
        pushed: Tensor,
        noise: Tensor,
        lr: float,
    ) -> None:
        """Add the changes of centres and of noise words at once: a word may be both."""
        import torch

        ids = torch.cat([centres.flatten(), negatives])
        change = torch.cat([pulled.flatten(0, -2), pushed])
        self._m.add(self._m.outputs, ids, change, torch.cat([pairs.flatten(), noise.sum(0)]), lr)

    def _noise(self, centres: Tensor, negatives: Tensor) -> Tensor:
        """(..., N) what each noise word counts in a pair with each centre."""
        return (centres[..., None] != negatives) * self._weights[centres][..., None]

    def _push(
        self, hidden: Tensor, weights: Tensor, negatives: Tensor, lr: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Changes of ``hidden`` (T, D) and of the noise words (N, D), and the loss."""
        y = self._m.outputs[negatives]
        push, loss = _negative(hidden.mm(y.t()), weights, lr)
        return push.mm(y), push.t().mm(hidden), loss


class FullSoftmax:
    """The probability of the centre among all words of the vocabulary.

    Args:
        matrices: the vectors.
        model: ``skipgram`` takes bands whose rows are inputs, ``cbow`` those of centres.
        budget: bytes that logits may take.

    """

    def __init__(
        self, matrices: Matrices, *, model: Literal["skipgram", "cbow"], budget: int = BUDGET
    ) -> None:
        self._m = matrices
        self._softmax = Softmax(matrices.outputs, budget=budget)
        self._step = self._skipgram if model == "skipgram" else self._cbow

    def step(self, band: Band, lr: float) -> Tensor:
        """Train one batch; the summed loss before the step."""
        return self._step(band, lr)

    def _skipgram(self, band: Band, lr: float) -> Tensor:
        """An input word with c targets in the batch needs one row of logits, weighted by c."""
        import torch

        m = self._m
        x, y = m.words(band.rows), m.outputs[band.columns]
        pull = band.mask.bmm(y)  # (n, B, D): the sum of each input's targets
        loss = -total(x * pull)
        targets = band.mask.transpose(1, 2).bmm(x)
        ids, which = torch.unique(band.rows.flatten()[: band.length], return_inverse=True)
        counts = x.new_zeros(len(ids))
        counts.index_add_(0, which, flat(band.mask).sum(1)[: band.length])
        taken = self._taken(band.columns, band.mask.sum(1), lr)
        sums, change = self._softmax.push(m.words(ids), counts, lr, taken=taken)
        change.index_add_(0, which, flat(pull)[: band.length], alpha=lr)
        m.add_words(ids, change, counts, lr)
        targets *= taken[band.columns][..., None] * lr
        m.outputs.index_add_(0, band.columns.flatten(), flat(targets))
        return loss + total(sums * counts)

    def _cbow(self, band: Band, lr: float) -> Tensor:
        m = self._m
        centres = band.rows.flatten()
        real = flat(band.mask.amax(2))
        h, y = m.hidden(band), m.outputs[centres] * real[:, None]
        loss = -total(h * y)
        taken = self._taken(centres, real, lr)
        sums, change = self._softmax.push(h, real, lr, taken=taken)
        m.outputs.index_add_(0, centres, h * (taken[centres] * lr)[:, None])
        m.add_hidden(band, change.add_(y, alpha=lr), lr)
        return loss + total(sums * real)

    def _taken(self, centres: Tensor, pairs: Tensor, lr: float) -> Tensor:
        """(V,) the share of its gradient that each output takes, by how often it is the target.

        It is pushed away in about as many pairs as it is drawn to.
        """
        seen = self._m.outputs.new_zeros(len(self._m.outputs))
        seen.index_add_(0, centres.flatten(), pairs.flatten())
        return share_taken(seen, lr) if lr > 0 else seen.fill_(1)


class HierarchicalSoftmax:
    """The yes-or-no questions on the way to the centre's leaf of a Huffman tree.

    Args:
        matrices: the vectors; row i of the outputs is that of inner node i.
        model: both models take bands whose rows are centres.
        paths: the tree.

    """

    def __init__(
        self, matrices: Matrices, *, model: Literal["skipgram", "cbow"], paths: Paths
    ) -> None:
        import torch

        device = matrices.inputs.device
        self._m = matrices
        self._offsets = torch.from_numpy(paths.offsets).to(device)
        self._points = torch.from_numpy(paths.points).to(device).long()
        self._signs = 1 - 2 * torch.from_numpy(paths.codes).to(device).float()
        self._step = self._skipgram if model == "skipgram" else self._cbow

    def step(self, band: Band, lr: float) -> Tensor:
        """Train one batch; the summed loss before the step."""
        import torch

        starts = self._offsets[band.rows]
        lengths = self._offsets[band.rows + 1] - starts  # (n, B)
        # Rows without a pair need no path.
        lengths = lengths * (band.mask.amax(2) > 0)
        steps = torch.arange(int(lengths.max()), device=lengths.device)
        if len(steps) == 0:  # a vocabulary of one word, or no pair
            return total(band.mask.new_zeros(1))
        real = steps < lengths[..., None]  # (n, B, L)
        places = torch.where(real, starts[..., None] + steps, 0)
        signs = torch.where(real, self._signs[places], 0)
        return self._step(band, self._points[places], signs, lr)

    def _skipgram(self, band: Band, points: Tensor, signs: Tensor, lr: float) -> Tensor:
        m = self._m
        blocks, rows, steps = points.shape
        x = m.words(band.columns)  # (n, W, D)
        y = m.outputs[points].flatten(1, 2)  # (n, B * L, D)
        signed = (signs[..., None] * band.mask[:, :, None]).view(blocks, rows * steps, -1)
        pull, loss = _positive(y.bmm(x.transpose(1, 2)) * signed, signed.abs(), lr)
        pull *= signed
        m.add_words(band.columns, pull.transpose(1, 2).bmm(y), band.mask.sum(1), lr)
        pairs = band.mask.sum(2, keepdim=True).expand_as(points)
        self._add_nodes(points, signs, pull.bmm(x), pairs, lr)
        return loss

    def _cbow(self, band: Band, points: Tensor, signs: Tensor, lr: float) -> Tensor:
        m = self._m
        points, signs = flat(points), flat(signs)  # (n * B, L)
        h, y = m.hidden(band), m.outputs[points]
        scores = y.bmm(h[:, :, None])[..., 0]
        pull, loss = _positive(scores * signs, signs.abs(), lr)
        pull *= signs
        self._add_nodes(points, signs, pull[..., None] * h[:, None], signs.abs(), lr)
        m.add_hidden(band, pull[:, None].bmm(y)[:, 0], lr)
        return loss

    def _add_nodes(
        self, points: Tensor, signs: Tensor, change: Tensor, pairs: Tensor, lr: float
    ) -> None:
        """Add ``change`` (..., D) of so many pairs each to the nodes that are real."""
        real = (signs != 0).flatten()
        change = change.view(len(real), -1)[real]
        nodes, pairs = points.flatten()[real], pairs.flatten()[real]
        self._m.add(self._m.outputs, nodes, change, pairs, lr)
