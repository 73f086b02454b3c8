"""Skip-gram and CBOW with their three losses as plain PyTorch modules.

The definition of what dlkit's trainers train: their updates are tested against the gradients that
autograd finds here. Mikolov et al. 2013, https://arxiv.org/abs/1301.3781 (the two models) and
https://arxiv.org/abs/1310.4546 (negative sampling and hierarchical softmax).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus


def _embeddings(words: int, dim: int) -> tuple[nn.Embedding, nn.Embedding]:
    """Input vectors, uniform in -1/dim .. 1/dim, and output vectors, zero."""
    inputs, outputs = nn.Embedding(words, dim), nn.Embedding(words, dim)
    nn.init.uniform_(inputs.weight, -1 / dim, 1 / dim)
    nn.init.zeros_(outputs.weight)
    return inputs, outputs


class NGramEmbedding(nn.Module):
    """Words that are means of rows: a word's own and its n-grams'.

    It takes the place of ``inputs`` of a model. As in fastText's trainer each row gets the whole
    gradient of the mean, and as often as the word is made of it (Bojanowski et al. 2017,
    https://arxiv.org/abs/1607.04606).

    Args:
        rows: rows that each of V words is the mean of, each at least one.
        number: R, rows in all.
        dim: D, floats of a row.
        frozen: of the rows, those that are kept as they are. Those of a word that learn then get
            as much more as makes the mean move as it would.

    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        number: int,
        dim: int,
        *,
        frozen: Collection[int] = (),
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(number, dim).uniform_(-1 / dim, 1 / dim))
        self._rows, self._frozen = rows, frozenset(frozen)

    def forward(self, ids: Tensor) -> Tensor:
        """(..., D) the vectors of the words ``ids`` (...)."""
        vectors = []
        for word in ids.flatten().tolist():
            rows = list(self._rows[word])
            learning = [row for row in rows if row not in self._frozen]
            total = self.weight[learning].sum(0) * (len(rows) / max(len(learning), 1))
            # The value of the mean with the gradient of the sum.
            vectors.append(total + (self.weight[rows].mean(0) - total).detach())
        return torch.stack(vectors).view(*ids.shape, -1)


class SkipGram(nn.Module):
    """Each context word by itself predicts the centre word.

    Args:
        words: V, size of the vocabulary.
        dim: D, floats of a vector.

    """

    def __init__(self, words: int, dim: int) -> None:
        super().__init__()
        self.inputs, self.outputs = _embeddings(words, dim)

    def forward(self, contexts: Tensor, targets: Tensor) -> Tensor:
        """Logits of every context word with every target.

        Args:
            contexts: (..., M) ids of context words.
            targets: (..., K) ids of output words.

        Returns:
            (..., M, K) inner products.

        """
        x: Tensor = self.inputs(contexts)  # (..., M, D)
        y: Tensor = self.outputs(targets)  # (..., K, D)
        return x @ y.transpose(-1, -2)


class ContinuousBagOfWords(nn.Module):
    """The mean or the sum of the context words predicts the centre word.

    Args:
        words: V, size of the vocabulary.
        dim: D, floats of a vector.
        divide_gradient: the true gradient of the mean, 1/M of it for each of M context words.
            By default each gets the whole of it, as in word2vec.c and in gensim with
            ``cbow_mean=1``; the loss is the same.
        context: ``mean`` or ``sum``.

    """

    def __init__(
        self,
        words: int,
        dim: int,
        *,
        divide_gradient: bool = False,
        context: Literal["mean", "sum"] = "mean",
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = _embeddings(words, dim)
        self.divide_gradient, self.context = divide_gradient, context

    def forward(self, contexts: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of the mean or summed context with every target.

        Args:
            contexts: (..., M) ids of context words.
            targets: (..., K) ids of output words.
            mask: (..., M) true where a context counts, at least once a window; default all.

        Returns:
            (..., 1, K) inner products.

        """
        x: Tensor = self.inputs(contexts)  # (..., M, D)
        if mask is None:
            mask = torch.ones_like(contexts, dtype=torch.bool)
        weights = mask.to(x.dtype).unsqueeze(-1)  # (..., M, 1)
        seen = weights.sum(dim=-2, keepdim=True)  # (..., 1, 1)
        total = (x * weights).sum(dim=-2, keepdim=True)  # (..., 1, D)
        hidden = total
        if self.context == "mean":
            hidden = total / seen
            if not self.divide_gradient:
                # The value of the mean with the gradient of the sum.
                hidden = total + (hidden - total).detach()
        y: Tensor = self.outputs(targets)  # (..., K, D)
        return hidden @ y.transpose(-1, -2)


def freeze(embedding: nn.Embedding, rows: Tensor) -> None:
    """Keep some rows of an embedding as they are: from now on their gradient is 0.

    Args:
        embedding: whose weight learns.
        rows: (N,) of its rows.

    """
    learning = torch.ones(len(embedding.weight), 1, dtype=torch.bool)
    learning[rows] = False
    register: Any = embedding.weight.register_hook
    register(lambda gradient: gradient.where(learning, 0))


def negative_sampling_loss(logits: Tensor, weights: Tensor | None = None) -> Tensor:
    """Summed loss -log sigmoid(positive) - sum of log sigmoid(-negative).

    Args:
        logits: (..., K), the positive output in column 0, negatives behind it.
        weights: what each output counts, broadcast to ``logits``; default 1.

    Returns:
        A scalar.

    """
    signs = torch.ones(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    signs[0] = -1
    losses = softplus(logits * signs)
    return (losses if weights is None else losses * weights).sum()


def hierarchical_softmax_loss(
    logits: Tensor, codes: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Summed loss of the questions on the ways to the centres' leaves of a Huffman tree.

    The answer 0 at a node has the probability sigmoid(logit), the answer 1 sigmoid(-logit), as in
    word2vec.c.

    Args:
        logits: (..., L), those of the inner nodes on a way.
        codes: (..., L), the answers, 0 or 1, broadcast to ``logits``.
        weights: what each node counts, broadcast to ``logits``; default 1.

    Returns:
        A scalar.

    """
    losses = softplus(logits * (2 * codes - 1))
    return (losses if weights is None else losses * weights).sum()


def softmax_loss(logits: Tensor, centres: Tensor) -> Tensor:
    """Summed loss -log of the probability of each centre among all words.

    Args:
        logits: (..., V), those of all words of the vocabulary.
        centres: (...) ids.

    Returns:
        A scalar.

    """
    return cross_entropy(logits.flatten(0, -2), centres.flatten(), reduction="sum")
