"""The loss of a window and of held-out text, against plain definitions."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.kernels import loss as kernel
from dlkit.word2vec.kernels.heldout import SEED, held_out_loss


@numba.njit
def softplus(z):
    return kernel.softplus(z)


@numba.njit
def window_loss(cells, labels, pairs, block_cells, count):
    return kernel.window_loss(cells, labels, pairs, block_cells, count)


@settings(deadline=None)
@given(st.floats(-1e300, 1e300))
def test_softplus_is_stable(z):
    assert softplus(z) == pytest.approx(float(np.logaddexp(0.0, z)), rel=1e-12, abs=1e-300)


def test_softplus_keeps_what_is_not_finite():
    assert math.isnan(softplus(math.nan))
    assert softplus(math.inf) == math.inf
    assert softplus(-math.inf) == 0


@pytest.mark.parametrize("count", [1, 2, 6, 7, 12, 13])
def test_window_loss_sums_the_logits_of_all_blocks(count):
    pairs, block_cells = 3, 4
    cells = np.full((3 * block_cells, 16), np.nan, np.float32)
    draws = np.random.default_rng(count)
    logits = draws.normal(size=(pairs, count)).astype(np.float32)
    wanted = draws.integers(0, 2, count)
    labels = np.full(3, -1 << 6)  # bits beyond the sixth mean nothing
    for k in range(count):
        labels[k // 6] |= wanted[k] << k % 6
        cells[k // 6 * block_cells + np.arange(pairs), 8 + k % 6] = logits[:, k]
    expected = np.logaddexp(0, np.where(wanted == 1, -logits, logits)).sum()
    found = window_loss(cells, labels, pairs, block_cells, count)
    assert found == pytest.approx(expected, rel=1e-6)


def held_out_by_hand(
    ids, x, y, counts, keep, model, window, negative, fixed_window, noise_exponent
):
    mass = np.cumsum(counts.astype(float) ** noise_exponent)
    draws = np.random.default_rng(SEED)
    drawn = draws.integers(0, 2**32, len(ids), np.uint32)
    ids = [word for word, draw in zip(ids, drawn, strict=True) if word < 0 or draw <= keep[word]]
    reach = draws.integers(window if fixed_window else 1, window + 1, len(ids))
    total, terms = 0.0, 0
    for i, centre in enumerate(ids):
        if centre < 0:
            continue
        picked = np.searchsorted(mass, draws.random(negative) * mass[-1], "right")
        contexts = []
        for step in (-1, 1):
            for j in range(i + step, i + step * (reach[i] + 1), step):
                if not 0 <= j < len(ids) or ids[j] < 0:
                    break
                contexts.append(ids[j])
        rows = [x[c] for c in contexts]
        if model == "cbow" and rows:
            rows = [np.mean(rows, axis=0)]
        for row in rows:
            terms += 1
            total += np.logaddexp(0, -row @ y[centre])
            total += sum(np.logaddexp(0, row @ y[k]) for k in picked if k != centre)
    return total / terms if terms else math.nan


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-1, 4), max_size=25),
    st.sampled_from(["skipgram", "cbow"]),
    st.integers(1, 4),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from([0.75, 0, 1, -0.5]),
)
def test_held_out_loss_is_its_definition(ids, model, window, negative, fixed, exponent):
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3))
    counts = np.array([9, 7, 4, 2, 1])
    keep = np.array([0, 2**30, 2**31, 2**32 - 1, 2**32 - 1], np.uint32)
    settings = {
        "keep": keep, "model": model, "window": window, "negative": negative,
        "fixed_window": fixed, "noise_exponent": exponent,
    }  # fmt: skip
    found = held_out_loss(np.array(ids, np.int32), x, y, counts, **settings)
    expected = held_out_by_hand(ids, x, y, counts, **settings)
    assert found == pytest.approx(expected, nan_ok=True)


def test_held_out_loss_does_not_depend_on_the_size_of_batches(monkeypatch):
    ids = np.random.default_rng(1).integers(-1, 5, 200).astype(np.int32)
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3))
    arguments = (ids, x, y, np.array([9, 7, 4, 2, 1]))
    settings = {"keep": np.full(5, 2**31, np.uint32), "model": "skipgram", "window": 3}
    whole = held_out_loss(*arguments, **settings, negative=2)
    monkeypatch.setattr("dlkit.word2vec.kernels.heldout.FLOATS_AT_ONCE", 100)
    assert held_out_loss(*arguments, **settings, negative=2) == pytest.approx(whole)


def test_held_out_loss_shows_what_is_not_finite():
    x, y = np.ones((2, 3, 4), np.float32)
    x[1] = np.inf
    ids, counts = np.array([0, 1, 2], np.int32), np.array([3, 2, 1])
    for model in ("skipgram", "cbow"):
        loss = held_out_loss(
            ids,
            x,
            y,
            counts,
            keep=np.full(3, 2**32 - 1, np.uint32),
            model=model,
            window=1,
            negative=9,
        )
        assert not math.isfinite(loss)
