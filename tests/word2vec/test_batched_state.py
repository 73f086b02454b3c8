"""What the compiled kernels began goes on in PyTorch: nothing is trained twice or left out."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.batched.state import Stretches
from dlkit.word2vec.batched.trainer import TorchTrainer
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.trainer import NGrams

OPTIONS = {
    "model": "cbow", "dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05,
    "min_lr": 0.001, "epochs": 2, "threads": 1, "seed": 1,
}  # fmt: skip


def kernels(ids, counts, **changes):
    return KernelTrainer(ids, counts, **OPTIONS | changes)


def batched(ids, counts, **changes):
    return TorchTrainer(ids, counts, **OPTIONS | changes)


def topics(seed=0, lines=400):
    """Lines of words of one of two topics (0-4 and 5-9), and their counts."""
    draws = np.random.default_rng(seed)
    text = draws.integers(0, 5, (lines, 12)) + 5 * draws.integers(0, 2, (lines, 1))
    ids = np.column_stack([text, np.full(lines, -1)]).ravel().astype(np.int32)
    return ids, np.bincount(text.ravel(), minlength=10)


class PauseAt:
    """Pauses a trainer after so many questions whether it is to."""

    def __init__(self, training, questions):
        self.left = questions
        training._paused.is_set = self
        training._paused.clear = lambda: None

    def __call__(self):
        self.left -= 1
        return self.left < 0


def through_json(state):
    arrays, scalars = state
    return {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(scalars))


def paused(training, questions):
    """The state of a training and its last report after so many questions."""
    PauseAt(training, questions)
    reports = list(training.run())
    return through_json(training.state()), reports[-1] if reports else None


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["ns", "hs"]),
    st.integers(1, 9),
    st.sampled_from([0, 0.05]),
    st.integers(0, 25),
)
def test_one_thread_hands_on_every_window_that_it_did_not_train(loss, window, sample, pause):
    ids, counts = topics(lines=100)
    options = {"loss": loss, "window": window, "sample": sample}
    expected = list(batched(ids, counts, **options).run())[-1]
    state, before = paused(kernels(ids, counts, **options), pause)
    after = batched(ids, counts, **options)
    after.restore(*state)
    assert np.array_equal(after.rows, state[0]["inputs"])
    assert np.array_equal(after.outputs, state[0]["outputs"])
    reports = list(after.run())
    last = reports[-1] if reports else before
    assert after.finished
    assert last.words == last.total == expected.words
    assert last.pairs == expected.pairs
    assert math.isfinite(last.loss)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(0, 40), st.integers(0, 9), st.sampled_from([1, 9]))
def test_threads_hand_on_what_each_of_them_has_left(threads, pause, second, window):
    ids, counts = topics(lines=60)
    options = {"window": window, "epochs": 3}
    state, _ = paused(kernels(ids, counts, threads=threads, **options), pause)
    after = batched(ids, counts, **options)
    after.restore(*state)
    # And a second pause, in the stretches.
    again, _ = paused(after, second)
    whole = batched(ids, counts, **options)
    whole.restore(*state)
    list(whole.run())
    resumed = batched(ids, counts, **options)
    resumed.restore(*again)
    reports = list(resumed.run())
    if reports:
        assert reports[-1].words == reports[-1].total == 3 * 60 * 12
    assert resumed.inputs.tobytes() == whole.inputs.tobytes()
    assert resumed.outputs.tobytes() == whole.outputs.tobytes()


def test_it_goes_on_to_learn_words_of_ngrams():
    ids, counts = topics()
    other, _ = topics(seed=1, lines=50)
    ngrams = NGrams(np.arange(0, 21, 2), np.array([[w, 10 + w // 5] for w in range(10)]).ravel(), 2)
    options = {"epochs": 4, "ngrams": ngrams, "model": "skipgram"}
    state, _ = paused(kernels(ids, counts, **options), 40)
    after = batched(ids, counts, **options)
    after.restore(*state)
    list(after.run())
    straight = kernels(ids, counts, **options)
    list(straight.run())
    assert after.held_out_loss(other) == pytest.approx(straight.held_out_loss(other), abs=0.05)


def test_frozen_rows_stay_frozen():
    ids, counts = topics(lines=30)
    begun = kernels(ids, counts, freeze=True)
    given_rows = np.full((10, 8), np.nan, np.float32)
    given_rows[3] = 0.5
    begun.start_from(given_rows, None)
    state, _ = paused(begun, 5)
    after = batched(ids, counts, freeze=True)
    after.restore(*state)
    list(after.run())
    assert (after.inputs[3] == 0.5).all()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("positions", lambda a: a + 10**6), ("positions", lambda a: a - 10**6),
        ("cursors", lambda a: a - 10**6), ("cursors", lambda a: a[:, :3]),
        ("cursors", lambda a: a + np.arange(16) * -(10**3)),
        ("losses", lambda a: None), ("inputs", lambda a: a[:, :7]),
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused_and_changes_nothing(name, damage):
    ids, counts = topics(lines=30)
    (arrays, scalars), _ = paused(kernels(ids, counts), 5)
    after = batched(ids, counts)
    before = after.inputs.copy()
    with pytest.raises(ValueError, match="state"):
        after.restore(arrays | {name: damage(arrays[name])}, scalars)
    for key, value in (("format", 99), ("epoch", -1), ("epoch", "1")):
        with pytest.raises(ValueError, match=key):
            after.restore(arrays, scalars | {key: value})
    for value in (0, "1", 10**9):
        with pytest.raises(ValueError, match="lanes"):
            after.restore(arrays, scalars | {"settings": scalars["settings"] | {"lanes": value}})
    assert np.array_equal(after.inputs, before)


def test_a_state_that_holds_more_words_than_were_read_is_refused():
    ids, counts = topics(lines=30)
    (arrays, scalars), _ = paused(kernels(ids, counts), 5)
    arrays["positions"][:] = 1
    arrays["cursors"][:, 0], arrays["cursors"][:, 1] = 3, 0  # held, ready
    with pytest.raises(ValueError, match="more words than were read"):
        batched(ids, counts).restore(arrays, scalars)


def test_settings_must_be_those_of_the_run():
    ids, counts = topics(lines=10)
    state = kernels(ids, counts).state()
    with pytest.raises(ValueError, match="window"):
        batched(ids, counts, window=3).restore(*state)


# Stretches.


def test_a_walk_through_stretches_reads_each_of_their_places_once():
    stretches = Stretches(np.array([[2, 4], [4, 4], [4, 7], [9, 10]]), 20)
    position, seen = stretches.following(0), []
    while position < 20:
        seen.append(position)
        position = stretches.following(min(position + 1, stretches.stop(position)))
    assert seen == [2, 3, 4, 5, 6, 9]
    assert Stretches(None, 20).stop(3) == 20
    assert Stretches(None, 20).following(7) == 7
    assert Stretches(np.zeros((0, 2), np.int64), 20).following(0) == 20


@pytest.mark.parametrize("bounds", [[[3, 2]], [[0, 5], [4, 6]], [[-1, 2]], [[0, 21]], [1, 2]])
def test_stretches_out_of_order_are_refused(bounds):
    with pytest.raises(ValueError, match="stretch"):
        Stretches(np.array(bounds, np.int64), 20)
