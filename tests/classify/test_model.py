"""The networks: shapes, scaling, sparse rows, and that nothing but the input decides a score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlkit.classifiers.asking import probabilities_of
from dlkit.classify.asking import scores_of
from dlkit.classify.model import ACTIVATIONS, Network, TextNetwork
from dlkit.data.ngrams import Bags
from dlkit.training import penalties


def count(model):
    return sum(each.numel() for each in model.parameters())


def awake(model):
    """The network with random weights in its last layer, too, which begins at 0."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_without_hidden_layers_it_is_linear():
    model = awake(Network(inputs=5, classes=3))
    assert count(model) == 5 * 3 + 3
    weight, bias = model.parameters()
    rows = torch.randn(4, 5)
    torch.testing.assert_close(model(rows), rows @ weight.T + bias)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_layers_are_those_asked_for(activation):
    model = awake(Network(inputs=5, classes=3, hidden=(7, 4), activation=activation))
    assert count(model) == 5 * 7 + 7 + 7 * 4 + 4 + 4 * 3 + 3
    first, one, second, two, third, three = model.parameters()
    function = ACTIVATIONS[activation]()
    rows = torch.randn(6, 5)
    wanted = function(function(rows @ first.T + one) @ second.T + two) @ third.T + three
    torch.testing.assert_close(model(rows), wanted)


def test_bytes_are_divided_by_255_and_other_numbers_are_not():
    model = awake(Network(inputs=12, classes=2, hidden=(3,)))
    pixels = torch.randint(0, 256, (5, 2, 2, 3), dtype=torch.uint8)
    torch.testing.assert_close(model(pixels), model(pixels.flatten(1).float() / 255))


def test_at_first_all_classes_are_equally_probable():
    for model in (Network(inputs=5, classes=4, hidden=(8,)), Network(inputs=5, classes=4)):
        assert model(torch.randn(3, 5)).abs().max() == 0


def test_only_weights_are_penalised():
    model = Network(inputs=5, classes=3, hidden=(7,), batch_norm=True)
    weights, others = penalties.divide(model)
    assert [tuple(each.shape) for each in weights] == [(7, 5), (3, 7)]
    assert len(others) == 4  # two biases, scale and shift of the normalisation
    weights, others = penalties.divide(TextNetwork(ngrams=9, classes=3))
    assert [tuple(each.shape) for each in weights] == [(9, 3)]
    assert [tuple(each.shape) for each in others] == [(3,)]


def bags(random, texts=40, ngrams=30):
    """Random lists of n-grams, some empty, and the same as a dense matrix."""
    sizes = random.integers(0, 9, texts)
    dense = np.zeros((texts, ngrams), np.float32)
    values, weights = [], []
    for row, size in enumerate(sizes):
        places = np.sort(random.choice(ngrams, size, replace=False))
        numbers = random.random(size).astype(np.float32)
        dense[row, places] = numbers
        values.append(places)
        weights.append(numbers)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Bags(np.concatenate(values).astype(np.int64), offsets, np.concatenate(weights)), dense


@pytest.mark.parametrize(("dim", "hidden"), [(0, ()), (0, (6,)), (5, ()), (5, (6, 4))])
def test_lists_of_ngrams_are_a_linear_layer_on_sparse_rows(dim, hidden):
    found, dense = bags(np.random.default_rng(1))
    model = awake(TextNetwork(ngrams=30, classes=3, dim=dim, hidden=hidden, activation="tanh"))
    rows = torch.from_numpy(dense) @ model.bag.weight
    if model.bias is not None:
        rows = rows + model.bias
    with torch.no_grad():
        wanted = model.layers(rows).numpy()
    np.testing.assert_allclose(scores_of(model, found), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["rows", "texts"])
def test_batch_size_and_order_change_no_score(kind):
    random = np.random.default_rng(4)
    if kind == "rows":
        numbers = random.integers(0, 256, (70, 12), dtype=np.uint8)
        model = Network(inputs=12, classes=3, hidden=(16,), dropout=0.5, batch_norm=True)
        turned = numbers[::-1].copy()
    else:
        numbers, _ = bags(random, texts=70)
        model = TextNetwork(ngrams=30, classes=3, hidden=(16,), dropout=0.5, batch_norm=True)
        parts = list(zip(numbers.offsets[:-1], numbers.offsets[1:], strict=True))[::-1]
        sizes = [stop - start for start, stop in parts]
        turned = Bags(
            np.concatenate([numbers.values[a:b] for a, b in parts]),
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([numbers.weights[a:b] for a, b in parts]),
        )
    awake(model).train()
    whole = scores_of(model, numbers)
    assert model.training  # the mode comes back, and dropout did nothing
    for at_once in (1, 2, 3, 69, 70):
        np.testing.assert_allclose(scores_of(model, numbers, at_once=at_once), whole, atol=1e-5)
    np.testing.assert_allclose(scores_of(model, turned)[::-1], whole, atol=1e-5)


def test_probabilities_are_softmax_however_large_the_scores():
    scores = np.array([[1000.0, 1001.0], [-1e5, 0.0], [3.0, 3.0]], np.float32)
    found = probabilities_of(scores)
    np.testing.assert_allclose(found[0], [1 / (1 + np.e), np.e / (1 + np.e)])
    np.testing.assert_array_equal(found[1:], [[0, 1], [0.5, 0.5]])
