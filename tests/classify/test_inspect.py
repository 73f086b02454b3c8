"""What inspect tells is what the network does, reckoned here once more by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlkit.artifacts.tensors import read_tensors
from dlkit.classifiers.opened import settings_in
from dlkit.classify import inspect as work
from dlkit.classify.layers import look
from dlkit.classify.saved import open_classifier
from dlkit.classify.templates import pictures as templates
from dlkit.config.resolve import resolve

OPTIONS = ("--threads", "1", "--epochs", "15", "--lr", "0.01", "-n", "mine")


@pytest.fixture
def opened(dlkit, pictures):
    """Trains on the pictures with some options and opens the artifact."""

    def train(*options):
        dlkit("classify", "train", pictures, *OPTIONS, *options)
        return open_classifier(dlkit.home / "classify" / "mine")

    return train


def config_of(classifier):
    from dlkit.classify.config import ClassifyConfig

    return resolve(ClassifyConfig, base=settings_in(classifier))


def test_the_way_of_a_sample_adds_up(opened, drive, dlkit):
    classifier = opened("--l2", "0.02", "--l1", "0.001", "--hidden", "5")
    _, found = drive(work.inspect(classifier, config_of(classifier), other_data=False, number=4))
    way, weights = found.way, read_tensors(classifier.path / "weights.safetensors")
    row = found.samples.test.images[3].reshape(-1) / 255
    hidden = np.maximum(0, weights["layers.0.weight"] @ row + weights["layers.0.bias"])
    products = weights["layers.2.weight"] @ hidden
    np.testing.assert_allclose(way.products, products, atol=1e-5)
    np.testing.assert_allclose(way.biases, weights["layers.2.bias"])
    scores = products + weights["layers.2.bias"]
    shares = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(way.steps["softmax"], shares, atol=1e-6)
    assert way.loss == pytest.approx(-np.log(shares[found.samples.test.labels[3]]), abs=1e-5)
    own = [weights["layers.0.weight"].astype(float), weights["layers.2.weight"].astype(float)]
    squares = sum((each**2).sum() for each in own)
    assert way.squares == pytest.approx(squares)
    absolute = sum(np.abs(each).sum() for each in own)
    assert way.penalty == pytest.approx(0.02 / 2 * squares + 0.001 * absolute, rel=1e-6)
    done = dlkit("classify", "inspect", "--explain", "99", check=3)
    assert "has 18 samples" in done.stderr


def test_gradients_are_those_of_finite_differences(opened):
    classifier = opened("--hidden", "4", "--activation", "tanh")
    random = np.random.default_rng(0)
    rows = random.random((9, 36)).astype(np.float32)
    labels = random.integers(0, 3, 9)
    layers = look(classifier, rows, labels)
    weight = classifier.model.double().layers[0].weight
    gradient = np.zeros(tuple(weight.shape))

    def loss():
        # Double precision on both sides: the network casts its inputs to float32, so go by layers.
        scores = classifier.model.layers(torch.from_numpy(rows).double())
        return float(torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels)))

    with torch.no_grad():
        for place in np.ndindex(*gradient.shape):
            weight[place] += 1e-6
            above = loss()
            weight[place] -= 2e-6
            gradient[place] = (above - loss()) / 2e-6
            weight[place] += 1e-6
    assert layers[0].gradient == pytest.approx(np.linalg.norm(gradient), rel=1e-3)
    assert layers[0].parameters == 36 * 4 + 4


def test_dead_and_saturated_neurons_are_counted(opened):
    classifier = opened("--hidden", "6")
    linear = classifier.model.layers[0]
    with torch.no_grad():
        linear.bias[:2] = -1e6  # these two are 0 whatever comes
    rows = np.random.default_rng(0).integers(0, 256, (20, 36), dtype=np.uint8)
    (first, last) = look(classifier, rows, np.zeros(20, np.int64))
    alive = (torch.relu(linear(torch.from_numpy(rows).float() / 255)) > 0).any(0).numpy()
    assert first.dead == pytest.approx(1 - alive.mean())
    assert first.dead > 0.33
    assert (first.saturated, last.dead, last.saturated) == (None, None, None)


@pytest.mark.parametrize(("activation", "ends"), [("sigmoid", (0, 1)), ("tanh", (-1, 1))])
def test_saturated_outputs_are_near_an_end(opened, activation, ends):
    classifier = opened("--hidden", "6", "--activation", activation)
    linear, function = classifier.model.layers[0], classifier.model.layers[1]
    with torch.no_grad():
        linear.weight.normal_(std=3, generator=torch.Generator().manual_seed(0))
        linear.bias.zero_()
    rows = np.random.default_rng(0).integers(0, 256, (20, 36), dtype=np.uint8)
    outputs = function(linear(torch.from_numpy(rows).float() / 255)).detach().numpy()
    near = (outputs < ends[0] + 0.01) | (outputs > ends[1] - 0.01)
    assert 0 < near.mean() < 1
    assert look(classifier, rows, np.zeros(20, np.int64))[0].saturated == near.mean()


def test_templates_are_red_where_weights_speak_for_the_class(opened):
    classifier = opened()
    weight = classifier.model.layers[0].weight.detach().numpy().reshape(3, 6, 6)
    images = templates(classifier).astype(int)
    assert images.shape == (3, 6, 6, 3)
    large = np.abs(weight) > 0.3 * np.abs(weight).max(axis=(1, 2), keepdims=True)
    assert (images[..., 0] > images[..., 2])[large & (weight > 0)].all()
    assert (images[..., 2] > images[..., 0])[large & (weight < 0)].all()


def test_the_files_of_an_artifact_say_one_thing(dlkit, opened, lines):
    classifier = opened("--hidden", "4")
    (told,) = lines(dlkit("classify", "inspect", "--no-figures", "--json"))
    assert told["samples"] == 60
    assert len(told["curves"]["loss"]) == 15
    assert told["curves"]["loss"][-1] < told["curves"]["loss"][0]
    assert not (dlkit.home / "reports").exists()
    rows = dlkit("classify", "inspect", "--no-figures", "--header").stdout.splitlines()
    assert rows[0].split("\t") == [
        "name", "shape", "parameters", "norm", "gradient", "dead", "saturated"
    ]  # fmt: skip
    assert len(rows) == 3
    assert classifier.document["parameters"] == sum(int(row.split("\t")[2]) for row in rows[1:])
