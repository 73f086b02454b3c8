from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.training.augmenting.config import parse
from dlkit.training.augmenting.making import augmentation
from dlkit.training.batches import Batch, Batches
from dlkit.training.sources import Ragged


def labels_of(batches, epoch=0, step=0):
    return [batch.targets.tolist() for batch in batches.at(epoch, step)]


def numbered(samples, **settings):
    """Batches whose labels are the places of the samples."""
    rows = np.arange(2 * samples, dtype=np.float32).reshape(samples, 2)
    return Batches(rows, np.arange(samples), **settings)


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 3), st.integers(0, 5))
def test_an_epoch_has_each_sample_once_and_can_be_entered_anywhere(samples, size, seed, epoch):
    batches = numbered(samples, batch_size=size, seed=seed)
    whole = labels_of(batches, epoch)
    assert sorted(itertools.chain(*whole)) == list(range(samples))
    assert len(whole) == len(batches)
    assert all(len(each) == size for each in whole[:-1])
    assert len(whole[-1]) > 1 or samples == 1 or size == 1
    for step in range(len(whole) + 1):
        assert labels_of(batches, epoch, step) == whole[step:]


def test_the_order_depends_on_seed_and_epoch():
    batches = numbered(50, batch_size=10, seed=1)
    assert labels_of(batches, 0) != labels_of(batches, 1)
    assert labels_of(batches, 0) != labels_of(numbered(50, batch_size=10, seed=2), 0)
    assert labels_of(batches, 3) == labels_of(numbered(50, batch_size=10, seed=1), 3)
    unshuffled = numbered(50, batch_size=20, shuffle=False)
    assert list(itertools.chain(*labels_of(unshuffled, 4))) == list(range(50))


@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_any_number_of_workers_gives_the_same_batches_as_memory(tmp_path, workers):
    import torch

    rows = np.memmap(tmp_path / "rows", np.uint8, "w+", shape=(101, 5, 3))
    rows[:] = np.random.default_rng(0).integers(0, 256, rows.shape)
    labels = np.arange(101)
    mapped = Batches(rows, labels, batch_size=8, workers=workers, resident=False)
    resident = Batches(np.array(rows), labels, batch_size=8)
    for epoch, step in ((0, 0), (1, 0), (1, 5)):
        pairs = zip(mapped.at(epoch, step), resident.at(epoch, step), strict=True)
        for one, other in pairs:
            assert one.inputs[0].dtype == torch.uint8
            assert torch.equal(one.inputs[0], other.inputs[0])
            assert torch.equal(one.targets, other.targets)


def test_workers_that_finish_out_of_turn_do_not_change_the_order():
    import torch

    class Slow:
        resident = ragged = False

        def __init__(self):
            self.turn = 0
            self.lock = threading.Lock()

        def __len__(self):
            return 40

        def take(self, places):
            with self.lock:
                self.turn += 1
                turn = self.turn
            time.sleep(0.003 * (turn % 3))
            return (places.to(torch.float32),)

    batches = Batches(Slow(), np.arange(40), batch_size=4, workers=4)
    for batch in batches.at():
        assert batch.inputs[0].tolist() == batch.targets.tolist()


def test_a_reader_that_leaves_early_leaves_no_threads_behind(tmp_path):
    rows = np.memmap(tmp_path / "rows", np.uint8, "w+", shape=(100, 4))
    reader = Batches(rows, np.zeros(100, int), batch_size=2, workers=3, resident=False).at()
    next(reader)
    reader.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("dlkit-reader")]


def test_augmentation_is_a_function_of_seed_epoch_and_step():
    import torch

    def noise(rows, generator, *_):
        return rows + torch.rand(rows.shape, generator=generator)

    batches = numbered(30, batch_size=7, seed=5, augment=noise)
    whole = [batch.inputs[0] for batch in batches.at(2)]
    again = [batch.inputs[0] for batch in numbered(30, batch_size=7, seed=5, augment=noise).at(2)]
    assert all(map(torch.equal, whole, again))
    assert torch.equal(next(batches.at(2, 3)).inputs[0], whole[3])
    plain = [batch.inputs[0] for batch in numbered(30, batch_size=7, seed=5).at(2)]
    assert len({float((one - other).sum()) for one, other in zip(whole, plain, strict=True)}) > 1


TEXTS = st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=20)


@settings(max_examples=30)
@given(TEXTS, st.integers(1, 7), st.booleans())
def test_lists_come_as_an_embedding_bag_takes_them(texts, size, weighted):
    import torch

    values = np.array(list(itertools.chain(*texts)), np.int64)
    weights = np.linspace(0, 1, len(values), dtype=np.float32) if weighted else None
    offsets = np.cumsum([0, *map(len, texts)])
    batches = Batches(Ragged(values, offsets, weights), np.arange(len(texts)), batch_size=size)
    bag = torch.nn.EmbeddingBag(10, 3, mode="sum")
    for batch in batches.at():
        ids, starts, *shares = batch.inputs
        found = bag(ids, starts, per_sample_weights=shares[0] if shares else None)
        for row, place in zip(found, batch.targets.tolist(), strict=True):
            some = torch.tensor(texts[place], dtype=torch.int64)
            vectors = bag.weight[some]
            if weighted:
                own = torch.from_numpy(weights[offsets[place] : offsets[place + 1]])
                vectors = vectors * own[:, None]
            assert torch.allclose(row, vectors.sum(0), atol=1e-6)
        parts = list(batch.parts(3))
        again = [
            bag(*part.inputs[:2], per_sample_weights=part.inputs[2] if weighted else None)
            for part in parts
        ]
        assert torch.allclose(torch.cat(again), found)
        assert torch.cat([part.targets for part in parts]).tolist() == batch.targets.tolist()


def test_parts_are_never_of_one_sample_where_two_are_possible():
    import torch

    batch = Batch((torch.arange(9),), torch.arange(9))
    assert [len(part.targets) for part in batch.parts(4)] == [4, 5]
    assert [len(part.targets) for part in batch.parts(1)] == [1] * 9
    assert [len(part.targets) for part in batch.parts(9)] == [9]


def test_inputs_and_targets_must_be_as_many():
    with pytest.raises(ValueError, match="3 inputs and 2 targets"):
        Batches(np.zeros((3, 1)), np.zeros(2, int), batch_size=1)


def test_read_only_memory_is_taken_without_a_warning_and_left_as_it_is():
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    rows.flags.writeable = False
    labels = np.arange(3)
    labels.flags.writeable = False
    for batch in Batches(rows, labels, batch_size=2).at():
        batch.inputs[0].zero_()
    assert rows.sum() == 15


AUGMENTED = "flip:alternating,crop:2,affine,cutout:2,erase,jitter,randaugment:1:9,mixup,cutmix"


def pictures(tmp_path):
    rows = np.memmap(tmp_path / "rows", np.uint8, "w+", shape=(53, 8, 8, 3))
    rows[:] = np.random.default_rng(0).integers(0, 256, rows.shape)
    return rows


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_augmented_batches_are_the_same_for_any_number_of_workers(tmp_path, workers):
    import torch

    rows = pictures(tmp_path)
    augment = augmentation(parse(AUGMENTED))
    settings = {"batch_size": 8, "seed": 3, "augment": augment}
    mapped = Batches(rows, np.arange(53), workers=workers, resident=False, **settings)
    resident = Batches(np.array(rows), np.arange(53), **settings)
    assert mapped.mixes
    whole = {epoch: list(resident.at(epoch)) for epoch in (0, 1)}
    for epoch, step in ((1, 4), (0, 0), (1, 0)):
        for one, other in zip(mapped.at(epoch, step), whole[epoch][step:], strict=True):
            assert torch.equal(one.inputs[0], other.inputs[0])
            assert torch.equal(one.targets, other.targets)
            assert torch.equal(one.others, other.others)
            assert torch.equal(one.share, other.share)
    assert not torch.equal(whole[0][0].share, whole[0][1].share)
    assert not torch.equal(whole[0][0].share, whole[1][0].share)


def test_a_mixed_batch_names_both_labels_and_its_parts_have_theirs():
    import torch

    rows = np.repeat(np.arange(53, dtype=np.uint8), 12).reshape(53, 2, 2, 3)
    batches = Batches(rows, np.arange(53), batch_size=20, augment=augmentation(parse("mixup")))
    for batch in batches.at():
        image = batch.inputs[0][:, 0, 0, 0] * 255
        expected = batch.share * batch.targets + (1 - batch.share) * batch.others
        assert torch.allclose(image, expected, atol=1e-4)
        assert sorted(batch.others.tolist()) == sorted(batch.targets.tolist())
        parts = list(batch.parts(6))
        for name in ("targets", "others", "share"):
            together = torch.cat([getattr(part, name) for part in parts])
            assert torch.equal(together, getattr(batch, name))


def test_alternating_flip_goes_by_the_sample_and_the_epoch(tmp_path):
    import torch

    rows = np.array(pictures(tmp_path))
    augment = augmentation(parse("flip:alternating"))

    def seen(seed, epoch):
        batches = Batches(rows, np.arange(53), batch_size=8, seed=seed, augment=augment)
        found = {}
        for batch in batches.at(epoch):
            found |= dict(zip(batch.targets.tolist(), batch.inputs[0], strict=True))
        return torch.stack([found[place] for place in range(53)])

    given = torch.from_numpy(rows).permute(0, 3, 1, 2)
    first, second = seen(1, 0), seen(1, 1)
    assert torch.equal(first.flip(3), second)
    assert torch.equal(seen(2, 2), first)  # in whatever order they come
    unmoved = (first == given).flatten(1).all(1)
    assert 10 < int(unmoved.sum()) < 43
