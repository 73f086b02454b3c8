"""The PyTorch trainer: it learns, measures, stops anywhere and goes on with the same bits."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.batched import batches
from dlkit.word2vec.batched import trainer as torch_trainer
from dlkit.word2vec.batched.trainer import TorchTrainer
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.kernels.stream import keep_thresholds
from dlkit.word2vec.trainer import NGrams

LOSSES = ("ns", "hs", "softmax")
MODELS = (("skipgram", "mean"), ("cbow", "mean"), ("cbow", "sum"))
both = pytest.mark.parametrize(("model", "context"), MODELS)
all_losses = pytest.mark.parametrize("loss", LOSSES)


def trainer(ids, counts, **changes):
    options = {
        "model": "skipgram", "dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05,
        "min_lr": 0.001, "epochs": 1, "threads": 1, "seed": 1,
    } | changes  # fmt: skip
    return TorchTrainer(np.array(ids, np.int32), np.array(counts), **options)


def topics(seed=0, lines=400):
    """Lines of words of one of two topics (0-4 and 5-9), and their counts."""
    draws = np.random.default_rng(seed)
    text = draws.integers(0, 5, (lines, 12)) + 5 * draws.integers(0, 2, (lines, 1))
    ids = np.column_stack([text, np.full(lines, -1)]).ravel().astype(np.int32)
    return ids, np.bincount(text.ravel(), minlength=10)


def topic_ngrams():
    """Words of a topic share an n-gram, and even words another."""
    rows = [[word, 10 + word // 5] + [12] * (word % 2 == 0) for word in range(10)]
    offsets = np.cumsum([0, *map(len, rows)])
    return NGrams(offsets, np.concatenate(rows).astype(np.int32), 3)


# It learns.


@all_losses
@both
def test_words_of_one_topic_become_neighbours(model, context, loss):
    ids, counts = topics()
    training = trainer(ids, counts, model=model, context=context, loss=loss, epochs=6)
    list(training.run())
    unit = training.inputs / np.linalg.norm(training.inputs, axis=1, keepdims=True)
    similar = unit @ unit.T
    same = np.equal.outer(np.arange(10) // 5, np.arange(10) // 5)
    assert similar[same].min() > similar[~same].max() + 0.3


@all_losses
@both
def test_loss_and_held_out_loss_fall(model, context, loss):
    ids, counts = topics()
    other, _ = topics(seed=1, lines=50)
    training = trainer(ids, counts, model=model, context=context, loss=loss, epochs=4)
    before = training.held_out_loss(other)
    ends = [p for p in training.run() if p.epoch_done]
    assert ends[-1].loss < ends[0].loss - 0.05
    after = training.held_out_loss(other)
    assert after < before - 0.3
    # Training windows were measured before each of them was learnt from.
    assert after == pytest.approx(ends[-1].loss, abs=0.25)


@all_losses
@both
def test_ngrams_learn_what_the_words_that_share_them_have_in_common(model, context, loss):
    ids, counts = topics()
    training = trainer(
        ids, counts, model=model, context=context, loss=loss, epochs=6, ngrams=topic_ngrams()
    )
    assert training.rows.shape == (13, 8)
    list(training.run())
    # An unknown word has the vector of its n-grams: it must be nearer to the words of its topic.
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True)
            for each in (training.rows[10:12], training.inputs)]  # fmt: skip
    first, second = unit[0] @ unit[1].T
    assert (first - second)[:5].min() > 0.15
    assert (second - first)[5:].min() > 0.15
    word = training.rows[[4, 10, 12]].mean(axis=0)
    assert training.inputs[4] == pytest.approx(word, rel=1e-5, abs=1e-6)


@all_losses
@both
def test_words_of_ngrams_learn_as_by_the_compiled_trainer(model, context, loss):
    ids, counts = topics()
    other, _ = topics(seed=1, lines=50)
    options = {"model": model, "context": context, "epochs": 6, "ngrams": topic_ngrams()}
    training = trainer(ids, counts, loss=loss, **options)
    list(training.run())
    if loss == "softmax":
        # Who knows the topic has 5 words to choose from.
        assert training.held_out_loss(other) == pytest.approx(math.log(5), abs=0.15)
        return
    fixed = {"dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05, "min_lr": 0.001}
    compiled = KernelTrainer(ids, counts, loss=loss, threads=1, seed=1, **fixed, **options)
    list(compiled.run())
    expected = compiled.held_out_loss(other)
    assert training.held_out_loss(other) == pytest.approx(expected, abs=0.08)


@both
def test_softmax_finds_the_probabilities_of_the_text(model, context):
    # After 0 comes 1 three times in four, else 2; the loss cannot fall below the entropy.
    draws = np.random.default_rng(0)
    ids = np.column_stack(
        [np.zeros(2000, int), 1 + (draws.random(2000) < 0.25), np.full(2000, -1)]
    ).ravel()  # fmt: skip
    counts = np.bincount(ids[ids >= 0])
    training = trainer(
        ids, counts, model=model, context=context, loss="softmax", window=1, epochs=5, lr=0.2
    )
    list(training.run())
    logits = training.inputs[0] @ training.outputs.T
    share = np.exp(logits) / np.exp(logits).sum()
    assert share == pytest.approx([0, 0.75, 0.25], abs=0.05)


@all_losses
def test_untrained_vectors_have_the_loss_of_chance(loss):
    ids, counts = topics(lines=50)
    expected = {"ns": None, "hs": None, "softmax": math.log(10)}[loss]
    found = trainer(ids, counts, loss=loss).held_out_loss(ids)
    if loss == "softmax":
        assert found == pytest.approx(expected)
    else:
        assert (found / math.log(2)) == pytest.approx(5 if loss == "ns" else 3.4, abs=0.7)


@both
def test_held_out_softmax_loss_is_the_mean_of_its_definition(model, context):
    ids, counts = np.array([0, 1, 2, 1, -1, 2, 0, -1, 1], np.int32), np.array([2, 3, 2])
    training = trainer(ids, counts, model=model, context=context, loss="softmax", window=1)
    training.outputs[:] = np.random.default_rng(0).normal(size=(3, 8))
    training.inputs[:] = np.random.default_rng(1).normal(size=(3, 8))
    lines, losses = [[0, 1, 2, 1], [2, 0], [1]], []
    for line in lines:
        for i, centre in enumerate(line):
            near = line[max(i - 1, 0) : i] + line[i + 1 : i + 2]
            x = training.inputs[near].astype(np.float64)
            if model == "cbow" and near:
                x = x.mean(axis=0, keepdims=True) if context == "mean" else x.sum(axis=0)[None]
            logits = x @ training.outputs.T
            losses += list(np.log(np.exp(logits).sum(axis=1)) - logits[:, centre])
    assert training.held_out_loss(ids) == pytest.approx(np.mean(losses), rel=1e-5)


def test_held_out_tree_loss_of_one_question_is_that_of_its_answer():
    ids, counts = np.array([0, 1, -1], np.int32), np.array([3, 2])
    training = trainer(ids, counts, loss="hs", window=1)
    training.inputs[:], training.outputs[:] = 0, 0
    training.inputs[:, 0], training.outputs[0, 0] = [1.0, 2.0], 0.7
    # The heavier word answers 1: sigmoid(-logit); word 0 is predicted by word 1 and the reverse.
    expected = (np.logaddexp(0, 2 * 0.7) + np.logaddexp(0, -1 * 0.7)) / 2
    assert training.held_out_loss(ids) == pytest.approx(expected)


@all_losses
@pytest.mark.parametrize("words", [1, 2, 3])
@both
def test_tiny_vocabularies_and_huge_windows_train(model, context, loss, words):
    ids = np.arange(200) % words
    training = trainer(ids, [100] * words, model=model, context=context, loss=loss, window=300)
    last = list(training.run())[-1]
    assert np.isfinite(training.inputs).all()
    assert math.isfinite(last.loss)
    assert last.pairs > 0
    assert math.isfinite(training.held_out_loss(ids.astype(np.int32)))


@all_losses
@pytest.mark.parametrize("ids", [[], [-1], [-1, -1], [0], [-1, 0, -1, 1], [0, -1, 1, -1, 0, -1]])
def test_streams_without_a_pair_train_nothing(loss, ids):
    training = trainer(ids, [2, 1], loss=loss, epochs=2)
    before = training.inputs.copy()
    last = list(training.run())[-1]
    assert training.finished
    assert np.array_equal(training.inputs, before)
    assert not training.outputs.any()
    assert math.isnan(last.loss)
    assert last.pairs == 0


def test_a_diverged_run_shows_in_the_loss():
    ids, counts = topics()
    training = trainer(ids, counts, lr=1e30, min_lr=1e30, epochs=2)
    assert not math.isfinite(list(training.run())[-1].loss)


def test_learning_rate_falls_linearly_to_its_end():
    ids, counts = topics()
    ends = [p for p in trainer(ids, counts, epochs=3).run() if p.epoch_done]
    assert [p.epoch for p in ends] == [0, 1, 2]
    assert [p.lr for p in ends] == pytest.approx([0.05 - 0.049 / 3, 0.05 - 0.098 / 3, 0.001])
    assert [p.words for p in ends] == [4800, 9600, 14400]


def test_training_begins_with_the_rows_of_words_and_ngrams():
    training = trainer([0, 1, 2], range(10, 0, -1), ngrams=topic_ngrams())
    before = training.rows.copy()
    rows = np.full((13, 8), np.nan, np.float32)
    rows[2], rows[12] = 1, 2
    training.start_from(rows, None)
    assert (training.rows[2] == 1).all()
    assert (training.rows[12] == 2).all()
    assert np.array_equal(training.rows[3:12], before[3:12])


def test_training_begins_with_the_rows_given():
    training = trainer([0, 1, 2], [3, 2, 1])
    before = training.inputs.copy()
    rows = np.arange(24, dtype=np.float32).reshape(3, 8)
    rows[1] = np.nan
    training.start_from(rows, rows * 2)
    assert np.array_equal(training.inputs[[0, 2]], rows[[0, 2]])
    assert np.array_equal(training.outputs[[0, 2]], 2 * rows[[0, 2]])
    assert np.array_equal(training.inputs[1], before[1])
    assert not training.outputs[1].any()
    training.start_from(before, None)
    assert np.array_equal(training.inputs, before)
    assert training.outputs.any()


# It stops anywhere.


class PauseAt:
    """Pauses a trainer after ``batches`` questions whether it is to: unlike a clock, the same."""

    def __init__(self, training, batches):
        self.left = batches
        training._paused.is_set = self
        training._paused.clear = lambda: None

    def __call__(self):
        self.left -= 1
        return self.left < 0


def through_json(state):
    arrays, scalars = state
    return {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(scalars))


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(LOSSES),
    st.sampled_from(MODELS),
    st.integers(1, 9),
    st.sampled_from([40, 100, 1 << 15]),
    st.lists(st.integers(0, 30), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_run_that_was_paused_and_restored_has_the_bits_of_one_that_was_not(
    loss, model, window, piece, pauses, made_of_ngrams
):
    ids, counts = topics(lines=15)
    options = {"model": model[0], "context": model[1], "loss": loss, "window": window, "epochs": 2}
    options |= {"sample": 0.1, "ngrams": topic_ngrams() if made_of_ngrams else None}
    original, torch_trainer.PIECE = torch_trainer.PIECE, piece
    try:
        straight = trainer(ids, counts, **options)
        expected = list(straight.run())[-1]
        state = None
        for pause in pauses:
            training = trainer(ids, counts, **options)
            if state:
                training.restore(*state)
            PauseAt(training, pause)
            list(training.run())
            state = through_json(training.state())
        training = trainer(ids, counts, **options)
        training.restore(*state)
        reports = list(training.run())
    finally:
        torch_trainer.PIECE = original
    assert training.inputs.tobytes() == straight.inputs.tobytes()
    assert training.outputs.tobytes() == straight.outputs.tobytes()
    if reports:
        assert reports[-1] == expected


def test_same_seed_gives_same_bits():
    ids, counts = topics(lines=100)
    runs = [trainer(ids, counts, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        list(run.run())
    first, again, other = (run.inputs.tobytes() + run.outputs.tobytes() for run in runs)
    assert first == again
    assert first != other


def test_pause_from_another_thread_ends_run_with_a_last_report():
    ids, counts = topics(lines=10000)
    training = trainer(ids, counts, epochs=1000)
    timer = threading.Timer(0.3, training.pause)
    timer.start()
    reports = list(training.run())
    timer.join()
    assert 0 < reports[-1].words < reports[-1].total
    run = training.run()
    assert next(run).words > reports[-1].words  # goes on
    run.close()


def test_pause_before_run_stops_it_at_once():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    training.pause()
    (only,) = training.run()
    assert only.words == 0
    list(training.run())
    assert training.finished


def test_a_closed_generator_can_go_on_and_gives_the_threads_back():
    ids, counts = topics(lines=20000)
    before = torch.get_num_threads()
    training = trainer(ids, counts, epochs=1000, threads=before + 1)
    run = training.run()
    first = next(run)
    run.close()
    assert torch.get_num_threads() == before
    again = training.run()
    assert next(again).words > first.words
    again.close()


def test_epochs_and_threads_may_change_when_a_run_goes_on():
    ids, counts = topics(lines=50)
    short = trainer(ids, counts, epochs=1)
    list(short.run())
    longer = trainer(ids, counts, epochs=3, threads=2)
    longer.restore(*through_json(short.state()))
    ends = [p for p in longer.run() if p.epoch_done]
    assert [p.epoch for p in ends] == [1, 2]
    assert ends[-1].words == ends[-1].total


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "cbow"), ("loss", "hs"), ("dim", 9), ("window", 3), ("negative", 4),
        ("sample", 0.1), ("lr", 0.1), ("min_lr", 0.0), ("seed", 2), ("ngrams", topic_ngrams()),
    ],
)  # fmt: skip
def test_the_state_of_another_run_is_refused(name, value):
    ids, counts = topics(lines=10)
    state = trainer(ids, counts).state()
    with pytest.raises(ValueError, match=name):
        trainer(ids, counts, **{name: value}).restore(*state)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("counters", lambda a: np.array([-1, 0, 0, 0])),
        ("counters", lambda a: np.array([10**9, 0, 0, 0])),
        ("counters", lambda a: a[:3]),
        ("inputs", lambda a: a[:, :7]),
        ("outputs", lambda a: a.astype(np.float64)),
        ("losses", lambda a: None),
    ],
)
def test_a_damaged_state_is_refused_and_changes_nothing(name, damage):
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    list(training.run())
    arrays, scalars = through_json(training.state())
    arrays[name] = damage(arrays[name])
    other = trainer(ids, counts)
    before = other.inputs.copy()
    with pytest.raises(ValueError, match="state"):
        other.restore(arrays, scalars)
    with pytest.raises(ValueError, match="format"):
        other.restore(arrays, scalars | {"format": 99})
    assert np.array_equal(other.inputs, before)


def test_checkpoints_of_an_older_dlkit_are_refused_as_such():
    ids, counts = topics(lines=10)
    said = "format {}, of another version of dlkit"
    options = {
        "model": "skipgram", "dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05,
        "min_lr": 0.001, "epochs": 1, "threads": 1, "seed": 1,
    }  # fmt: skip
    for training, form in (
        (trainer(ids, counts), 1),
        (KernelTrainer(ids, counts, **options), 2),
    ):
        arrays, scalars = training.state()
        settings = dict(scalars["settings"])
        for unknown in ("noise_exponent", "fixed_window", "freeze"):
            del settings[unknown]
        with pytest.raises(ValueError, match=said.format(form)):
            trainer(ids, counts).restore(arrays, {**scalars, "format": form, "settings": settings})


# 200 words share what a word that is nearly all the noise leaves: 0.05, 0.001 and 1e-9.
@pytest.mark.parametrize("rest", [0.5, 0.05, 0.001, 1e-9])
@pytest.mark.parametrize("negative", [1, 5, 20])
def test_noise_beside_a_word_that_is_nearly_all_of_it_is_that_of_the_kernels(rest, negative):
    others = 200
    exponent = math.log(others * (1 - rest) / rest, 10)  # of counts that are 10 and 1
    counts = np.array([10, *[1] * others])
    noise = batches.Negatives(counts, negative=negative, shared=192, exponent=exponent)
    pushed = 192 * noise.weights[0] * rest  # what all draws count where that word is the centre
    # The compiled kernels take the first words that are others, of 2 * negative + 8 draws.
    draws = np.random.default_rng(0).random((4000, 2 * negative + 8)) < rest
    assert pushed == pytest.approx(
        np.minimum(draws.sum(axis=1), negative).mean(), rel=0.3, abs=0.02
    )
    assert noise.weights.max() <= negative
    assert np.isfinite(noise.weights).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "hinge"), ("context", "max"), ("device", "abacus"),
        ("model", "glove"), ("dim", 0), ("window", 0), ("epochs", 0), ("threads", 0), ("seed", -1),
        ("sample", math.nan), ("lr", math.inf),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        trainer([0], [1], **{name: value})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="cuda is not there"):
        trainer([0], [1], device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@all_losses
@both
@pytest.mark.parametrize("ngrams", [None, topic_ngrams()], ids=["words", "n-grams"])
def test_a_gpu_finds_the_topics(model, context, loss, ngrams):
    ids, counts = topics()
    other, _ = topics(seed=1, lines=50)
    losses = []
    for device in ("cpu", "cuda"):
        training = trainer(
            ids, counts, model=model, context=context, loss=loss, epochs=6, device=device,
            ngrams=ngrams,
        )  # fmt: skip
        list(training.run())
        losses.append(training.held_out_loss(other))
    assert losses[1] == pytest.approx(losses[0], abs=0.1)


def test_it_needs_no_numba():
    script = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
import numpy as np
from dlkit.word2vec.batched.trainer import TorchTrainer
ids = np.arange(60, dtype=np.int32) % 4
training = TorchTrainer(
    ids, np.full(4, 15), model="skipgram", dim=4, window=2, negative=5, sample=1e-3, lr=0.05,
    min_lr=0.001, epochs=1, threads=1, seed=1,
)
list(training.run())
assert np.isfinite(training.held_out_loss(ids))
"""
    subprocess.run([sys.executable, "-c", script], check=True)


# Batches.


def test_batches_of_natural_text_are_long_and_of_few_words_short():
    zipf = (1e6 / np.arange(1, 20001)).astype(np.int64)
    keep = keep_thresholds(zipf, sample=1e-3)
    assert batches.length(zipf, keep, epochs=5, most=256) == 256
    few = np.full(10, 10**6)
    whole = keep_thresholds(few, sample=0)
    assert batches.length(few, whole, epochs=5, most=256) == 40
    assert batches.length(np.array([10]), whole[:1], epochs=1, most=256) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 5), max_size=60), st.integers(1, 9), st.data())
def test_a_piece_has_the_windows_of_the_whole_stream(ids, window, data):
    keep = np.array([2**32 - 1, 2**31, 2**30, 2**32 - 1, 0, 2**31], np.uint32)
    ids = np.array(ids, np.int32)
    start = data.draw(st.integers(0, len(ids)))
    stop = data.draw(st.integers(start, len(ids)))
    fixed = data.draw(st.booleans())
    options = {"key": np.uint64(5), "keep": keep, "window": window, "fixed": fixed}
    whole = batches.read_piece(ids, 0, len(ids), **options)
    piece = batches.read_piece(ids, start, stop, **options)

    def windows(part):
        return [
            (int(part.positions[i]), part.words[part.low[i] : part.high[i]].tolist())
            for i in range(part.first, part.last)
        ]

    assert windows(piece) == [w for w in windows(whole) if start <= w[0] < stop]
    assert piece.read[piece.first : piece.last].tolist() == [
        int((ids[start : p + 1] >= 0).sum()) for p, _ in windows(piece)
    ]
