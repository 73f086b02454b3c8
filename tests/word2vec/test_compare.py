"""Probabilities of held-out words, by plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec import huffman
from dlkit.word2vec.compare import log_probabilities, windows


def by_hand(hidden, outputs, loss, counts):
    """(B, V) probabilities in plain Python."""
    rows = []
    for h in hidden:
        scores = outputs.astype(float) @ h
        if loss == "hs":
            paths = huffman.build(counts)
            row = []
            for word in range(len(counts)):
                span = range(paths.offsets[word], paths.offsets[word + 1])
                signs = [1 - 2 * int(paths.codes[i]) for i in span]
                nodes = [paths.points[i] for i in span]
                steps = [
                    1 / (1 + np.exp(-s * scores[n])) for s, n in zip(signs, nodes, strict=True)
                ]
                row.append(np.prod(steps))
        else:
            weights = counts**0.75 if loss == "ns" else np.ones(len(counts))
            row = np.exp(scores) * weights
            row = row / row.sum()
        rows.append(row)
    return np.array(rows)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(["ns", "hs", "softmax"]), st.integers(1, 9), st.integers(1, 130))
def test_log_probabilities_are_those_of_the_definition(loss, words, hidden):
    draws = np.random.default_rng(words * 1000 + hidden)
    counts = np.sort(draws.integers(1, 100, words))[::-1].copy()
    h, outputs = draws.normal(size=(hidden, 4)), draws.normal(size=(words, 4))
    paths = huffman.build(counts) if loss == "hs" else None
    found = log_probabilities(h, outputs, loss=loss, counts=counts, paths=paths)
    expected = by_hand(h, outputs, loss, counts)
    assert np.allclose(expected.sum(axis=1), 1)
    assert np.allclose(found, np.log(expected).mean(axis=0))


@pytest.mark.parametrize("window", [1, 2, 5])
def test_windows_end_with_the_line_and_are_alike_at_every_call(window):
    ids = np.array([1, 2, 3, -1, 4, -1, 5, 6, -1], np.int32)
    found = dict(windows(ids, window, 100))
    assert {k: v.tolist() for k, v in found.items()} == {
        1: [2, 3][:window], 2: [1, 3], 3: [1, 2][-window:], 5: [6], 6: [5],
    }  # fmt: skip
    first, again = ([w for w, _ in windows(ids, window, 3)] for _ in range(2))
    assert first == again


@pytest.mark.parametrize("exponent", [0.75, 0, 1, -0.5])
def test_a_model_that_knows_the_noise_alone_gives_words_its_shares(exponent):
    counts = np.array([50, 20, 5, 1])
    shares = counts.astype(float) ** exponent
    logs = log_probabilities(
        np.zeros((3, 4)), np.ones((4, 4)), loss="ns", counts=counts, noise_exponent=exponent
    )
    assert np.exp(logs) == pytest.approx(shares / shares.sum())
