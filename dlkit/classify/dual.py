"""The dual variables of a linear softmax classifier, for two classes and for many; see ascent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.classify.linear import LinearNgrams

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.ngrams import Bags

    Float64s = npt.NDArray[np.float64]

_NEWTON: Final = 20  # steps of the biases, at most
_TINY: Final = 1e-300


def _mixture(sums: Float64s, wanted: Float64s) -> tuple[float, Float64s]:
    """τ and ρ (C,): (1-τ) q + τ ρ has the sums ``wanted`` over the rows, where q has ``sums``."""
    excess = sums - wanted
    share = float(np.max(np.maximum(excess, 0) / (wanted + np.maximum(excess, 0))))
    if share == 0.0:
        return 0.0, wanted / wanted.sum()
    mixed = np.maximum(wanted - (1 - share) / share * excess, 0)
    return share, mixed / mixed.sum()


class Rows:
    """The rows about their mean m: w (x - m) + b has the w of w x + b, and w and b hardly meet.

    Without, what the words that every text has add to all scores would be learnt against b, pass
    after pass.
    """

    def __init__(self, bags: Bags, labels: npt.NDArray[np.int64], costs: Float64s, places: int
                 ) -> None:  # fmt: skip
        from dlkit.classify.kernels import ascent

        self.sparse = bags.values, bags.weights, bags.offsets
        self.costs, self.labels, self.places = costs, labels, places
        self.counts = np.bincount(labels, weights=costs).astype(np.float64)  # (C,)
        own = [self.sum(costs * (labels == each)) for each in range(len(self.counts))]
        self.mean = np.sum(own, axis=0) / costs.sum()
        self.own = np.stack(own, axis=1) - self.mean[:, None] * self.counts  # (V, C) of a class
        self.square = float(self.mean @ self.mean)
        self.middles = np.empty(len(labels))
        ascent.binary_scores(*self.sparse, self.mean, self.middles)
        self.lengths = np.empty(len(labels))
        ascent.squares(bags.weights, bags.offsets, self.lengths)
        self.lengths += self.square - 2 * self.middles
        np.maximum(self.lengths, 0, out=self.lengths)

    def sum(self, shares: Float64s) -> Float64s:
        """(V,) the sum of the rows, each times its share."""
        from dlkit.classify.kernels import ascent

        found = np.zeros(self.places)
        ascent.add_rows(*self.sparse, shares, found)
        return found


class Two:
    """Two classes, whose weights are each other's negative: one vector w, twice the second's."""

    def __init__(self, rows: Rows, l2: float) -> None:
        self._rows, self._l2 = rows, l2 / 2  # λ/2 (|w/2|² + |w/2|²)
        self._signs = np.where(rows.labels == 1, 1.0, -1.0)
        self._u, self._q = np.zeros(rows.places), np.zeros(len(rows.labels))
        self._state, self._bias = np.zeros(2), 0.0

    @property
    def _w(self) -> Float64s:
        found: Float64s = self._u - self._state[0] * self._rows.mean
        return found

    def run(self, order: npt.NDArray[np.int64]) -> None:
        """One pass over the rows."""
        from dlkit.classify.kernels import ascent

        rows = self._rows
        ascent.binary_pass(
            order, *rows.sparse, self._signs, rows.lengths, rows.costs / (self._l2 * len(order)),
            rows.middles, rows.square, self._bias, self._u, self._q, self._state,
        )  # fmt: skip

    def look(self, done: int) -> dict[str, float]:
        """The bias brought to its optimum; the objective and the gap."""
        from dlkit.classify.kernels import ascent

        rows, signs, q, w = self._rows, self._signs, self._q, self._w
        costs, number = rows.costs, len(q)
        self._state[1] = w @ rows.mean
        scores = np.empty(number)
        ascent.binary_scores(*rows.sparse, w, scores)
        scores -= self._state[1]
        for _ in range(_NEWTON):
            p = 1 / (1 + np.exp(np.clip(signs * (scores + self._bias), -500, 500)))
            slope = -float((costs * signs * p).sum())
            step = slope / max(float((costs * p * (1 - p)).sum()), _TINY)
            self._bias -= float(np.clip(step, -1, 1))
            if abs(step) < 1e-9:
                break
        loss = float((costs * np.logaddexp(0, -signs * (scores + self._bias))).mean())
        objective = loss + self._l2 / 2 * float(w @ w)
        second = np.where(signs > 0, 1 - q, q)  # what q gives the second class
        sums = float(costs @ second)
        share, row = _mixture(np.array([rows.counts.sum() - sums, sums]), rows.counts)
        w = (1 - share) * w + share / (self._l2 * number) * rows.own[:, 1]
        second = (1 - share) * second + share * row[1]
        entropy = -(second * np.log(second + _TINY) + (1 - second) * np.log(1 - second + _TINY))
        dual = float((costs * entropy).mean()) - self._l2 / 2 * float(w @ w)
        return {"iteration": done, "objective": objective, "gap": objective - dual}

    def model(self) -> LinearNgrams:
        """The classifier."""
        half, bias = self._w / 2, (self._bias - self._w @ self._rows.mean) / 2
        return LinearNgrams(
            np.stack([-half, half], axis=1).astype(np.float32), np.array([-bias, bias], np.float32)
        )


class Many:
    """Any number of classes, a column of W (V, C) for each."""

    def __init__(self, rows: Rows, l2: float) -> None:
        self._rows, self._l2 = rows, l2
        number, classes = len(rows.labels), len(rows.counts)
        self._truth = np.zeros((number, classes))
        self._truth[np.arange(number), rows.labels] = 1.0
        self._q = self._truth.copy()  # then W is 0
        self._u, self._state = np.zeros((rows.places, classes)), np.zeros((2, classes))
        self._bias = np.zeros(classes)

    @property
    def _w(self) -> Float64s:
        found: Float64s = self._u - self._rows.mean[:, None] * self._state[0]
        return found

    def run(self, order: npt.NDArray[np.int64]) -> None:
        """One pass over the rows."""
        from dlkit.classify.kernels import ascent

        rows = self._rows
        ascent.softmax_pass(
            order, *rows.sparse, rows.lengths, rows.costs / (self._l2 * len(order)),
            rows.middles, rows.square, self._bias, self._u, self._q, self._state,
        )  # fmt: skip

    def look(self, done: int) -> dict[str, float]:
        """The biases brought to their optimum; the objective and the gap."""
        from dlkit.classify.kernels import ascent

        rows, truth, w = self._rows, self._truth, self._w
        costs = rows.costs
        self._state[1] = rows.mean @ w
        plain = np.zeros(truth.shape)
        ascent.scores(*rows.sparse, w, plain)
        plain -= self._state[1]
        for _ in range(_NEWTON):
            p = np.exp(_log_softmax(plain + self._bias))
            mine = p * costs[:, None]
            step = np.linalg.pinv(np.diag(mine.sum(axis=0)) - mine.T @ p, hermitian=True) @ (
                mine.sum(axis=0) - rows.counts
            )
            self._bias -= step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-9:
                break
        self._bias -= self._bias.mean()
        own = (_log_softmax(plain + self._bias) * truth).sum(axis=1)
        objective = -float((costs * own).mean()) + self._l2 / 2 * float((w * w).sum())
        share, row = _mixture(costs @ self._q, rows.counts)
        w = (1 - share) * w + share / (self._l2 * len(truth)) * rows.own
        q = (1 - share) * self._q + share * row
        entropy = -(q * np.log(q + _TINY)).sum(axis=1)
        dual = float((costs * entropy).mean()) - self._l2 / 2 * float((w * w).sum())
        return {"iteration": done, "objective": objective, "gap": objective - dual}

    def model(self) -> LinearNgrams:
        """The classifier."""
        bias = self._bias - self._rows.mean @ self._w
        return LinearNgrams(self._w.astype(np.float32), bias.astype(np.float32))


def _log_softmax(scores: Float64s) -> Float64s:
    shifted = scores - scores.max(axis=1, keepdims=True)
    found: Float64s = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found
