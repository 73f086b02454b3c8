"""The trainer: what it computes, that it can stop anywhere, and that it learns."""

from __future__ import annotations

import json
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec import huffman
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.kernels import targets, train
from dlkit.word2vec.kernels.negatives import negative_table
from dlkit.word2vec.kernels.stream import keep_thresholds
from dlkit.word2vec.trainer import NGrams

MODELS = ("skipgram", "cbow")
MASK = 2**64 - 1


def trainer(ids, counts, **changes):
    options = {
        "model": "skipgram", "dim": 8, "window": 2, "negative": 5, "sample": 0, "lr": 0.05,
        "min_lr": 0.001, "epochs": 1, "threads": 1, "seed": 1,
    } | changes  # fmt: skip
    return KernelTrainer(np.array(ids, np.int32), np.array(counts), **options)


def finish(training):
    return list(training.run())


def topics(seed=0, lines=400):
    """Lines of words of one of two topics (0-4 and 5-9), and their counts."""
    draws = np.random.default_rng(seed)
    text = draws.integers(0, 5, (lines, 12)) + 5 * draws.integers(0, 2, (lines, 1))
    ids = np.column_stack([text, np.full(lines, -1)]).ravel().astype(np.int32)
    return ids, np.bincount(text.ravel(), minlength=10)


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


# What is computed: a trainer in plain Python and float64, from the definitions.


def splitmix(key, position):
    z = (key + position * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def lines_of(ids, keep, window, key, *, fixed=False):
    """Kept words with the reach of their windows, line by line."""
    line = []
    for position, word in enumerate([*ids, -1]):
        if word < 0:
            yield line
            line = []
            continue
        bits = splitmix(key, position)
        if bits >> 32 <= keep[word]:
            drawn = ((bits & 0xFFFFFFFF) * window >> 32) + 1
            line.append((int(word), window if fixed else drawn))


class Negatives:
    """The centre and noise words, read from the table in order, each stretch of it four times."""

    def __init__(self, counts, negative, seed, exponent=0.75):
        self.table = negative_table(counts, seed=seed, exponent=exponent)
        self.wanted = min(negative, len(counts) - 1)
        self.pool = self.passes = self.place = 0

    def __call__(self, centre):
        if self.place >= self.pool + 1024:  # entries of a stretch where rows are short
            self.passes += 1
            if self.passes == 4:
                self.passes = 0
                self.pool += 1024
            self.place = self.pool + self.passes
        targets, stop = [centre], self.place + 2 * self.wanted + 8
        while len(targets) <= self.wanted and self.place < stop:
            if self.table[self.place] not in targets:
                targets.append(int(self.table[self.place]))
            self.place += 1
        return targets, np.eye(len(targets))[0]


def nodes(counts):
    """The nodes of each centre's path, label 1 where the code is 0."""
    paths = huffman.build(counts)

    def of(centre):
        span = slice(paths.offsets[centre], paths.offsets[centre + 1])
        return paths.points[span].tolist(), 1.0 - paths.codes[span]

    return of


def by_hand(
    ids, counts, x, y, *, model, window, negative, sample, lr, epochs, seed, loss="ns",
    context="mean", noise_exponent=0.75, fixed_window=False, frozen=(),
):  # fmt: skip
    """Train ``x`` and ``y`` in place; returns loss sum and number of terms of the last epoch."""
    noise = Negatives(counts, negative, seed, noise_exponent)
    targets_of = noise if loss == "ns" else nodes(counts)
    keep = keep_thresholds(counts, sample=sample)
    for epoch in range(epochs):
        total, terms = 0.0, 0
        key = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
        for line in lines_of(ids, keep, window, key, fixed=fixed_window):
            for i, (centre, reach) in enumerate(line):
                targets, labels = targets_of(centre)
                near = line[max(0, i - reach) : i] + line[i + 1 : i + reach + 1]
                contexts = [word for word, _ in near]
                if not targets or not contexts:
                    continue
                group = 16 if model == "skipgram" else len(contexts)
                for start in range(0, len(contexts), group):
                    part = contexts[start : start + group]
                    total += update_by_hand(
                        x, y, part, targets, labels, lr, model=model, context=context,
                        frozen=frozen,
                    )  # fmt: skip
                terms += len(contexts) if model == "skipgram" else 1
    return total, terms


def update_by_hand(x, y, contexts, targets, labels, lr, *, model, context="mean", frozen=()):
    rows = x[contexts]
    kept = x[list(frozen)]
    if model == "cbow":
        rows = rows.mean(axis=0, keepdims=True) if context == "mean" else rows.sum(0, keepdims=True)
    logits = rows @ y[targets].T
    c = lr * (labels - 1 / (1 + np.exp(-logits)))
    change = c @ y[targets]
    if model == "skipgram" and len(targets) <= 6:  # one block: outputs and inputs in one sweep
        for m, word in enumerate(contexts):
            y[targets] += c[m][:, None] * x[word]
            if word not in frozen:
                x[word] += change[m]
    else:
        y[targets] += c.T @ rows
        np.add.at(x, contexts, np.broadcast_to(change, (len(contexts), x.shape[1])))
        x[list(frozen)] = kept
    return np.logaddexp(0, np.where(labels == 1, -logits, logits)).sum()


def given_rows(training, words):
    """Rows to begin with, NaN but for those of ``words``; zeros of both signs are among them."""
    rows = np.full(training.rows.shape, np.nan, np.float32)
    for row in words:
        rows[row] = np.random.default_rng(row).normal(size=rows.shape[1])
        rows[row, row % rows.shape[1]] = -0.0 if row % 2 else 0.0
    return rows


def same_bits(rows, given):
    """Whether every row that was given still has its bits."""
    known = ~np.isnan(given[:, 0])
    return rows[known].tobytes() == given[known].tobytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_training_is_its_definition_wherever_the_stream_is_cut(data):
    words = data.draw(st.integers(1, 9), "words")
    ids = data.draw(st.lists(st.integers(-1, words - 1), max_size=60), "ids")
    options = {
        "model": data.draw(st.sampled_from(MODELS)),
        "loss": data.draw(st.sampled_from(["ns", "hs"])),
        "context": data.draw(st.sampled_from(["mean", "sum"])),
        "window": data.draw(st.sampled_from([1, 2, 3, 5, 20])),
        "negative": data.draw(st.sampled_from([1, 2, 5, 6, 64])),
        "sample": data.draw(st.sampled_from([0, 0.05])),
        "epochs": data.draw(st.integers(1, 2)),
        "seed": data.draw(st.integers(0, 5)),
        "noise_exponent": data.draw(st.sampled_from([0.75, 0, 1, -0.5])),
        "fixed_window": data.draw(st.booleans()),
    }
    frozen = data.draw(st.none() | st.sets(st.integers(0, words - 1)), "frozen")
    counts = np.maximum(np.bincount([i for i in ids if i >= 0], minlength=words), 1)
    training = trainer(
        ids, counts, dim=data.draw(st.integers(1, 17)), lr=0.1, min_lr=0.1,
        freeze=frozen is not None, **options,
    )  # fmt: skip
    given = given_rows(training, frozen or ())
    training.start_from(given, None)
    training.outputs[:] = np.random.default_rng(1).normal(size=training.outputs.shape)
    training = with_chunk(training, data.draw(st.integers(1, 64), "chunk"))
    x, y = training.inputs.astype(np.float64), training.outputs.astype(np.float64)
    loss, terms = by_hand(ids, counts, x, y, lr=0.1, frozen=frozen or (), **options)
    last = finish(training)[-1]
    assert np.abs(training.inputs - x).max() < 2e-5
    assert np.abs(training.outputs - y).max() < 2e-5
    assert same_bits(training.rows, given)
    assert last.words == last.total == options["epochs"] * sum(i >= 0 for i in ids)
    assert last.loss == pytest.approx(loss / terms if terms else math.nan, rel=1e-4, nan_ok=True)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("negative", [5, 9])
def test_windows_of_many_contexts_are_trained_whole(model, negative):
    ids = np.random.default_rng(0).integers(0, 40, 120).astype(np.int32)
    counts = np.maximum(np.bincount(ids, minlength=40), 1)
    options = {"model": model, "window": 30, "negative": negative, "sample": 0, "epochs": 1}
    training = trainer(ids, counts, lr=0.1, min_lr=0.1, **options)
    x, y = training.inputs.astype(np.float64), training.outputs.astype(np.float64)
    loss, terms = by_hand(ids, counts, x, y, lr=0.1, seed=1, **options)
    last = finish(training)[-1]
    assert last.pairs == terms
    assert last.loss == pytest.approx(loss / terms, rel=1e-5)
    assert np.abs(training.inputs - x).max() < 2e-5
    assert np.abs(training.outputs - y).max() < 2e-5


def ngrams(words, number, draws):
    """Up to three n-grams for each word, some shared, some twice."""
    rows = [
        [word, *(words + draws.integers(0, number, draws.integers(0, 4)))] for word in range(words)
    ]
    offsets = np.cumsum([0, *map(len, rows)])
    return NGrams(offsets, np.concatenate(rows).astype(np.int32), number)


def composed_by_hand(ids, counts, rows, y, grams, *, model, window, negative, lr, seed, frozen=()):
    """One epoch where words are means of ``rows``: composed in sight, their change spread after."""
    targets_of = Negatives(counts, negative, seed)
    key = int(np.random.SeedSequence([seed, 0]).generate_state(1, np.uint64)[0])
    lines = list(lines_of(ids, np.full(len(counts), 2**32), window, key))
    words = [word for line in lines for word, _ in line]
    parts = [grams.rows[grams.offsets[w] : grams.offsets[w + 1]] for w in words]
    now, before = {}, {}
    learns = np.isin(np.arange(len(rows)), list(frozen), invert=True)
    kept = rows.copy()

    def spread(place):
        change = now.pop(place) - before.pop(place)
        learning = parts[place][learns[parts[place]]]
        if len(learning):  # the mean moves by the change
            np.add.at(rows, learning, change * len(parts[place]) / len(learning))

    first = 0
    for line in lines:
        for i, (centre, reach) in enumerate(line):
            place = first + i
            targets, labels = targets_of(centre)
            for gone in [p for p in now if p < place - window]:
                spread(gone)
            for come in range(place - window, min(place + window + 2, len(words))):
                if come >= 0 and come not in now:
                    now[come] = rows[parts[come]].mean(axis=0)
                    before[come] = now[come].copy()
            near = [*range(max(0, i - reach), i), *range(i + 1, min(len(line), i + reach + 1))]
            if near:
                x = np.array([now[first + p] for p in near])
                every = list(range(len(near)))
                update_by_hand(x, y, every, targets, labels, lr, model=model)
                for p, vector in zip(near, x, strict=True):
                    if learns[parts[first + p]].any():
                        now[first + p] = vector
        first += len(line)
    for place in list(now):
        spread(place)
    assert (rows[~learns] == kept[~learns]).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_words_of_ngrams_are_trained_by_definition(data):
    words = data.draw(st.integers(1, 7), "words")
    ids = data.draw(st.lists(st.integers(-1, words - 1), max_size=60), "ids")
    draws = np.random.default_rng(data.draw(st.integers(0, 9)))
    grams = ngrams(words, 4, draws)
    counts = np.maximum(np.bincount([i for i in ids if i >= 0], minlength=words), 1)
    options = {
        "model": data.draw(st.sampled_from(MODELS)),
        "window": data.draw(st.sampled_from([1, 2, 5, 20])),
        "negative": data.draw(st.sampled_from([1, 5, 8])),
    }
    frozen = data.draw(st.none() | st.sets(st.integers(0, words + 3)), "frozen")
    training = trainer(
        ids, counts, lr=0.1, min_lr=0.1, ngrams=grams, freeze=frozen is not None, **options
    )
    given = given_rows(training, frozen or ())
    training.start_from(given, None)
    training.outputs[:] = draws.normal(size=training.outputs.shape)
    rows, y = training.rows.astype(np.float64), training.outputs.astype(np.float64)
    composed_by_hand(ids, counts, rows, y, grams, lr=0.1, seed=1, frozen=frozen or (), **options)
    finish(training)
    assert same_bits(training.rows, given)
    assert np.abs(training.rows - rows).max() < 4e-5
    assert np.abs(training.outputs - y).max() < 4e-5
    for word in range(words):
        own = rows[grams.rows[grams.offsets[word] : grams.offsets[word + 1]]]
        assert np.abs(training.inputs[word] - own.mean(axis=0)).max() < 4e-5


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", ["ns", "hs"])
@pytest.mark.parametrize("made_of_ngrams", [False, True])
def test_deterministic_training_has_the_same_bits_with_any_number_of_threads(
    model, loss, made_of_ngrams
):
    ids, counts = topics(lines=300)
    found = set()
    for threads in (1, 2, 3, 4, 8, 13):
        grams = ngrams(10, 6, np.random.default_rng(0)) if made_of_ngrams else None
        training = trainer(
            ids, counts, model=model, loss=loss, threads=threads, epochs=2, deterministic=True,
            ngrams=grams,
        )  # fmt: skip
        last = finish(training)[-1]
        found.add((training.inputs.tobytes(), training.outputs.tobytes(), last.loss, last.words))
    assert len(found) == 1
    assert np.abs(training.outputs).max() > 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", ["ns", "hs"])
def test_deterministic_training_learns_what_one_thread_learns(model, loss):
    ids, counts = topics(lines=1500)
    ends = [
        finish(trainer(ids, counts, model=model, loss=loss, epochs=8, deterministic=each))[-1].loss
        for each in (False, True)
    ]
    assert ends[1] == pytest.approx(ends[0], rel=0.05)


def test_deterministic_training_does_not_diverge_where_a_row_is_in_every_window():
    draws = np.random.default_rng(0)
    ids = draws.zipf(1.3, 200_000).clip(1, 2000).astype(np.int32) - 1
    counts = np.bincount(ids, minlength=2000) + 1
    order = np.argsort(-counts, kind="stable")
    ids, counts = np.argsort(order)[ids].astype(np.int32), counts[order]
    ends = [
        finish(trainer(ids, counts, model="cbow", loss="hs", dim=16, lr=0.05, deterministic=each))[
            -1
        ].loss
        for each in (False, True)
    ]
    assert ends[1] < 1.05 * ends[0]


@pytest.mark.parametrize("loss", ["ns", "hs"])
@pytest.mark.parametrize("made_of_ngrams", [False, True])
def test_a_deterministic_run_that_was_paused_has_the_bits_of_one_that_was_not(loss, made_of_ngrams):
    ids, counts = topics(lines=400)
    grams = ngrams(10, 6, np.random.default_rng(0)) if made_of_ngrams else None
    options = {"epochs": 2, "deterministic": True, "loss": loss, "ngrams": grams}
    straight = trainer(ids, counts, threads=2, **options)
    finish(straight)
    state, words = None, []
    for threads, rounds in ((1, 3), (3, 5), (2, 9), (1, 12)):
        training = trainer(ids, counts, threads=threads, **options)
        if state:
            training.restore(*state)
        training.compile()
        PauseAt(training, rounds)
        words += [report.words for report in finish(training)][-1:]
        state = through_json(training.state())
    assert 0 < words[0] < words[1] < words[2] < words[3] < straight._total
    training = trainer(ids, counts, threads=3, **options)
    training.restore(*state)
    finish(training)
    assert training.inputs.tobytes() == straight.inputs.tobytes()
    assert training.outputs.tobytes() == straight.outputs.tobytes()


def test_training_may_begin_with_given_rows():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    chance = training.inputs.copy()
    rows = np.full((10, 8), np.nan, np.float32)
    rows[3] = 7
    training.start_from(rows, None)
    assert (training.inputs[3] == 7).all()
    assert np.array_equal(np.delete(training.inputs, 3, 0), np.delete(chance, 3, 0))
    assert not training.outputs.any()


@pytest.mark.parametrize(
    ("offsets", "rows", "number"),
    [
        ([0, 1], [0, 1], 1),
        ([0, 1, 1], [0], 1),
        ([0, 1, 2], [0, 2], 1),
        ([0, 1, 3], [0, 1, 3], 1),
        ([0, 1, 3], [0, 1, -1], 1),
        ([1, 2, 3], [0, 0, 1], 1),
        ([0, 1, 2], [0, 1], -1),
    ],
)
def test_rows_that_are_none_are_refused(offsets, rows, number):
    grams = NGrams(np.array(offsets), np.array(rows, np.int32), number)
    with pytest.raises(ValueError, match="row"):
        trainer([0, 1], [1, 1], ngrams=grams)


def test_every_stretch_of_the_table_is_read_four_times():
    ids = np.tile(np.arange(40), 500).astype(np.int32)
    training = trainer(ids, np.full(40, 500), negative=5)
    finish(training)
    cursor = training._lanes.each[0].cursor
    read = (cursor[targets.POOL] * 4 + cursor[targets.PASSES] * 1024) / 5
    assert 0.9 * len(ids) < read < 1.3 * len(ids)  # some entries clash with others of the window


def with_chunk(training, chunk):
    training._lanes._chunk = chunk  # at most as large as the buffers were made for
    return training


def test_table_begins_again_where_it_ends():
    ids, counts = topics(lines=400)
    training = trainer(ids, counts)
    lane = training._lanes.each[0]
    table = training._plan.targets.table
    lane.cursor[targets.POOL] = lane.cursor[targets.TABLE] = len(table) - 1500
    finish(training)
    assert lane.cursor[targets.ROUNDS] == 1
    assert lane.cursor[targets.TABLE] < len(table) - 1500
    assert lane.cursor[targets.POOL] >= 389


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "ids", [[], [-1], [-1, -1, -1], [0], [0, -1], [-1, 0, -1, 1], [0, -1, 1, -1, 0, -1]]
)
def test_streams_without_a_pair_train_nothing(model, ids):
    training = trainer(ids, [2, 1], model=model, epochs=2)
    before = training.inputs.copy()
    last = finish(training)[-1]
    assert training.finished
    assert np.array_equal(training.inputs, before)
    assert not training.outputs.any()
    assert math.isnan(last.loss)
    assert last.pairs == 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("negative", [1, 5, 64])
@pytest.mark.parametrize("threads", [1, 3])
def test_tiny_vocabularies_and_huge_windows_train(model, words, negative, threads):
    ids = np.arange(300) % words
    training = trainer(
        ids, [100] * words, model=model, window=1000, negative=negative, threads=threads
    )
    last = finish(training)[-1]
    assert np.isfinite(training.inputs).all()
    assert math.isfinite(last.loss)
    assert training.outputs.any()


@pytest.mark.parametrize("bad", [-2, 3, 2**31 - 1, -(2**31)])
def test_ids_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="ids must be -1 to 2"):
        trainer([0, 1, bad, 2], [3, 2, 1])
    with pytest.raises(ValueError, match="ids must be -1 to 2"):
        trainer([0], [3, 2, 1]).held_out_loss(np.array([bad], np.int32))


@pytest.mark.parametrize("counts", [[], [1, 0], [[1, 2]]])
def test_counts_that_name_no_word_are_refused(counts):
    with pytest.raises(ValueError, match="counts"):
        trainer([], counts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "glove"), ("dim", 0), ("window", 0), ("negative", 0), ("sample", -1),
        ("sample", math.nan), ("lr", math.inf), ("lr", -1), ("min_lr", math.nan), ("epochs", 0),
        ("threads", 0), ("seed", -1),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        trainer([0], [1], **{name: value})


def test_wide_ids_are_refused():
    with pytest.raises(ValueError, match="int32"):
        KernelTrainer(
            np.zeros(3, np.int64), np.ones(1, np.int64), model="cbow", dim=1, window=1, negative=1,
            sample=0, lr=0.1, min_lr=0, epochs=1, threads=1, seed=0,
        )  # fmt: skip


def test_a_mapped_read_only_stream_trains_like_one_in_memory(tmp_path):
    ids, counts = topics(lines=20)
    (tmp_path / "ids").write_bytes(ids.tobytes())
    mapped = np.memmap(tmp_path / "ids", np.int32, mode="r")
    first, second = trainer(ids, counts), trainer([], counts)
    second = KernelTrainer(
        mapped, counts, model="skipgram", dim=8, window=2, negative=5, sample=0, lr=0.05,
        min_lr=0.001, epochs=1, threads=1, seed=1,
    )  # fmt: skip
    finish(first)
    finish(second)
    assert first.inputs.tobytes() == second.inputs.tobytes()


# Progress.


def test_learning_rate_falls_linearly_to_its_end():
    ids, counts = topics()
    training = trainer(ids, counts, epochs=3)
    ends = [p for p in training.run() if p.epoch_done]
    assert [p.epoch for p in ends] == [0, 1, 2]
    assert [p.lr for p in ends] == pytest.approx([0.05 - 0.049 / 3, 0.05 - 0.098 / 3, 0.001])
    assert [p.words for p in ends] == [4800, 9600, 14400]
    assert training.finished
    assert finish(training) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("threads", [1, 2])
def test_loss_falls_and_held_out_loss_falls(model, threads):
    ids, counts = topics()
    other, _ = topics(seed=1, lines=50)
    training = trainer(ids, counts, model=model, threads=threads, epochs=5)
    before = training.held_out_loss(other)
    reports = [p for p in training.run() if p.epoch_done]
    assert reports[-1].loss < reports[0].loss - 0.1
    assert training.held_out_loss(other) < before - 0.5


def test_held_out_loss_of_nothing_is_nan():
    assert math.isnan(trainer([0], [1]).held_out_loss(np.array([], np.int32)))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_words_of_one_topic_become_neighbours(model, threads):
    ids, counts = topics()
    training = trainer(ids, counts, model=model, threads=threads, epochs=8)
    finish(training)
    similar = cosines(training.inputs)
    same = np.equal.outer(np.arange(10) // 5, np.arange(10) // 5)
    assert similar[same].min() > similar[~same].max() + 0.5


@pytest.mark.parametrize("model", MODELS)
def test_a_diverged_run_shows_in_the_loss(model):
    ids, counts = topics()
    training = trainer(ids, counts, model=model, lr=1e30, min_lr=1e30, epochs=2)
    assert not math.isfinite(finish(training)[-1].loss)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_pair_is_counted(threads):
    ids = np.zeros(1000, np.int32)
    training = trainer(ids, [1000], window=1, threads=threads)
    cuts = 2 * (threads - 1)  # windows do not reach from one thread's part into the next
    assert finish(training)[-1].pairs == 2 * 999 - cuts


def test_large_streams_are_measured_in_part():
    training = trainer(np.zeros(1 << 18, np.int32), [1 << 18], dim=1, window=1)
    finish(training)
    assert training._plan.every == 4
    assert training._lanes.each[0].cursor[train.UNITS] == 2 * ((1 << 18) - 1)


# Reproducible, and able to stop anywhere.


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_gives_same_bits(model):
    ids, counts = topics(lines=100)
    runs = [trainer(ids, counts, model=model, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        finish(run)
    first, again, other = (run.inputs.tobytes() + run.outputs.tobytes() for run in runs)
    assert first == again
    assert first != other


class PauseAt:
    """Pauses a trainer before its chunk number ``chunks``: deterministic, unlike a clock."""

    def __init__(self, training, chunks):
        self.left = chunks
        training._paused.is_set = self
        training._paused.clear = lambda: None

    def __call__(self):
        self.left -= 1
        return self.left < 0


def through_json(state):
    arrays, scalars = state
    return {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(scalars))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODELS),
    st.integers(1, 9),
    st.sampled_from([3, 9]),
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
)
def test_a_run_that_was_paused_and_restored_has_the_bits_of_one_that_was_not(
    model, window, negative, pauses
):
    ids, counts = topics(lines=60)
    options = {"model": model, "window": window, "negative": negative, "epochs": 2, "sample": 0.1}
    straight = trainer(ids, counts, **options)
    expected = finish(straight)[-1]
    state = None
    for pause in pauses:
        training = trainer(ids, counts, **options)
        if state:
            training.restore(*state)
        PauseAt(training, pause)
        finish(training)
        state = through_json(training.state())
    training = trainer(ids, counts, **options)
    training.restore(*state)
    reports = finish(training)
    assert training.inputs.tobytes() == straight.inputs.tobytes()
    assert training.outputs.tobytes() == straight.outputs.tobytes()
    if reports:
        assert reports[-1] == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_pause_from_another_thread_ends_run_with_a_last_report(threads):
    ids, counts = topics(lines=60000)
    training = trainer(ids, counts, threads=threads, epochs=1000)
    timer = threading.Timer(0.5, training.pause)
    timer.start()
    reports = finish(training)
    timer.join()
    assert reports
    assert not training.finished
    assert 0 < reports[-1].words < reports[-1].total
    words = reports[-1].words
    run = training.run()
    assert next(run).words > words  # goes on
    run.close()


def test_pause_before_run_stops_it_at_once():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    training.pause()
    (only,) = finish(training)
    assert only.words == 0
    finish(training)
    assert training.finished


def test_a_closed_generator_leaves_no_thread_and_can_go_on():
    ids, counts = topics(lines=60000)
    training = trainer(ids, counts, epochs=1000)
    before = threading.active_count()
    run = training.run()
    first = next(run)
    run.close()
    assert threading.active_count() == before
    again = training.run()
    assert next(again).words > first.words
    again.close()


def test_a_failure_in_a_thread_reaches_the_caller():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts, threads=2)
    training._lanes.each[1] = None
    with pytest.raises(AttributeError):
        finish(training)


def test_epochs_may_change_when_a_run_goes_on():
    ids, counts = topics(lines=50)
    short = trainer(ids, counts, epochs=1)
    finish(short)
    longer = trainer(ids, counts, epochs=3)
    longer.restore(*through_json(short.state()))
    ends = [p for p in longer.run() if p.epoch_done]
    assert [p.epoch for p in ends] == [1, 2]
    assert ends[-1].words == ends[-1].total


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "cbow"), ("dim", 9), ("window", 3), ("negative", 4), ("sample", 0.1), ("lr", 0.1),
        ("min_lr", 0.0), ("seed", 2),
    ],
)  # fmt: skip
def test_the_state_of_another_run_is_refused(name, value):
    ids, counts = topics(lines=10)
    state = trainer(ids, counts).state()
    with pytest.raises(ValueError, match=name):
        trainer(ids, counts, **{name: value}).restore(*state)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 5)])
def test_a_run_goes_on_with_another_number_of_threads(before, after):
    ids, counts = topics(lines=400)
    first = trainer(ids, counts, threads=before, epochs=3)
    PauseAt(first, 2 * before)
    finish(first)
    assert not first.finished
    second = trainer(ids, counts, threads=after, epochs=3)
    second.restore(*through_json(first.state()))
    ends = [p for p in second.run() if p.epoch_done]
    assert second.finished
    assert ends[-1].words == ends[-1].total == 3 * int((ids >= 0).sum())
    assert np.isfinite(second.inputs).all()
    assert second.state()[1]["settings"]["lanes"] == after


def test_compiling_changes_nothing():
    ids, counts = topics(lines=100)
    plain, compiled = trainer(ids, counts), trainer(ids, counts)
    compiled.compile()
    finish(plain)
    finish(compiled)
    assert np.array_equal(plain.inputs, compiled.inputs)


@pytest.mark.parametrize("lanes", [0, -1, 1.5, None, 10**9])
def test_a_state_of_an_impossible_number_of_lanes_is_refused(lanes):
    ids, counts = topics(lines=10)
    arrays, scalars = trainer(ids, counts).state()
    scalars["settings"] = scalars["settings"] | {"lanes": lanes}
    with pytest.raises(ValueError, match="state"):
        trainer(ids, counts).restore(arrays, scalars)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("positions", 0, -1), ("positions", 0, 10**9), ("cursors", (0, train.HELD), 5),
        ("cursors", (0, train.READY), 99), ("cursors", (0, targets.TABLE), 10**9),
        ("cursors", (0, train.WORDS), -1), ("held", (0, 0, 0), 10), ("held", (0, 0, 0), -1),
        ("held", (0, 1, 0), -1), ("held", (0, 1, 1), 2), ("held", (0, 2, 0), 0),
        ("held", (0, 2, 0), 4),
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused_and_changes_nothing(name, place, value):
    ids, counts = np.arange(640, dtype=np.int32) % 10, np.full(10, 64)
    training = trainer(ids, counts)
    PauseAt(training, 3)
    finish(training)
    arrays, scalars = through_json(training.state())
    assert arrays["cursors"][0, train.HELD] == 4
    arrays[name][place] = value
    other = trainer(ids, counts)
    before = other.inputs.copy()
    with pytest.raises(ValueError, match="state"):
        other.restore(arrays, scalars)
    assert np.array_equal(other.inputs, before)


def test_a_state_without_an_array_or_of_another_format_is_refused():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    arrays, scalars = training.state()
    with pytest.raises(ValueError, match="held"):
        training.restore({k: v for k, v in arrays.items() if k != "held"}, scalars)
    with pytest.raises(ValueError, match="inputs"):
        training.restore(arrays | {"inputs": arrays["inputs"][:, :7]}, scalars)
    with pytest.raises(ValueError, match="format"):
        training.restore(arrays, scalars | {"format": 1})


def test_a_checkpoint_of_an_older_dlkit_is_refused_as_such():
    ids, counts = topics(lines=10)
    training = trainer(ids, counts)
    arrays, scalars = training.state()
    unknown = ("noise_exponent", "fixed_window", "freeze")  # settings that it did not have
    known = {key: value for key, value in scalars["settings"].items() if key not in unknown}
    old = scalars | {"format": 2, "settings": known}
    with pytest.raises(ValueError, match="its state has format 2, of another version of dlkit"):
        training.restore(arrays, old)


@pytest.mark.parametrize(("fixed", "times"), [(False, 6), (True, 10)])
def test_rows_are_expected_in_as_many_windows_as_see_them(fixed, times):
    ids = np.tile(np.arange(10), 12).astype(np.int32)
    training = trainer(ids, np.full(10, 12), window=5, threads=2, fixed_window=fixed)
    training._lanes.step(0, train.train_skipgram, np.uint64(1), 0.01)
    assert training._lanes.each[0].inputs.uses.tolist() == [6 * times] * 10
