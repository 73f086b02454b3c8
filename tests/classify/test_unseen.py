"""The test split teaches nothing, and an answer depends on nothing that is asked beside it."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.classify.asking import scores_of

TRAINING = {"training.epochs": 4, "training.lr": 0.05, "training.threads": 1}
NETWORK = {"hidden": "8", "dropout": 0.3, "batch_norm": True, **TRAINING}


def bits_of(found):
    """What a network says of all that it learnt from, to the last bit."""
    return scores_of(found.model, found.ready.train.numbers).tobytes()


def divided(path, folder, poison):
    """A folder of a train and a test file: the first 90 lines of ``path``, and ``poison``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    folder.mkdir()
    for name, rows in (("train", lines[1:91]), ("test", poison or lines[91:])):
        text = "\n".join([lines[0], *rows]) + "\n"
        (folder / f"{name}{path.suffix}").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("options", [{"training.l2": 0.01, "training.threads": 1}, NETWORK])
@pytest.mark.parametrize("kind", ["table", "texts"])
def test_a_poisoned_test_split_changes_no_bit(trained, kind, options, request, tmp_path):
    path = request.getfixturevalue(kind)
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    if kind == "table":  # enormous numbers, values that training has not, classes turned round
        turned = {"ant": "bee", "bee": "cat", "cat": "ant"}
        poison = [line[:-3] + turned[line[-3:]] for line in lines[:30]]
        poison += [f"1e30,-1e30,nan,violet,{kind}" for kind in turned]
    else:
        turned = {"good": "bad", "bad": "good"}
        poison = [
            f"{line[: line.index(chr(9))]}\t{turned[line.split(chr(9))[1]]}" for line in lines
        ]
        poison += ["从未见过的话\tgood", "never seen before\tbad"]
    clean = trained(divided(path, tmp_path / "clean", None), **options)
    other = trained(divided(path, tmp_path / "poisoned", poison), **options)
    assert len(clean.ready.samples.test) != len(other.ready.samples.test)
    assert bits_of(clean) == bits_of(other)
    assert clean.history == other.history
    learnt = [found.ready.reader.tensors() for found in (clean, other)]
    assert {name: each.tobytes() for name, each in learnt[0].items()} == {
        name: each.tobytes() for name, each in learnt[1].items()
    }


@pytest.mark.parametrize("kind", ["pictures", "table", "texts"])
def test_an_answer_is_the_same_alone_in_any_order_and_in_any_batch(trained, drive, kind, request):
    found = trained(request.getfixturevalue(kind), **NETWORK)
    test = found.ready.samples.test
    found.model.train()

    def scores(places, at_once=1024):
        inputs = test.take(np.asarray(places)).inputs
        _, numbers = drive(found.ready.reader.apply(inputs, what="test"))
        return scores_of(found.model, numbers, at_once=at_once)

    every = np.arange(len(test))
    together = scores(every)
    assert np.abs(together - together.mean(0)).max() > 0.01
    for at_once in (1, 2, 7):
        np.testing.assert_allclose(scores(every, at_once), together, atol=1e-5)
    np.testing.assert_allclose(scores(every[::-1])[::-1], together, atol=1e-5)
    alone = np.concatenate([scores([place]) for place in every[:10]])
    np.testing.assert_allclose(alone, together[:10], atol=1e-5)
    assert found.model.training
