from __future__ import annotations

import pytest

from dlkit.training import losses
from dlkit.training.augmenting.config import parse
from dlkit.training.augmenting.making import augmentation
from dlkit.training.batches import Batches
from dlkit.training.config import TrainingConfig
from dlkit.training.loop import fit


def training(tools, *, epochs=25, **settings):
    """A training with everything that a state holds: 8 steps an epoch, 25 epochs, 200 steps."""
    import torch

    def noise(rows, generator, *_):
        return rows + 0.1 * torch.randn(rows.shape, generator=generator)

    rows, labels = tools.samples(number=160)
    model = tools.network(dropout=0.3, norm=True)
    config = TrainingConfig(**{
        "epochs": epochs, "batch_size": 10, "accumulate": 2, "optimizer": "adamw", "lr": 0.02,
        "l2": 0.01, "l1": 0.001, "clip": 1.0, "ema": 0.9, "schedule": "one-cycle",
        "label_smoothing": 0.1,
    } | settings)  # fmt: skip
    return {
        "model": model,
        "batches": Batches(rows, labels, batch_size=20, seed=config.seed, augment=noise),
        "config": config,
        "loss": losses.build("softmax", classes=3, smoothing=config.label_smoothing),
        "validate": Batches(rows[:30], labels[:30], batch_size=30, shuffle=False),
    }


def bits(state):
    """Everything in a state but the seconds."""
    numbers = {key: value for key, value in state.numbers.items() if key != "seconds"}
    return numbers, {name: each.numpy().tobytes() for name, each in state.tensors.items()}


SETTINGS = [
    {},
    {"optimizer": "sgd", "momentum": 0.9, "ema": 0.0, "schedule": "cosine", "warmup": 0.1},
    {"optimizer": "adam", "precision": "fp16", "clip": 0.0},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["adamw", "sgd", "adam-fp16"])
def test_a_resumed_training_has_the_bits_of_the_uninterrupted_one_at_every_step(tools, settings):
    whole = tools.Memory(every=1)
    parts = training(tools, **settings)
    _, fitted = tools.finish(fit(**parts, keep=whole))
    final = {name: each.clone() for name, each in parts["model"].state_dict().items()}
    assert len(whole.states) == 200
    if "adamw" in settings.get("optimizer", "adamw"):
        assert fitted.best_epoch > 1  # so that the best weights are of a time before
    for number, state in enumerate(whole.states):
        # One more step from each, and from some to the end.
        parts = training(tools, **settings)
        again = tools.Memory(every=1)
        work = fit(**parts, state=state, keep=again)
        if number % 41:
            while not again.states and number < 199:
                next(work)
            work.close()
            if number < 199:
                assert bits(again.states[0]) == bits(whole.states[number + 1]), number
            continue
        _, resumed = tools.finish(work)
        assert [bits(each) for each in again.states] == [
            bits(each) for each in whole.states[number + 1 :]
        ]
        assert resumed.history == fitted.history
        assert resumed.best_epoch == fitted.best_epoch
        for name, tensor in parts["model"].state_dict().items():
            assert tensor.numpy().tobytes() == final[name].numpy().tobytes(), name


def test_a_finished_training_goes_on_with_more_epochs(tools):
    keep = tools.Memory(every=8)
    tools.finish(fit(**training(tools, epochs=3, schedule="constant"), keep=keep))
    parts = training(tools, epochs=5, schedule="constant")
    _, fitted = tools.finish(fit(**parts, state=keep.states[-1]))
    expected = training(tools, epochs=5, schedule="constant")
    _, whole = tools.finish(fit(**expected))
    assert fitted.history == whole.history
    assert [entry["epoch"] for entry in fitted.history] == [1, 2, 3, 4, 5]


def test_a_training_that_stopped_early_is_over(tools):
    from dlkit.records import Epoch

    keep = tools.Memory(every=1)
    settings = {"patience": 1, "lr": 0.5, "schedule": "constant"}
    _, fitted = tools.finish(fit(**training(tools, **settings), keep=keep))
    assert fitted.stopped_early
    state = keep.states[-1]
    state.numbers["over"] = True
    records, again = tools.finish(fit(**training(tools, **settings), state=state))
    assert not [record for record in records if isinstance(record, Epoch)]
    assert again.stopped_early


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed was 1 when the run began, is 2 now"),
        ({"samples": 159}, "samples was 160"),
        ({"batch_size": 21}, "batch_size was 20"),
        ({"hidden": 9}, "the network is not that of the state"),
        ({"ema": 0.0}, "other averages"),
    ],
)
def test_the_state_of_another_training_is_refused(tools, change, message):
    keep = tools.Memory(every=1)
    work = fit(**training(tools), keep=keep)
    while not keep.states:
        next(work)
    work.close()
    parts = training(tools, ema=change.get("ema", 0.9))
    if "hidden" in change:
        parts["model"] = tools.network(hidden=9, dropout=0.3, norm=True)
    elif "ema" not in change:
        rows, labels = tools.samples(number=change.get("samples", 160))
        size, seed = change.get("batch_size", 20), change.get("seed", 1)
        parts["batches"] = Batches(rows, labels, batch_size=size, seed=seed)
    with pytest.raises(ValueError, match=message):
        tools.finish(fit(**parts, state=keep.states[0]))


def test_another_number_of_threads_is_told(tools):
    import torch

    keep = tools.Memory(every=1)
    parts = training(tools)
    work = fit(**parts, keep=keep)
    while not keep.states:
        next(work)
    work.close()
    assert keep.states[0].differences(parts["config"]) == []
    torch.set_num_threads(2)
    (told,) = keep.states[0].differences(parts["config"])
    assert told.startswith("threads was 1 when the run began, is 2 now")


def of_pictures(tools, steps, **settings):
    """A small convolutional network, partly frozen, on augmented images: 6 steps an epoch."""
    import numpy as np
    import torch
    from torch import nn

    class Floats(nn.Module):
        def forward(self, images):
            return images.float() / 255 if images.dtype == torch.uint8 else images

    torch.manual_seed(0)
    model = nn.Sequential(
        Floats(), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 36, 3),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    for each in (*model[1].parameters(), *model[2].parameters()):
        each.requires_grad_(requires_grad=False)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    images = rng.integers(0, 256, (60, 6, 6, 3)).astype(np.uint8)
    config = TrainingConfig(**{
        "epochs": 4, "batch_size": 10, "optimizer": "sgd", "lr": 0.01, "momentum": 0.9, "ema": 0.9,
        "l2": 0.01, "schedule": "one-cycle",
    } | settings)  # fmt: skip
    plain = augmentation(())
    return {
        "model": model,
        "batches": Batches(images, labels, batch_size=10, augment=augmentation(parse(steps))),
        "config": config,
        "loss": losses.build("softmax", classes=3),
        "validate": Batches(images, labels, batch_size=30, shuffle=False, augment=plain),
        "lr_factors": {"5.bias": 16.0},
    }


@pytest.mark.parametrize(
    "steps", ["flip:alternating,crop:1,affine,jitter,randaugment:1:9,mixup,cutmix", "flip,erase"]
)
def test_a_resumed_training_draws_the_augmentations_that_it_would_have_drawn(tools, steps):
    whole = tools.Memory(every=1)
    parts = of_pictures(tools, steps)
    _, fitted = tools.finish(fit(**parts, keep=whole))
    final = {name: each.clone() for name, each in parts["model"].state_dict().items()}
    assert len(whole.states) == 24
    for number in (0, 5, 8, 16, 22):
        parts = of_pictures(tools, steps)
        again = tools.Memory(every=1)
        _, resumed = tools.finish(fit(**parts, state=whole.states[number], keep=again))
        assert [bits(each) for each in again.states] == [
            bits(each) for each in whole.states[number + 1 :]
        ]
        assert resumed.history == fitted.history
        for name, tensor in parts["model"].state_dict().items():
            assert tensor.numpy().tobytes() == final[name].numpy().tobytes(), name
