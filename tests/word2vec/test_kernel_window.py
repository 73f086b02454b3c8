"""The update of one window equals gradient descent as autograd finds it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.kernels.memory import aligned, padded
from dlkit.word2vec.kernels.window import update_window
from dlkit.word2vec.model import ContinuousBagOfWords, SkipGram, negative_sampling_loss

MODELS = ("skipgram", "cbow")
LR = 0.05


def matrices(words, dim, seed, scale=0.5):
    draws = np.random.default_rng(seed)
    pair = aligned(words, padded(dim)), aligned(words, padded(dim))
    for matrix in pair:
        matrix[:, :dim] = draws.normal(size=(words, dim)) * scale
    return pair


def descend(model, inputs, outputs, contexts, targets, dim, lr=LR):
    """Inputs, outputs and loss after one step of gradient descent, in float64."""
    kind = SkipGram if model == "skipgram" else ContinuousBagOfWords
    module = kind(len(inputs), dim).double()
    with torch.no_grad():
        module.inputs.weight.copy_(torch.from_numpy(inputs[:, :dim].astype(np.float64)))
        module.outputs.weight.copy_(torch.from_numpy(outputs[:, :dim].astype(np.float64)))
    loss = negative_sampling_loss(module(torch.as_tensor(contexts), torch.as_tensor(targets)))
    loss.backward()
    after = [
        (p - lr * p.grad).detach().numpy() for p in (module.inputs.weight, module.outputs.weight)
    ]
    return *after, float(loss.detach())


def check(model, words, dim, contexts, targets, seed=0, tolerance=4e-6):
    inputs, outputs = matrices(words, dim, seed)
    contexts, targets = np.array(contexts), np.array(targets)
    x, y, loss = descend(model, inputs, outputs, contexts, targets, dim)
    found = update_window(model, inputs, outputs, contexts, targets, lr=LR)
    assert np.abs(inputs[:, :dim] - x).max() < tolerance
    assert np.abs(outputs[:, :dim] - y).max() < tolerance
    assert found == pytest.approx(loss, rel=1e-5)
    assert not inputs[:, dim:].any()
    assert not outputs[:, dim:].any()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("negative", range(65))
def test_any_number_of_negatives(model, negative):
    targets = np.random.default_rng(negative).permutation(70)[: negative + 1]
    check(model, 70, 20, [3, 1, 4, 69, 5], targets)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dim", [*range(1, 18), 100, 300])
@pytest.mark.parametrize("negative", [5, 8])
def test_any_dim(model, dim, negative):
    check(model, 12, dim, [3, 1, 4, 0], np.arange(11, 10 - negative, -1))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("contexts", [*range(1, 8), 2000])
@pytest.mark.parametrize("negative", [2, 6])
def test_any_number_of_contexts(model, contexts, negative):
    places = np.random.default_rng(contexts).permutation(2000)[:contexts]
    check(model, 2000, 9, places, range(negative + 1), tolerance=4e-5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("negative", [1, 7])
def test_centre_may_be_its_own_context(model, negative):
    check(model, 9, 10, [0, 2, 5], range(negative + 1))


@pytest.mark.parametrize("model", MODELS)
def test_vocabulary_of_one_word(model):
    inputs, outputs = matrices(1, 5, 0)
    _, y, loss = descend(model, inputs, outputs, [0], [0], 5)
    assert update_window(model, inputs, outputs, np.array([0]), np.array([0]), lr=LR) == (
        pytest.approx(loss)
    )
    assert np.allclose(outputs[:, :5], y, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_repeated_contexts_are_exact_for_cbow_and_for_several_blocks(data):
    model, negative = data.draw(st.sampled_from([("cbow", 3), ("cbow", 9), ("skipgram", 9)]))
    contexts = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=9))
    check(model, 12, 11, contexts, range(negative + 1), seed=data.draw(st.integers(0, 9)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(0, 9))
def test_repeated_contexts_in_one_block_of_skipgram_enter_outputs_as_already_changed(
    contexts, seed
):
    inputs, outputs = matrices(8, 11, seed)
    x, y = inputs.astype(np.float64), outputs.astype(np.float64)
    targets = np.arange(6)
    labels = np.eye(6)[0]
    c = LR * (labels - 1 / (1 + np.exp(-x[contexts] @ y[targets].T)))  # from the rows before
    old = y[targets].copy()
    for m, word in enumerate(contexts):
        y[targets] += c[m][:, None] * x[word]
        x[word] += c[m] @ old
    exact, _, _ = descend("skipgram", inputs, outputs, contexts, targets, 11)
    update_window("skipgram", inputs, outputs, np.array(contexts), targets, lr=LR)
    assert np.abs(inputs - x).max() < 4e-6
    assert np.abs(outputs - y).max() < 4e-6
    assert np.abs(inputs[:, :11] - exact).max() < 4e-6  # the inputs' own gradient is exact


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("negative", [4, 13])
def test_padding_of_a_block_changes_nothing(model, negative):
    inputs, outputs = matrices(20, 8, 0)
    before = outputs.copy()
    update_window(model, inputs, outputs, np.array([1, 2]), np.arange(negative + 1), lr=LR)
    assert np.array_equal(outputs[negative + 1 :], before[negative + 1 :])
    assert np.all(outputs[: negative + 1] != before[: negative + 1])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("negative", [3, 10])
def test_loss_shows_what_is_not_finite(model, bad, negative):
    inputs, outputs = matrices(20, 8, 0)
    inputs[1] = bad
    loss = update_window(model, inputs, outputs, np.array([1, 2]), np.arange(negative + 1), lr=LR)
    assert not np.isfinite(loss)


@pytest.mark.parametrize("model", MODELS)
def test_loss_is_not_clipped(model):
    inputs, outputs = aligned(3, 8), aligned(3, 8)
    inputs[:], outputs[0], outputs[1:] = 10, -10, 10
    loss = update_window(model, inputs, outputs, np.array([1]), np.arange(3), lr=LR)
    assert loss == pytest.approx(3 * 800)


@pytest.mark.parametrize(
    ("contexts", "targets"),
    [([-1], [0]), ([8], [0]), ([0], [8]), ([0], [-1]), ([], [0]), ([0], []), ([0], [1, 2, 1])],
)
def test_ids_out_of_range_are_refused(contexts, targets):
    inputs, outputs = matrices(8, 8, 0)
    before = inputs.copy(), outputs.copy()
    with pytest.raises(ValueError, match=r"contexts|targets"):
        update_window(
            "cbow", inputs, outputs, np.array(contexts, int), np.array(targets, int), lr=LR
        )
    assert np.array_equal(inputs, before[0])
    assert np.array_equal(outputs, before[1])


def test_matrices_that_are_not_aligned_are_refused():
    inputs, outputs = matrices(8, 8, 0)
    shifted = np.frombuffer(bytearray(8 * 8 * 4 + 64), np.uint8)
    start = (4 - shifted.ctypes.data) % 64
    odd = shifted[start : start + 256].view(np.float32).reshape(8, 8)
    for pair in ((odd, outputs), (inputs[:, ::2], outputs), (inputs[:4], outputs)):
        with pytest.raises(ValueError, match=r"matrices|inputs"):
            update_window("skipgram", *pair, np.array([1]), np.array([0]), lr=LR)


def descend_labels(model, mean, x, y, contexts, targets, labels):
    """Inputs and outputs after a step on the summed logistic loss of given labels, by autograd."""
    x = torch.tensor(x.astype(np.float64), requires_grad=True)
    y = torch.tensor(y.astype(np.float64), requires_grad=True)
    rows = x[torch.as_tensor(contexts)]
    if model == "cbow":
        rows = rows.sum(0, keepdim=True)
        # Every context gets the whole gradient of the mean, which autograd divides.
        rows = rows / len(contexts) if mean else rows
    logits = rows @ y[torch.as_tensor(targets)].T
    wanted = torch.as_tensor(labels, dtype=torch.float64).expand_as(logits)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
    loss.backward()
    scale = len(contexts) if model == "cbow" and mean else 1
    return (
        (x - LR * scale * x.grad).detach().numpy(),
        (y - LR * y.grad).detach().numpy(),
        float(loss.detach()),
    )


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_labels_and_the_sum_of_contexts_are_gradient_descent(data):
    model, mean = data.draw(st.sampled_from([("skipgram", True), ("cbow", True), ("cbow", False)]))
    count = data.draw(st.integers(1, 20))
    targets = np.random.default_rng(count).permutation(20)[:count]
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    unique = model == "skipgram" and count <= 6
    contexts = np.array(
        data.draw(st.lists(st.integers(0, 19), min_size=1, max_size=9, unique=unique))
    )
    inputs, outputs = matrices(20, 16, 1)
    x, y, loss = descend_labels(model, mean, inputs, outputs, contexts, targets, labels)
    found = update_window(
        model, inputs, outputs, contexts, targets, lr=LR, labels=labels, mean=mean
    )
    assert np.abs(inputs - x).max() < 1e-5
    assert np.abs(outputs - y).max() < 1e-5
    assert found == pytest.approx(loss, rel=1e-5)
