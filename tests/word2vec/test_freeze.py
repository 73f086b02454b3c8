"""Vectors that are kept as they were given while others learn, in every trainer."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from dlkit.word2vec.batched.trainer import TorchTrainer
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.trainer import NGrams

MODELS = ("skipgram", "cbow")
ENGINES = {
    "one thread": (KernelTrainer, {"threads": 1}),
    "three threads": (KernelTrainer, {"threads": 3}),
    "rounds": (KernelTrainer, {"threads": 2, "deterministic": True}),
    "torch": (TorchTrainer, {"threads": 1}),
}
CASES = [
    (engine, loss)
    for engine in ENGINES
    for loss in ("ns", "hs", "softmax")
    if loss != "softmax" or engine == "torch"
]
GIVEN = (0, 1, 2, 5, 6, 7)  # of two topics, 0 to 4 and 5 to 9
every_engine = pytest.mark.parametrize(("engine", "loss"), CASES)
every_exact_engine = pytest.mark.parametrize(
    ("engine", "loss"), [case for case in CASES if case[0] != "three threads"]
)


def topics(seed=0, lines=400):
    """Lines of words of one of two topics (0-4 and 5-9), and their counts."""
    draws = np.random.default_rng(seed)
    text = draws.integers(0, 5, (lines, 12)) + 5 * draws.integers(0, 2, (lines, 1))
    ids = np.column_stack([text, np.full(lines, -1)]).ravel().astype(np.int32)
    return ids, np.bincount(text.ravel(), minlength=10)


def trainer(engine, ids, counts, **changes):
    kind, more = ENGINES[engine]
    options = {
        "model": "skipgram", "dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05,
        "min_lr": 0.001, "epochs": 1, "seed": 1, "freeze": True,
    } | more | changes  # fmt: skip
    return kind(np.array(ids, np.int32), np.array(counts), **options)


def given_rows(number=10, dim=8):
    """Vectors of the words of ``GIVEN``, near one another where of one topic; NaN elsewhere."""
    rows = np.full((number, dim), np.nan, np.float32)
    for word in GIVEN:
        rows[word] = np.random.default_rng(word).normal(size=dim) / 10
        rows[word, : dim // 2] += 1 if word < 5 else -1
        rows[word, -1] = -0.0  # a sum with 0 would be +0.0
    return rows


def grams(draws):
    """Two n-grams for each of ten words, of six."""
    rows = [[word, *(10 + draws.integers(0, 6, 2))] for word in range(10)]
    return NGrams(np.arange(0, 31, 3), np.concatenate(rows).astype(np.int32), 6)


def finish(training):
    return list(training.run())


@every_engine
@pytest.mark.parametrize("model", MODELS)
def test_given_words_keep_their_bits_and_the_others_learn_beside_them(engine, loss, model):
    ids, counts = topics()
    training = trainer(engine, ids, counts, model=model, loss=loss, epochs=6)
    given = given_rows()
    training.start_from(given, None)
    before = training.inputs.copy()
    ends = [each for each in finish(training) if each.epoch_done]
    kept = list(GIVEN)
    assert training.inputs[kept].tobytes() == given[kept].tobytes()
    assert ends[-1].loss < ends[0].loss - 0.05
    assert np.abs(training.outputs).max() > 0.1
    unit = training.inputs / np.linalg.norm(training.inputs, axis=1, keepdims=True)
    similar = unit @ unit.T
    for word in (3, 4, 8, 9):
        assert not np.array_equal(training.inputs[word], before[word])
    assert min(similar[3, 4], similar[8, 9]) > similar[3:5, 8:].max() + 0.3


@every_engine
def test_rows_of_ngrams_that_were_given_are_kept(engine, loss):
    ids, counts = topics(lines=150)
    made = grams(np.random.default_rng(1))
    training = trainer(engine, ids, counts, loss=loss, epochs=2, ngrams=made)
    given = given_rows(16)
    words = np.isin(np.arange(10), GIVEN)
    shared = np.unique(made.rows.reshape(10, 3)[words][:, 1:])
    given[shared] = np.random.default_rng(2).normal(size=(len(shared), 8)) / 10
    training.start_from(given, None)
    before, rows = training.inputs.copy(), training.rows.copy()
    finish(training)
    known = ~np.isnan(given[:, 0])
    assert training.rows[known].tobytes() == given[known].tobytes()
    # All rows of these words were given, of each other one at least its own was not.
    assert training.inputs[words].tobytes() == before[words].tobytes()
    assert (training.rows[:10][~words] != rows[:10][~words]).any(axis=1).all()


@every_engine
def test_nothing_is_kept_unless_it_is_asked_for(engine, loss):
    ids, counts = topics(lines=50)
    training = trainer(engine, ids, counts, loss=loss, freeze=False)
    given = given_rows()
    training.start_from(given, None)
    finish(training)
    assert (training.inputs[list(GIVEN)] != given[list(GIVEN)]).any(axis=1).all()


@every_exact_engine
def test_where_nothing_was_given_everything_learns_as_without(engine, loss):
    ids, counts = topics(lines=100)
    found = []
    for freeze in (False, True):
        training = trainer(engine, ids, counts, loss=loss, freeze=freeze)
        training.start_from(np.full((10, 8), np.nan, np.float32), None)
        finish(training)
        found.append((training.inputs.tobytes(), training.outputs.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("made_of_ngrams", [False, True])
def test_rounds_have_the_same_bits_with_any_number_of_threads(model, made_of_ngrams):
    ids, counts = topics(lines=200)
    found = set()
    for threads in (1, 2, 4):
        made = grams(np.random.default_rng(1)) if made_of_ngrams else None
        training = trainer("rounds", ids, counts, model=model, threads=threads, ngrams=made)
        training.start_from(given_rows(16 if made else 10), None)
        finish(training)
        found.add((training.inputs.tobytes(), training.outputs.tobytes()))
    assert len(found) == 1


def paused(training):
    """Train a first part."""
    told = threading.Event()
    for _ in training.run():
        if not told.is_set():
            told.set()
            training.pause()
    return training


def through_json(state):
    return {name: each.copy() for name, each in state[0].items()}, json.loads(json.dumps(state[1]))


@every_exact_engine
def test_a_run_that_was_resumed_keeps_the_same_rows_and_has_the_same_bits(engine, loss):
    ids, counts = topics(lines=60)
    options = {"loss": loss, "epochs": 3}
    straight = trainer(engine, ids, counts, **options)
    straight.start_from(given_rows(), None)
    finish(straight)
    training = trainer(engine, ids, counts, **options)
    training.start_from(given_rows(), None)
    state = through_json(paused(training).state())
    assert not training.finished
    resumed = trainer(engine, ids, counts, **options)  # knows of no rows but those of the state
    resumed.restore(*state)
    finish(resumed)
    assert resumed.inputs.tobytes() == straight.inputs.tobytes()
    assert resumed.outputs.tobytes() == straight.outputs.tobytes()
    kept = list(GIVEN)
    assert resumed.inputs[kept].tobytes() == given_rows()[kept].tobytes()


@pytest.mark.parametrize("engine", ["one thread", "torch"])
def test_a_state_without_its_kept_rows_or_of_other_settings_is_refused(engine):
    ids, counts = topics(lines=20)
    training = trainer(engine, ids, counts)
    arrays, scalars = through_json(training.state())
    before = training.inputs.copy()
    without = {name: each for name, each in arrays.items() if name != "frozen"}
    for damaged in (without, arrays | {"frozen": arrays["frozen"][:-1]}):
        with pytest.raises(ValueError, match="frozen"):
            training.restore(damaged, scalars)
    for setting, value in (
        ("freeze", False), ("fixed_window", True), ("noise_exponent", 0.5),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=setting):
            trainer(engine, ids, counts, **{setting: value}).restore(arrays, scalars)
    assert np.array_equal(training.inputs, before)


def test_a_word_that_stands_twice_in_a_window_is_kept_too():
    ids = np.array([0, 1, 0, 1, 1, 0, 0, 2] * 30, np.int32)
    counts = np.bincount(ids)
    for engine in ENGINES:
        for model in MODELS:
            training = trainer(engine, ids, counts, model=model, window=20, fixed_window=True)
            given = np.full((3, 8), np.nan, np.float32)
            given[0] = 0.5
            training.start_from(given, None)
            finish(training)
            assert training.inputs[0].tobytes() == given[0].tobytes()
            assert np.isfinite(training.inputs).all()
