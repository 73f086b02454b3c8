"""Probabilities of held-out words, by plain definitions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.vocab import Vocabulary
from dlkit.word2vec import huffman
from dlkit.word2vec.compare import log_probabilities, predict, windows
from dlkit.word2vec.config import Word2vecConfig


def finished(work):
    """What a generator of records returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


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


@pytest.mark.parametrize("exponent", [0.75, 0.0, 1.5])
@pytest.mark.parametrize(
    ("model", "context"), [("skipgram", "mean"), ("cbow", "mean"), ("cbow", "sum")]
)
def test_predictions_weigh_words_by_the_noise_exponent_of_the_settings(model, context, exponent):
    draws = np.random.default_rng(5)
    counts = np.array([40, 20, 9, 3, 1])
    held_out = np.array([0, 1, 2, -1, 3, 0, -1, 4, -1], np.int32)
    inputs, outputs = draws.normal(size=(5, 3)), draws.normal(size=(5, 3))
    corpus = SimpleNamespace(vocabulary=Vocabulary(list("abcde"), counts), held_out=held_out)
    config = Word2vecConfig(model=model, context=context, window=1, noise_exponent=exponent)
    found = finished(predict(corpus, inputs, outputs, config))
    around = [(0, [1]), (1, [0, 2]), (2, [1]), (3, [0]), (0, [3])]  # 4 stands alone
    total, top = 0.0, 0
    for centre, words in around:
        hidden = inputs[words]
        if model == "cbow":
            hidden = getattr(hidden, context)(axis=0, keepdims=True)
        weights = np.exp(hidden @ outputs.T) * counts.astype(float) ** exponent
        logs = np.log(weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
        total -= logs[centre]
        top += (logs > logs[centre]).sum() < 10
    assert found.words == 5
    assert found.perplexity == pytest.approx(np.exp(total / 5), rel=1e-9)
    assert found.top == top / 5


def test_a_noise_exponent_changes_what_is_predicted():
    counts = np.array([1000, 10, 1])
    corpus = SimpleNamespace(
        vocabulary=Vocabulary(list("abc"), counts), held_out=np.array([0, 0, 0, 1], np.int32)
    )
    zeros = np.zeros((3, 2))  # the noise alone tells words apart

    def perplexity(exponent):
        config = Word2vecConfig(window=1, noise_exponent=exponent)
        return finished(predict(corpus, zeros, zeros, config)).perplexity

    assert perplexity(0) == pytest.approx(3)
    shares = counts / counts.sum()
    assert perplexity(1) == pytest.approx((shares[0] ** 3 * shares[1]) ** (-1 / 4))
