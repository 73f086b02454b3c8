"""The PyTorch trainer's explicit gradients against autograd on the definitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec import huffman
from dlkit.word2vec.batched import batches, matrices, steps
from dlkit.word2vec.batched import trainer as torch_trainer
from dlkit.word2vec.batched.softmax import Softmax
from dlkit.word2vec.batched.trainer import TorchTrainer
from dlkit.word2vec.kernels.stream import keep_thresholds
from dlkit.word2vec.model import (
    ContinuousBagOfWords,
    NGramEmbedding,
    SkipGram,
    freeze,
    hierarchical_softmax_loss,
    negative_sampling_loss,
    softmax_loss,
)
from dlkit.word2vec.trainer import NGrams

MASK = 2**64 - 1
OBJECTIVES = ("ns", "hs", "softmax")
MODELS = (("skipgram", "mean"), ("cbow", "mean"), ("cbow", "sum"))
LR = 0.1


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # matrices this small take longer on more
    yield
    torch.set_num_threads(before)


def splitmix(key, position):
    z = (key + position * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def kept_words(ids, keep, window, key, *, fixed=False):
    """[(position, line, word, reach)] of the words that are kept, from the definition."""
    line, result = 0, []
    for position, word in enumerate(ids):
        if word < 0:
            line += 1
            continue
        bits = splitmix(key, position)
        if bits >> 32 <= keep[word]:
            drawn = ((bits & 0xFFFFFFFF) * window >> 32) + 1
            result.append((position, line, int(word), window if fixed else drawn))
    return result


def sees(centre, context, words):
    """Whether word number ``context`` lies in the window of word number ``centre``."""
    near = 0 < abs(centre - context) <= words[centre][3]
    return near and words[centre][1] == words[context][1]


class Autograd:
    """The same training with one scalar loss a batch and the gradients that autograd finds."""

    def __init__(
        self, trainer, counts, *, model, loss, context, negative, seed, ngrams=None,
        noise_exponent=0.75, fixed_window=False, frozen=(), **_,
    ):  # fmt: skip
        kind = {"context": context} if model == "cbow" else {}
        words, dim = trainer.inputs.shape
        self.module = (ContinuousBagOfWords if kind else SkipGram)(words, dim, **kind).double()
        self.rows = [[word] for word in range(words)]
        if ngrams is not None:
            self.rows = [part.tolist() for part in np.split(ngrams.rows, ngrams.offsets[1:-1])]
            rows = words + ngrams.number
            self.module.inputs = NGramEmbedding(self.rows, rows, dim, frozen=frozen).double()
        elif frozen:
            freeze(self.module.inputs, torch.tensor(sorted(frozen)))
        with torch.no_grad():
            self.module.inputs.weight.copy_(torch.from_numpy(trainer.rows))
            self.module.outputs.weight.copy_(torch.from_numpy(trainer.outputs))
        self.frozen = frozenset(frozen)
        self.by_inputs = model == "skipgram" and loss != "hs"
        self.model, self.loss, self.negative = model, loss, negative
        self.context, self.exponent, self.fixed = context, noise_exponent, fixed_window
        self.paths, self.counts = huffman.build(counts), counts
        self.keys = [int(k) for k in np.random.SeedSequence([seed, 0]).generate_state(2, np.uint64)]

    def train(self, ids, keep, *, window, piece, length):
        """Train in the batches that the trainer takes; returns summed loss and its terms."""
        words = kept_words(ids, keep, window, self.keys[0], fixed=self.fixed)
        total, terms = 0.0, 0
        for start in range(0, max(len(ids), 1), piece):
            inside = [i for i, word in enumerate(words) if start <= word[0] < start + piece]
            begun = start
            for first in range(0, len(inside), length):
                rows = inside[first : first + length]
                loss, count = self.batch(rows, words, begun)
                total, terms = total + loss, terms + count
                begun = words[rows[-1]][0] + 1
        return total, terms

    def batch(self, rows, words, begun):
        """One step on the windows of ``rows``: centres, or inputs with all centres they see."""
        everything = range(len(words))
        if self.by_inputs:
            windows = [(j, [i]) for i in rows for j in everything if sees(j, i, words)]
        else:
            windows = [(j, [i for i in everything if sees(j, i, words)]) for j in rows]
        windows = [(words[j][2], [words[i][2] for i in seen]) for j, seen in windows if seen]
        self.pairs = [np.zeros(len(self.module.inputs.weight)), np.zeros(len(self.counts))]
        losses = [self.window(centre, torch.tensor(seen), begun) for centre, seen in windows]
        if not losses:
            return 0.0, 0
        self.module.zero_grad()
        loss = torch.stack(losses).sum()
        loss.backward()
        with torch.no_grad():
            most = max(matrices.LARGEST_STEP / LR, 1)
            pulls = self.furthest({word for _, seen in windows for word in seen}), self.pairs[1]
            for pull, part in zip(pulls, (self.module.inputs, self.module.outputs), strict=True):
                if part.weight.grad is not None:
                    taken = torch.from_numpy(most / np.maximum(pull, most))
                    part.weight -= LR * taken[:, None] * part.weight.grad
        terms = len(windows) if self.model == "cbow" else sum(len(seen) for _, seen in windows)
        return float(loss.detach()), terms

    def furthest(self, words):
        """Of each row, the most pairs that move one of ``words`` that are made of it."""
        found = np.zeros(len(self.pairs[0]))
        for word in words:
            learning = [row for row in self.rows[word] if row not in self.frozen]
            if learning:
                moved = self.pairs[0][learning].mean()
                found[learning] = np.maximum(found[learning], moved)
        return found

    def window(self, centre, seen, begun):
        """The loss of one window; counts in how many pairs each row takes part."""
        for word in seen.tolist():
            np.add.at(self.pairs[0], self.rows[word], len(seen) if self.context == "sum" else 1)
        predictions = 1 if self.model == "cbow" else len(seen)
        if self.loss == "softmax":
            self.pairs[1][centre] += predictions
            logits = self.module(seen, torch.arange(len(self.counts)))
            return softmax_loss(logits, torch.full((len(logits),), centre))
        if self.loss == "hs":
            span = slice(self.paths.offsets[centre], self.paths.offsets[centre + 1])
            points = torch.from_numpy(self.paths.points[span]).long()
            codes = torch.from_numpy(self.paths.codes[span]).double()
            self.pairs[1][points] += predictions
            return hierarchical_softmax_loss(self.module(seen, points), codes)
        shared = steps.SHARED
        weighed = self.counts.astype(float) ** self.exponent
        share = weighed / weighed.sum()
        ends = np.cumsum(share)
        drawn = [splitmix(self.keys[1], begun * shared + i) for i in range(shared)]
        noise = [min(int(np.searchsorted(ends, (z >> 11) * 2.0**-53, "right")), len(share) - 1)
                 for z in drawn]  # fmt: skip
        wanted = min(self.negative, len(share) - 1)
        each = wanted / shared / (1 - share[centre]) if wanted else 0.0
        weights = torch.tensor([1.0] + [each * (word != centre) for word in noise]).double()
        np.add.at(self.pairs[1], [centre, *noise], predictions * weights.numpy())
        return negative_sampling_loss(self.module(seen, torch.tensor([centre, *noise])), weights)


def given_rows(trainer, words):
    """Rows to begin with, NaN but for those of ``words``; zeros of both signs are among them."""
    rows = np.full(trainer.rows.shape, np.nan, np.float32)
    for row in words:
        rows[row] = np.random.default_rng(row).normal(size=rows.shape[1])
        rows[row, row % rows.shape[1]] = -0.0 if row % 2 else 0.0
    return rows


def trained_both_ways(ids, counts, *, piece, length, block=32, frozen=None, **changes):
    options = {
        "model": "skipgram", "loss": "ns", "context": "mean", "dim": 4, "window": 2, "negative": 5,
        "sample": 0, "seed": 1,
    } | changes  # fmt: skip
    ids, counts = np.array(ids, np.int32), np.array(counts)
    trainer = TorchTrainer(
        ids, counts, lr=LR, min_lr=LR, epochs=1, threads=1, freeze=frozen is not None, **options
    )
    given = given_rows(trainer, frozen or ())
    trainer.start_from(given, None)
    trainer._length, trainer._steps._block = length, block
    trainer.outputs[:] = np.random.default_rng(1).normal(size=trainer.outputs.shape)
    if options["loss"] == "hs":
        trainer.outputs[-1] = 0  # no inner node
    oracle = Autograd(trainer, counts, frozen=frozen or (), **options)
    keep = keep_thresholds(counts, sample=options["sample"])
    expected = oracle.train(ids, keep, window=options["window"], piece=piece, length=length)
    original, torch_trainer.PIECE = torch_trainer.PIECE, piece
    try:
        last = list(trainer.run())[-1]
    finally:
        torch_trainer.PIECE = original
    known = ~np.isnan(given[:, 0])
    assert trainer.rows[known].tobytes() == given[known].tobytes()
    return trainer, oracle.module, last, expected


def assert_equal(trainer, module, last, expected):
    assert np.abs(trainer.rows - module.inputs.weight.detach().numpy()).max() < 3e-5
    assert np.abs(trainer.outputs - module.outputs.weight.detach().numpy()).max() < 3e-5
    loss, terms = expected
    assert last.pairs == last.measured == terms
    assert last.words == last.total
    if terms:
        assert last.loss == pytest.approx(loss / terms, rel=1e-4, abs=1e-6)
    else:
        assert np.isnan(last.loss)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_training_is_gradient_descent_wherever_the_stream_is_cut(data):
    words = data.draw(st.integers(1, 7), "words")
    ids = data.draw(st.lists(st.integers(-1, words - 1), max_size=40), "ids")
    model, context = data.draw(st.sampled_from(MODELS))
    counts = np.maximum(np.bincount([i for i in ids if i >= 0], minlength=words), 1)
    ngrams = data.draw(st.none() | made_of_ngrams(words), "ngrams")
    rows = words + (ngrams.number if ngrams else 0)
    assert_equal(
        *trained_both_ways(
            ids, counts, model=model, context=context, ngrams=ngrams,
            loss=data.draw(st.sampled_from(OBJECTIVES)),
            window=data.draw(st.sampled_from([1, 2, 5, 20])),
            negative=data.draw(st.sampled_from([1, 5, 64])),
            sample=data.draw(st.sampled_from([0, 0.1])),
            seed=data.draw(st.integers(0, 5)),
            piece=data.draw(st.sampled_from([1, 7, 1 << 15])),
            length=data.draw(st.sampled_from([1, 3, 1000])),
            block=data.draw(st.sampled_from([1, 4, 32])),
            noise_exponent=data.draw(st.sampled_from([0.75, 0, 1, -0.5])),
            fixed_window=data.draw(st.booleans()),
            frozen=data.draw(st.none() | st.sets(st.integers(0, rows - 1)), "frozen"),
        )
    )  # fmt: skip


@st.composite
def made_of_ngrams(draw, words):
    """Rows of words with up to 4 n-grams of 3 buckets, some of them twice."""
    number = draw(st.integers(0, 3))
    grams = st.lists(st.integers(words, words + max(number, 1) - 1), max_size=4 if number else 0)
    return grams_of([draw(grams) for _ in range(words)], number)


def grams_of(grams, number):
    """``NGrams`` of words whose own rows come first."""
    rows = [[word, *each] for word, each in enumerate(grams)]
    offsets = np.cumsum([0, *map(len, rows)])
    return NGrams(offsets, np.concatenate(rows).astype(np.int32), number)


@pytest.mark.parametrize("loss", OBJECTIVES)
@pytest.mark.parametrize(("model", "context"), MODELS)
@pytest.mark.parametrize(
    ("ids", "counts"),
    [
        ([0, 0, 0, 0, 0], [5]),
        ([0, 1, 0, 1, 1, 0], [3, 3]),
        ([3, 3, 3, 1, 3, 3], [9, 4, 2, 1]),
        ([2, 2, 2, 2, 0] * 30, [120, 60, 30]),
        ([-1, -1, 0, 1, -1, -1, 1, 0, 2, -1], [4, 2, 1]),
        (list(range(70)), [1] * 70),
    ],
    ids=[
        "one word",
        "two words",
        "repeated words",
        "steps too far",
        "empty lines",
        "more rows than a block",
    ],
)
@pytest.mark.parametrize("shared", [False, True], ids=["words", "one n-gram of all"])
def test_steps_are_gradient_descent_at_the_edges(model, context, loss, ids, counts, shared):
    words = len(counts)
    assert_equal(
        *trained_both_ways(
            ids, counts, model=model, context=context, loss=loss, piece=1 << 15, length=50,
            ngrams=grams_of([[words]] * words, 1) if shared else None,
        )
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 700), st.integers(0, 9))
def test_softmax_in_tiles_is_softmax_at_once(rows, words, seed):
    draws = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, 5, generator=draws) * 3
    start = torch.randn(words, 5, generator=draws) * 3
    weights = torch.randint(0, 4, (rows,), generator=draws).float()
    taken = torch.rand(words, generator=draws)
    results = []
    for budget in (64 << 20, 4):
        outputs = start.clone()
        sums, change = Softmax(outputs, budget=budget).push(hidden, weights, 0.3, taken=taken)
        results.append((sums, change, outputs))
    for at_once, tiled in zip(*results, strict=True):
        assert torch.allclose(at_once, tiled, atol=1e-4)
    x, y = (m.double().requires_grad_() for m in (hidden, start))
    (weights.double() * torch.logsumexp(x @ y.T, 1)).sum().backward()
    sums, change, outputs = results[0]
    assert torch.allclose(sums.double(), torch.logsumexp(x @ y.T, 1), atol=1e-4)
    assert torch.allclose(change.double(), -0.3 * x.grad, atol=1e-4)
    assert torch.allclose(outputs.double(), start - 0.3 * taken[:, None] * y.grad, atol=1e-4)


def test_softmax_of_large_logits_is_finite():
    for budget in (64 << 20, 4):
        outputs = torch.tensor([[100.0], [-100.0]]).repeat(200, 1)
        sums, change = Softmax(outputs, budget=budget).push(
            torch.tensor([[90.0]]), torch.ones(1), 0.1
        )
        assert float(sums[0]) == pytest.approx(9000 + np.log(200))
        assert torch.isfinite(change).all()
        assert torch.isfinite(outputs).all()


def test_noise_words_count_as_if_they_were_drawn_for_each_window():
    counts = np.array([50, 30, 15, 5])
    noise = batches.Negatives(counts, negative=5, shared=64)
    drawn = np.concatenate([noise.draw(np.uint64(7), 10 * i) for i in range(4000)])
    share = counts**0.75 / (counts**0.75).sum()
    assert np.abs(np.bincount(drawn) / len(drawn) - share).max() < 0.005
    for centre in range(4):
        total = noise.weights[centre] * np.count_nonzero(drawn != centre) / 4000
        assert total == pytest.approx(3, rel=0.02)  # a window has no more words to push away


def test_noise_of_batches_differs():
    noise = batches.Negatives(np.full(1000, 3), negative=5, shared=64)
    groups = [noise.draw(np.uint64(7), position) for position in range(50)]
    assert all(not np.array_equal(one, two) for one, two in pairwise(groups))
