"""Words made of character n-grams on PyTorch tensors, on any device.

The input vector of a word is the mean of its own row and its n-grams' rows (Bojanowski et al. 2017,
https://arxiv.org/abs/1607.04606). As in fastText's trainer, and in the compiled one, what the
vector of a word is to change by is added to every row that it is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dlkit.word2vec.batched.matrices import share_taken

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.word2vec.trainer import NGrams

WORDS_AT_ONCE: Final = 1 << 14  # words that are composed at once where all are


class Composition:
    """Which rows of the input matrix each word is the mean of.

    Args:
        ngrams: V words' rows.
        device: where the lists lie: 4 bytes for each n-gram of each word, 8 for each word and row.

    """

    def __init__(self, ngrams: NGrams, device: str) -> None:
        import torch

        self._offsets = torch.from_numpy(ngrams.offsets).to(device)
        self._rows = torch.from_numpy(ngrams.rows).to(device)
        rows = len(ngrams.offsets) - 1 + ngrams.number
        self._pulled = torch.zeros(rows, device=device)
        self._furthest = torch.zeros(rows, device=device)

    def vectors(self, matrix: Tensor, ids: Tensor) -> Tensor:
        """(..., D) the vectors of the words ``ids`` (...), composed of rows of ``matrix`` (R, D).

        A word that stands among ``ids`` many times is composed once.
        """
        import torch

        words, which = torch.unique(ids, return_inverse=True)
        return self._means(matrix, words)[which]

    def all(self, matrix: Tensor) -> Tensor:
        """(V, D) the vectors of all words."""
        import torch

        words = torch.arange(len(self._offsets) - 1, device=matrix.device)
        return torch.cat([self._means(matrix, part) for part in torch.split(words, WORDS_AT_ONCE)])

    def spread(
        self,
        ids: Tensor,
        change: Tensor,
        pairs: Tensor,
        *,
        lr: float,
        frozen: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What rows are to change by where words change.

        No word moves further by all its rows together than ``LARGEST_STEP / lr`` pairs on average
        would move it (see ``matrices``). A row takes one share of all that it is to learn: that of
        the word, of those made of it, that would move furthest.

        Args:
            ids: (T,) words; a word may stand there many times.
            change: (T, D) what to add to each.
            pairs: (T,) how many pairs each row of ``change`` sums up.
            lr: learning rate.
            frozen: (R,) uint8, 1 for a row that is kept. The rows of a word that are not take its
                part, so that the mean moves by the change.

        Returns:
            (S,) rows, each as often as a word is made of it, and (S, D) what to add to them.

        """
        import torch

        words, which = torch.unique(ids, return_inverse=True)
        whole = change.new_zeros(len(words), change.shape[1]).index_add_(0, which, change)
        count = pairs.new_zeros(len(words)).index_add_(0, which, pairs)
        rows, _, lengths = self._made_of(words)
        owners = torch.repeat_interleave(lengths, output_size=len(rows))
        parts = lengths.to(whole.dtype)
        if frozen is not None:
            learning = frozen[rows] == 0
            rows, owners = rows[learning], owners[learning]
            parts = torch.zeros_like(count).index_add_(0, owners, torch.ones_like(count)[owners])
            whole *= (lengths / parts.clamp_(min=1))[:, None]
        spread = whole[owners]
        if lr > 0:
            pulled = self._pulled.index_fill_(0, rows, 0).index_add_(0, rows, count[owners])[rows]
            moved = torch.zeros_like(count).index_add_(0, owners, pulled) / parts
            furthest = self._furthest.index_fill_(0, rows, 0)
            furthest.scatter_reduce_(0, rows, moved[owners], "amax")
            spread *= share_taken(furthest[rows], lr)[:, None]
        return rows, spread

    def _means(self, matrix: Tensor, words: Tensor) -> Tensor:
        """(U, D) the vectors of ``words`` (U,)."""
        import torch
        from torch.nn.functional import embedding_bag

        rows, starts, lengths = self._made_of(words)
        if matrix.device.type != "mps":
            return embedding_bag(rows, matrix, starts, mode="mean")
        # Apple's devices have no bags in older releases of PyTorch.
        owners = torch.repeat_interleave(lengths, output_size=len(rows))
        total = matrix.new_zeros(len(words), matrix.shape[1])
        return total.index_add_(0, owners, matrix[rows]).div_(lengths[:, None])

    def _made_of(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rows of ``words`` (U,) one after another, where each word's begin, how many."""
        import torch

        first = self._offsets[words]
        lengths = self._offsets[words + 1] - first
        ends = lengths.cumsum(0)
        starts = ends - lengths
        number = int(ends[-1]) if len(words) else 0
        moved = torch.repeat_interleave(first - starts, lengths, output_size=number)
        places = torch.arange(number, device=words.device) + moved
        return self._rows[places].long(), starts, lengths
