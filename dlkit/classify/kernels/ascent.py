"""Stochastic dual coordinate ascent over sparse rows, and their scores: the loops.

Rows lie one after the other: places ``values`` (T,) int32 of their numbers ``weights`` (T,)
float32, row i from offsets[i] to offsets[i + 1]. Import this module inside function bodies only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


@compiled()
def squares(weights: Float32s, offsets: Int64s, out: Float64s) -> None:
    """|x|² of each row."""
    for row in range(out.shape[0]):
        total = 0.0
        for k in range(offsets[row], offsets[row + 1]):
            total += np.float64(weights[k]) * np.float64(weights[k])
        out[row] = total


@compiled()
def add_rows(
    values: Int32s, weights: Float32s, offsets: Int64s, shares: Float64s, out: Float64s
) -> None:
    """Add to out (V,) the rows, each times its share (N,)."""
    for row in range(shares.shape[0]):
        if shares[row] != 0.0:
            for k in range(offsets[row], offsets[row + 1]):
                out[values[k]] += shares[row] * weights[k]


@compiled()
def binary_scores(
    values: Int32s, weights: Float32s, offsets: Int64s, w: Float64s, out: Float64s
) -> None:
    """The product w x of each row, (N,)."""
    for row in range(out.shape[0]):
        total = 0.0
        for k in range(offsets[row], offsets[row + 1]):
            total += w[values[k]] * weights[k]
        out[row] = total


@compiled()
def scores(values: Int32s, weights: Float32s, offsets: Int64s, w: Float64s, out: Float64s) -> None:
    """W x of each row added to out, (N, C); W lies place by place, (V, C)."""
    for row in range(out.shape[0]):
        for k in range(offsets[row], offsets[row + 1]):
            place, number = values[k], np.float64(weights[k])
            for c in range(w.shape[1]):
                out[row, c] += w[place, c] * number


@compiled()
def binary_pass(
    order: Int64s,
    values: Int32s,
    weights: Float32s,
    offsets: Int64s,
    signs: Float64s,
    lengths: Float64s,
    costs: Float64s,
    middles: Float64s,
    square: float,
    bias: float,
    u: Float64s,
    q: Float64s,
    state: Float64s,
) -> None:
    """One step for each row, in ``order``, of the dual of the logistic loss.

    Args:
        order: (N,) the rows.
        values: see the module.
        weights: see the module.
        offsets: see the module.
        signs: (N,) 1 and -1, the classes.
        lengths: (N,) |x - m|², m the mean of the rows.
        costs: (N,) what the row's loss counts over (λ N).
        middles: (N,) x m.
        square: |m|².
        bias: b, which is added to w (x - m).
        u: (V,) Σ cost sign q x, kept so; w = u - state[0] m.
        q: (N,) the dual variables, from 0 to 1: at the optimum the probability of the other class.
        state: Σ cost sign q, and w m, kept so.

    """
    for row in order:
        first, stop = offsets[row], offsets[row + 1]
        score = bias - state[1] - state[0] * middles[row]
        for k in range(first, stop):
            score += u[values[k]] * weights[k]
        margin = signs[row] * score
        pull = costs[row] * lengths[row]
        # q = 1 / (1 + exp(-z)), where z + pull (q - old) + margin = 0, by Newton's method.
        old = q[row]
        low, high = -margin - pull * (1.0 - old), -margin + pull * old
        z = min(max(np.log((old + 1e-12) / (1.0 - old + 1e-12)), low), high)
        new = old
        for trial in range(60):
            new = 1.0 / (1.0 + np.exp(-z))
            error = z + pull * (new - old) + margin
            if error > 0.0:
                high = z
            else:
                low = z
            step = error / (1.0 + pull * new * (1.0 - new))
            if abs(step) < 1e-9:
                break
            z = z - step
            # Newton's steps alone may go back and forth between two places for ever.
            if trial % 4 == 3 or not low < z < high:
                z = 0.5 * (low + high)
        new = 1.0 / (1.0 + np.exp(-z))
        q[row] = new
        change = costs[row] * signs[row] * (new - old)
        for k in range(first, stop):
            u[values[k]] += change * weights[k]
        state[0] += change
        state[1] += change * (middles[row] - square)


@compiled()
def _share(old: Float64s, there: Float64s, score: Float64s, pull: float) -> float:
    """How far to go from ``old`` to ``there``, 0 to 1, for the greatest dual value."""
    square = 0.0
    for c in range(old.shape[0]):
        square += (there[c] - old[c]) ** 2
    if square < 1e-24:
        return 0.0
    low, high, t = 0.0, 1.0, 1.0 / (1.0 + pull)
    for trial in range(60):
        slope, curvature = pull * t * square, pull * square
        for c in range(old.shape[0]):
            d = there[c] - old[c]
            p = max(old[c] + t * d, 1e-300)
            slope += d * (np.log(p) - score[c])
            curvature += d * d / p
        if slope > 0.0:
            high = t
        else:
            low = t
        step = slope / curvature
        if abs(step) < 1e-9:
            break
        t = t - step
        if trial % 4 == 3 or not low < t < high:
            t = 0.5 * (low + high)
    return t


@compiled()
def softmax_pass(
    order: Int64s,
    values: Int32s,
    weights: Float32s,
    offsets: Int64s,
    lengths: Float64s,
    costs: Float64s,
    middles: Float64s,
    square: float,
    bias: Float64s,
    u: Float64s,
    q: Float64s,
    state: Float64s,
) -> None:
    """One step for each row, in ``order``, of the dual of the softmax loss.

    As ``binary_pass``, with u (V, C) = Σ cost x (e_label - q), state (2, C), and q (N, C), each row
    of which adds up to 1: at the optimum the probabilities. A step goes from q towards them, as far
    as is best (Shalev-Shwartz and Zhang 2013, section 6, option I along their direction).
    """
    classes = u.shape[1]
    score, there = np.empty(classes), np.empty(classes)
    for row in order:
        first, stop = offsets[row], offsets[row + 1]
        for c in range(classes):
            score[c] = bias[c] - state[1, c] - state[0, c] * middles[row]
        for k in range(first, stop):
            place, number = values[k], np.float64(weights[k])
            for c in range(classes):
                score[c] += u[place, c] * number
        pull = costs[row] * lengths[row]
        largest = -np.inf
        for c in range(classes):
            largest = max(largest, score[c])
        total = 0.0
        for c in range(classes):
            there[c] = np.exp(score[c] - largest)
            total += there[c]
        for c in range(classes):
            there[c] /= total
        t = _share(q[row], there, score, pull)
        for c in range(classes):
            change = t * (there[c] - q[row, c])
            q[row, c] += change
            there[c] = -change * costs[row]
            state[0, c] += there[c]
            state[1, c] += there[c] * (middles[row] - square)
        for k in range(first, stop):
            place, number = values[k], np.float64(weights[k])
            for c in range(classes):
                u[place, c] += there[c] * number
