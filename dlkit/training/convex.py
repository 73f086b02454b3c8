"""The regularised softmax loss of a linear classifier over all samples, and its curvature.

    f(W, b) = 1/N Σ w_y (log Σ_j exp s_j - s_y) + λ/2 Σ W²,   s = W x + b

Products are in the type of the rows, sums over the samples in float64. Scores lie class by class,
(C, rows): so both products read the rows as they lie, and each row is read once from memory.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.training.sources import tensor_of

if TYPE_CHECKING:
    import torch

_PIECE: Final = 2048  # rows whose scores stay in the cache
_PARTS: Final = 32  # of the rows, shared by the threads, whatever their number
_RIDGE: Final = 1e-6  # of each column's curvature, added so that there is an inverse


class SoftmaxObjective:
    """f, its gradient and an estimate of its second derivative; parameters are (C, D+1) float64.

    The last column holds the biases; without ``intercept`` its gradient is 0.

    Args:
        rows: (N, D) float32 or float64; others are converted piece by piece.
        labels: (N,) classes, 0 … C-1.
        classes: C.
        l2: λ.
        class_weights: (C,) w; None: 1.
        intercept: whether there is b.
        pool: threads that share the rows among them; PyTorch has one thread in each.

    """

    def __init__(
        self,
        rows: npt.NDArray[Any] | torch.Tensor,
        labels: npt.NDArray[Any] | torch.Tensor,
        *,
        classes: int,
        l2: float,
        class_weights: npt.ArrayLike | None = None,
        intercept: bool = True,
        pool: Executor,
    ) -> None:
        import torch

        self._rows = tensor_of(rows)
        self._labels = tensor_of(labels).to(torch.int64)
        self._type = torch.float64 if self._rows.dtype == torch.float64 else torch.float32
        self._l2, self._intercept, self._classes = l2, intercept, classes
        self._weights = None
        if class_weights is not None:
            each = torch.from_numpy(np.array(class_weights, np.float64)).to(self._type)
            self._weights = each[self._labels]
        self.samples, self.columns = self._rows.shape
        self._part = _PIECE * max(1, -(-self.samples // _PIECE // _PARTS))
        self._pool = pool
        self.shape = (classes, self.columns + 1)

    @property
    def noise(self) -> float:
        """The relative error that a value of f may have by rounding."""
        import torch

        return 1e-13 if self._type == torch.float64 else 1e-8

    def __call__(self, parameters: torch.Tensor) -> tuple[float, torch.Tensor]:
        """F and its gradient, (C, D+1) float64."""
        import torch

        weights = parameters[:, : self.columns].to(self._type).contiguous()
        biases = parameters[:, self.columns :].to(self._type)
        gradient = torch.zeros(self.shape, dtype=torch.float64)
        total = 0.0
        # Added up in the order of the rows, whichever thread was first: the same bits always.
        starts = range(0, self.samples, self._part)
        # A single part is quicker than a thread is told of it.
        over = self._pool.map if len(starts) > 1 else map
        for value, part in over(lambda start: self._over(weights, biases, start), starts):
            total += value
            gradient += part
        own = parameters[:, : self.columns]
        gradient /= self.samples
        gradient[:, : self.columns] += self._l2 * own
        return total / self.samples + self._l2 / 2 * float(own.square().sum()), gradient

    def _over(
        self, weights: torch.Tensor, biases: torch.Tensor, first: int
    ) -> tuple[float, torch.Tensor]:
        """The sums of the losses and of their gradients over a part of the rows."""
        import torch

        gradient = torch.zeros(self.shape, dtype=torch.float64)
        total = 0.0
        minus = torch.full((1, _PIECE), -1, dtype=self._type)
        for start in range(first, min(first + self._part, self.samples), _PIECE):
            rows = self._rows[start : start + _PIECE].to(self._type)
            label = self._labels[None, start : start + _PIECE]
            scores = torch.addmm(biases, weights, rows.t())  # (C, rows)
            scale = scores.logsumexp(0, keepdim=True)
            losses = scale - scores.gather(0, label)
            error = scores.sub_(scale).exp_()
            error.scatter_add_(0, label, minus[:, : len(rows)])
            if self._weights is not None:
                mine = self._weights[None, start : start + _PIECE]
                losses, error = losses * mine, error.mul_(mine)
            total += float(losses.sum(dtype=torch.float64))
            gradient[:, : self.columns] += error @ rows
            if self._intercept:
                gradient[:, self.columns] += error.sum(1)
        return total, gradient

    def curvature(self, parameters: torch.Tensor | None) -> torch.Tensor:
        """(D+1, D+1) the lower Cholesky factor of an estimate of f's second derivative.

        It is one matrix for all classes: X' diag(v) X / N + λ, by some of the rows. At
        ``parameters`` v is the mean over the classes of p(1-p); without them it is 1/2, an upper
        bound (Böhning 1992).
        """
        import torch

        wanted = max(8 * self.samples * self._classes // self.columns, 2 * self.columns)
        places = torch.linspace(0, self.samples - 1, min(wanted, self.samples)).to(torch.int64)
        rows = self._rows.index_select(0, places).to(self._type)
        share = torch.full((len(rows),), 0.5, dtype=self._type)
        if parameters is not None:
            weights = parameters[:, : self.columns].to(self._type)
            scores = torch.addmm(parameters[:, self.columns :].to(self._type), weights, rows.t())
            p = scores.softmax(0)
            share = (p - p * p).mean(0)
        if self._weights is not None:
            share = share * self._weights[places]
        scaled = rows * share[:, None]
        matrix = torch.empty(self.columns + 1, self.columns + 1, dtype=torch.float64)
        matrix[:-1, :-1] = (scaled.t() @ rows).to(torch.float64) / len(rows)
        matrix[-1, :-1] = matrix[:-1, -1] = scaled.mean(0, dtype=torch.float64)
        matrix[-1, -1] = float(share.mean(dtype=torch.float64))
        if not self._intercept:
            matrix[-1, :] = matrix[:, -1] = 0.0
            matrix[-1, -1] = 1.0
        own, ridge = matrix.diagonal().clone(), _RIDGE
        while True:
            # Relative to each column's own scale; a column of zeros has none.
            matrix.diagonal().copy_(own + ridge * own + 1e-12)
            matrix.diagonal()[:-1] += self._l2
            factor: torch.Tensor
            factor, failed = torch.linalg.cholesky_ex(matrix)
            if not failed or ridge > 1:
                return factor
            # Of fewer rows than columns the rounding of float32 can exceed a small ridge.
            ridge *= 10
