from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlkit.errors import DlkitError, StoppedError
from dlkit.records import Epoch, Noted, Warned
from dlkit.signals import Stop
from dlkit.training import losses
from dlkit.training.batches import Batches
from dlkit.training.config import TrainingConfig
from dlkit.training.loop import fit

SOFTMAX = losses.build("softmax", classes=3)


def batches_of(tools, size=32, **settings):
    rows, labels = tools.samples()
    return Batches(rows, labels, batch_size=size, **settings)


def weights_of(model):
    return {name: each.clone() for name, each in model.state_dict().items()}


def same(one, other):
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


OPTIMIZERS = {
    "sgd": lambda torch, p: torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True),
    "nesterov": lambda torch, p: torch.optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, fused=True
    ),
    "adam": lambda torch, p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.99), fused=True),
    "adamw": lambda torch, p: torch.optim.AdamW(
        p, lr=0.05, betas=(0.8, 0.99), weight_decay=0, fused=True
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_a_training_is_that_of_a_plain_loop_over_the_same_batches(tools, name, clip):
    import torch

    model, other = tools.network(), tools.network()
    batches = batches_of(tools)
    config = TrainingConfig(
        optimizer="sgd" if name == "nesterov" else name, nesterov=name == "nesterov", lr=0.05,
        betas=(0.8, 0.99), epochs=4, clip=clip, schedule="cosine",
    )  # fmt: skip
    tools.finish(fit(model, batches, config=config, loss=SOFTMAX))
    optimizer = OPTIMIZERS[name](torch, other.parameters())
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4 * len(batches))
    for epoch in range(4):
        for batch in batches.at(epoch):
            optimizer.zero_grad()
            scores = other(*batch.inputs)
            torch.nn.functional.cross_entropy(scores, batch.targets).backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(other.parameters(), clip)
            optimizer.step()
            schedule.step()
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=2e-5)


def test_the_same_settings_give_the_same_bits_and_leave_the_generators_alone(tools):
    import torch

    found = []
    for seed in (0, 1):
        model = tools.network(dropout=0.5)
        torch.manual_seed(seed)
        expected = torch.Generator().manual_seed(seed)
        config = TrainingConfig(epochs=2)
        _, fitted = tools.finish(fit(model, batches_of(tools), config=config, loss=SOFTMAX))
        assert float(torch.rand(1)) == float(torch.rand(1, generator=expected))
        found.append((weights_of(model), fitted.history))
    assert same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("kind", ["softmax", "hinge"])
@pytest.mark.parametrize("balanced", [False, True])
def test_gradients_of_several_batches_make_the_step_of_one(tools, kind, balanced):
    import torch

    rows, labels = tools.samples(number=230)  # the last batch is a short one
    results = []
    for size, accumulate in ((48, 1), (16, 3)):
        model = tools.network()
        config = TrainingConfig(batch_size=size, accumulate=accumulate, epochs=3, optimizer="sgd")
        loss = losses.build(
            kind, classes=3, labels=labels, class_weights="balanced" if balanced else "none"
        )
        batches = Batches(rows, labels, batch_size=size * accumulate)
        _, fitted = tools.finish(fit(model, batches, config=config, loss=loss))
        results.append((model, fitted.history))
    for one, other in zip(results[0][0].parameters(), results[1][0].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_metrics_are_those_of_the_whole_epoch(tools):
    """At a learning rate of next to nothing the weights stay, and the sums can be done by hand."""
    import torch

    rows, labels = tools.samples(number=100)
    model = tools.network()
    config = TrainingConfig(epochs=1, optimizer="sgd", lr=1e-30, l2=0.1)
    held = Batches(rows[:37], labels[:37], batch_size=10, shuffle=False)
    records, fitted = tools.finish(
        fit(model, Batches(rows, labels, batch_size=32), config=config, loss=SOFTMAX, validate=held)
    )
    scores = model(torch.from_numpy(rows)).detach()
    right = (scores.argmax(1) == torch.from_numpy(labels)).double()
    each = torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels), reduction="none")
    metrics = next(record for record in records if isinstance(record, Epoch)).metrics
    assert metrics["loss"] == pytest.approx(float(each.mean()), rel=1e-6)
    assert metrics["accuracy"] == pytest.approx(float(right.mean()))
    assert metrics["validation_loss"] == pytest.approx(float(each[:37].mean()), rel=1e-6)
    assert metrics["validation_accuracy"] == pytest.approx(float(right[:37].mean()))
    squares = sum(float(layer.weight.detach().square().sum()) for layer in (model[0], model[2]))
    assert metrics["penalty"] == pytest.approx(0.05 * squares, rel=1e-5)
    assert fitted.history == [{"epoch": 1, **metrics}]


def overfitting(tools, **settings):
    """A training on 12 samples of random labels, judged by others."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(40, 6)).astype(np.float32), rng.integers(0, 3, 40)
    model = tools.network(hidden=32)
    config = TrainingConfig(epochs=60, lr=0.02, **settings)
    batches = Batches(rows[:12], labels[:12], batch_size=6)
    held = Batches(rows[12:], labels[12:], batch_size=28, shuffle=False)
    records, fitted = tools.finish(fit(model, batches, config=config, loss=SOFTMAX, validate=held))
    return model, held, records, fitted


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_weights_at_the_end_are_those_of_the_best_epoch(tools, ema):
    import torch

    model, held, _, fitted = overfitting(tools, ema=ema)
    values = [entry["validation_loss"] for entry in fitted.history]
    assert fitted.best_epoch == 1 + int(np.argmin(values)) < 60
    assert fitted.epochs == 60
    batch = next(held.at())
    model.eval()
    scores = model(*batch.inputs).detach()
    now = float(torch.nn.functional.cross_entropy(scores, batch.targets))
    assert now == pytest.approx(min(values), rel=1e-6)


def test_training_stops_early_after_so_many_epochs_without_a_better_loss(tools):
    _, _, records, fitted = overfitting(tools, patience=3)
    values = [entry["validation_loss"] for entry in fitted.history]
    assert fitted.stopped_early
    assert fitted.epochs == len(values) == fitted.best_epoch + 3
    assert min(values) == values[fitted.best_epoch - 1]
    assert isinstance(records[-1], Noted)
    assert f"epoch {fitted.best_epoch}" in records[-1].text


@pytest.mark.parametrize("judged", [False, True])
def test_the_network_ends_with_the_average_of_its_formula(tools, judged):
    import torch

    class Watching(torch.nn.Module):
        """Notes its weights as each step begins."""

        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(6, 3)
            self.seen = []

        def forward(self, rows):
            self.seen.append(self.inner.weight.detach().clone())
            return self.inner(rows)

    torch.manual_seed(0)
    model, plain = Watching(), None
    held = batches_of(tools, 240, shuffle=False) if judged else None
    start = weights_of(model)
    for ema in (0.0, 0.8):
        model.load_state_dict(start)
        model.seen.clear()
        config = TrainingConfig(epochs=1, ema=ema, lr=0.05)
        work = fit(model, batches_of(tools), config=config, loss=SOFTMAX, validate=held)
        tools.finish(work)
        if not ema:
            plain = [*model.seen[:8], model.inner.weight.detach().clone()]
    average = plain[0]
    for step, weight in enumerate(plain[1:]):
        decay = min(0.8, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weight
    assert torch.allclose(model.inner.weight, average, atol=1e-6)


def test_the_network_trains_in_training_mode_and_is_judged_in_the_other(tools):
    import torch

    modes = []

    class Watching(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(6, 3)

        def forward(self, rows):
            modes.append((self.training, torch.is_grad_enabled()))
            return self.inner(rows)

    batches = batches_of(tools, 120)
    config = TrainingConfig(epochs=2)
    model = Watching().eval()
    held = batches_of(tools, 240, shuffle=False)
    tools.finish(fit(model, batches, config=config, loss=SOFTMAX, validate=held))
    assert modes == [(True, True), (True, True), (False, False)] * 2


class Poisoned:
    """Rows of which one step's are NaN."""

    def __new__(cls, tools, epoch, step):
        import torch

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = tools.network()
                self.calls = 0

            def forward(self, rows):
                self.calls += 1
                scores = self.inner(rows)
                return scores * math.nan if self.calls == epoch * 8 + step + 1 else scores

        return Model()


@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (0, 5), (2, 7)])
def test_a_loss_that_is_no_number_is_told_with_its_step_and_nothing_is_saved(tools, epoch, step):
    keep = tools.Memory()
    work = fit(
        Poisoned(tools, epoch, step), batches_of(tools), config=TrainingConfig(epochs=4, lr=0.02),
        loss=SOFTMAX, keep=keep,
    )  # fmt: skip
    with pytest.raises(DlkitError) as caught:
        tools.finish(work)
    told = caught.value.message
    assert f"epoch {epoch + 1}, batch {step + 1} of 8 (step {epoch * 8 + step + 1})" in told
    assert "the loss is nan at learning rate 0.02" in told
    assert ("no epoch was finished" if epoch == 0 else f"last good epoch was {epoch}") in told
    assert "--lr 0.002" in caught.value.hint
    assert not keep.states


@pytest.mark.parametrize(("layers", "lr", "epoch"), [(2, 500.0, 1), (1, 100.0, 2)])
def test_a_learning_rate_far_too_large_is_told_as_divergence(tools, layers, lr, epoch):
    import torch

    torch.manual_seed(0)
    model = tools.network() if layers == 2 else torch.nn.Linear(6, 3)
    config = TrainingConfig(optimizer="sgd", lr=lr, epochs=5)
    with pytest.raises(DlkitError, match=f"diverged in epoch {epoch}: its mean loss"):
        tools.finish(fit(model, batches_of(tools), config=config, loss=SOFTMAX))


def test_an_infinite_gradient_is_told_before_another_epoch(tools):
    import torch

    class Steep(torch.nn.Module):
        """Scores 0, whose gradient is infinite at the last step of the epoch."""

        def __init__(self):
            super().__init__()
            self.inner, self.calls = tools.network(), 0

        def forward(self, rows):
            self.calls += 1
            scores = self.inner(rows)
            return scores + (scores * 0).sqrt() if self.calls == 8 else scores

    config = TrainingConfig(epochs=3)
    with pytest.raises(DlkitError, match=r"in epoch 1 by step 8 of it: inner.* is NaN"):
        tools.finish(fit(Steep(), batches_of(tools), config=config, loss=SOFTMAX))
    config = TrainingConfig(epochs=3, clip=1)
    with pytest.raises(DlkitError, match=r"batch 8 of 8 .* the gradient is nan"):
        tools.finish(fit(Steep(), batches_of(tools), config=config, loss=SOFTMAX))


def hungry(tools, most):
    """A network that has memory for ``most`` samples."""
    import torch

    class Hungry(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = tools.network()

        def forward(self, rows):
            if len(rows) > most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            return self.inner(rows)

    return Hungry()


def test_out_of_memory_halves_the_batch_and_keeps_its_effect(tools):
    import torch

    config = TrainingConfig(epochs=2, optimizer="sgd", batch_size=64)
    held = batches_of(tools, 240, shuffle=False)
    results = []
    for most in (10_000, 20):
        model = hungry(tools, most)
        work = fit(model, batches_of(tools, 64), config=config, loss=SOFTMAX, validate=held)
        records, fitted = tools.finish(work)
        results.append((model, fitted))
        told = [record.text for record in records if isinstance(record, Warned)]
        assert len(told) == (0 if most > 64 else 2)
    assert fitted.batch_size == 16
    assert "32 samples at once: from here on 16" in told[1]
    for one, other in zip(results[0][0].parameters(), results[1][0].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert results[0][1].history[-1] == pytest.approx(results[1][1].history[-1], rel=1e-4)


def test_memory_for_no_sample_ends_the_training(tools):
    work = fit(hungry(tools, 0), batches_of(tools), config=TrainingConfig(), loss=SOFTMAX)
    with pytest.raises(DlkitError, match="out of memory with 1 sample at once"):
        tools.finish(work)


def test_another_error_of_pytorch_is_not_taken_for_a_lack_of_memory(tools):
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tools.finish(
            fit(tools.network(columns=5), batches_of(tools), config=TrainingConfig(), loss=SOFTMAX)
        )


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_fewer_bits_learn_as_well_and_leave_weights_in_float32(tools, precision):
    import torch

    results = {}
    for each in ("fp32", precision):
        model = tools.network(hidden=16)
        config = TrainingConfig(epochs=10, precision=each, lr=0.01)
        _, fitted = tools.finish(fit(model, batches_of(tools), config=config, loss=SOFTMAX))
        results[each] = fitted.history[-1]["loss"]
        assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert results[precision] == pytest.approx(results["fp32"], rel=0.05)
    assert results[precision] != results["fp32"]


def test_a_signal_stops_after_the_step_in_hand(tools):
    stop, keep = Stop(), tools.Memory()
    work = fit(
        tools.network(), batches_of(tools), config=TrainingConfig(epochs=50), loss=SOFTMAX,
        stop=stop, keep=keep,
    )  # fmt: skip
    while not isinstance(next(work), Epoch):
        pass
    stop.save_requested = True
    assert next(work) == Noted("saved a checkpoint")
    assert not stop.save_requested
    stop.signum = signal.SIGTERM
    with pytest.raises(StoppedError) as caught:
        tools.finish(work)
    assert caught.value.signum == signal.SIGTERM
    positions = [(each.numbers["epoch"], each.numbers["step"]) for each in keep.states]
    assert positions == [(1, 1), (1, 2)]


def test_a_signal_ends_a_training_that_has_nowhere_to_save(tools):
    stop = Stop()
    stop.signum = signal.SIGINT
    work = fit(tools.network(), batches_of(tools), config=TrainingConfig(), loss=SOFTMAX, stop=stop)
    with pytest.raises(StoppedError, match="nothing to save"):
        tools.finish(work)


def test_a_device_that_is_not_there_is_refused(tools):
    import torch

    missing = "mps" if not torch.backends.mps.is_available() else "cuda"
    config = TrainingConfig(device=missing)
    with pytest.raises(DlkitError, match=f"--device {missing}"):
        tools.finish(fit(tools.network(), batches_of(tools), config=config, loss=SOFTMAX))


def test_threads_and_determinism_are_set_while_it_runs_alone(tools):
    import torch

    seen = []

    class Watching(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(6, 3)

        def forward(self, rows):
            enabled = torch.are_deterministic_algorithms_enabled()
            seen.append((torch.get_num_threads(), enabled))
            return self.inner(rows)

    config = TrainingConfig(epochs=1, threads=2, deterministic=True)
    tools.finish(fit(Watching(), batches_of(tools), config=config, loss=SOFTMAX))
    assert set(seen) == {(2, True)}
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_a_compiled_network_learns_the_same(tools):
    import torch

    results = []
    for compiled in (False, True):
        model = tools.network()
        config = TrainingConfig(epochs=2, compile=compiled)
        tools.finish(fit(model, batches_of(tools), config=config, loss=SOFTMAX))
        results.append(weights_of(model))
    assert all(torch.allclose(results[0][name], results[1][name], atol=1e-4) for name in results[0])


def test_a_training_does_not_load_pytorchs_compiler():
    """Loading it takes longer than many a training; ``compile`` and ``deterministic`` ask."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from killed import parts\n"
        "from dlkit.training.loop import fit\n"
        "given = parts()\n"
        "for _ in fit(given.pop('model'), given.pop('batches'), **given): pass\n"
        "print(*(name for name in ('torch', 'torch._dynamo') if name in sys.modules))\n"
    )
    folder = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["torch"]


def frozen_below(tools):
    """A network whose first layer and its batch normalisation are frozen."""
    from torch import nn

    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8, bias=False),
        nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3),
    )  # fmt: skip
    for each in (*model[0].parameters(), *model[1].parameters()):
        each.requires_grad_(requires_grad=False)
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_what_is_frozen_stays_as_it_is_also_its_running_means(tools, optimizer):
    import torch

    rows, labels = tools.samples()
    torch.manual_seed(0)
    model = frozen_below(tools)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    config = TrainingConfig(
        epochs=2, batch_size=20, optimizer=optimizer, l2=0.1, l1=0.01, ema=0.9, clip=1.0, lr=0.01
    )
    batches = Batches(rows, labels, batch_size=20)
    judged = Batches(rows, labels, batch_size=50, shuffle=False)
    keep = tools.Memory(every=1)
    tools.finish(fit(model, batches, config=config, loss=SOFTMAX, validate=judged, keep=keep))
    for name, tensor in model.state_dict().items():
        frozen = name.startswith(("0.", "1."))
        assert torch.equal(tensor, before[name]) == frozen, name
    averaged = {name for name in keep.states[0].tensors if name.startswith("average.")}
    assert "average.4.running_mean" in averaged
    assert "average.0.weight" not in averaged
    gathered = {name.split(".")[1] for name in keep.states[-1].tensors if "optimizer." in name}
    assert gathered == {"0", "1", "2", "3", "4"}


def test_the_averages_have_running_means_of_their_own(tools):
    import torch

    rows, labels = tools.samples()
    model = tools.network(norm=True)
    followed = []

    class Watched(tools.Memory):
        def save(self, state):
            followed.append(state.tensors["model.1.running_var"].clone())
            super().save(state)

    keep = Watched(every=1)
    config = TrainingConfig(epochs=1, batch_size=20, lr=0.05, ema=0.7)
    tools.finish(
        fit(model, Batches(rows, labels, batch_size=20), config=config, loss=SOFTMAX, keep=keep)
    )
    expected = torch.ones(8)
    for step, each in enumerate(followed):
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * each
    assert torch.allclose(keep.states[-1].tensors["average.1.running_var"], expected)
    assert torch.allclose(model[1].running_var, expected)  # the network ends with the averages


@pytest.mark.parametrize("settings", [
    {"optimizer": "sgd", "l2": 0.1}, {"optimizer": "sgd", "l1": 0.1}, {"optimizer": "adamw"},
])  # fmt: skip
def test_a_factor_of_the_learning_rate_is_of_the_parameters_whose_names_fit(tools, settings):
    import torch

    rows, labels = tools.samples(number=20)
    batches = Batches(rows.astype(np.float64), labels, batch_size=20)
    moved = {}
    for factor in (None, 4.0):
        model = tools.network(norm=True).double()  # small ways of large weights
        before = {name: each.detach().clone() for name, each in model.named_parameters()}
        config = TrainingConfig(epochs=1, batch_size=20, lr=1e-4, eps=1e-12, **settings)
        factors = None if factor is None else {"0.*": 9.0, "*.weight": factor, "*": 1.0}
        tools.finish(fit(model, batches, config=config, loss=SOFTMAX, lr_factors=factors))
        moved[factor] = {name: each - before[name] for name, each in model.named_parameters()}
    for name, way in moved[None].items():
        times = 9.0 if name.startswith("0.") else 4.0 if name.endswith("weight") else 1.0
        if name != "0.bias":  # which batch normalisation takes away again: no gradient but rounding
            assert torch.allclose(moved[4.0][name], times * way, rtol=1e-3, atol=1e-7), name


def test_a_pattern_that_fits_nothing_is_refused(tools):
    rows, labels = tools.samples(number=20)
    batches = Batches(rows, labels, batch_size=20)
    config = TrainingConfig(epochs=1, batch_size=20)
    work = fit(
        tools.network(), batches, config=config, loss=SOFTMAX, lr_factors={"*.norm.bias": 2.0}
    )
    with pytest.raises(ValueError, match=r"like \*\.norm\.bias"):
        tools.finish(work)


def test_of_mixed_samples_the_accuracy_counts_the_share_of_the_class_answered(tools):
    import torch

    from dlkit.training.augmenting.mixing import Mixed

    class Swapped:
        mixes = True

        def __call__(self, rows, generator, epoch, places):
            count = len(rows)
            partners = torch.arange(count).flip(0)
            return Mixed(rows, partners, torch.linspace(0, 1, count))

    rows, labels = tools.samples(number=50)
    config = TrainingConfig(epochs=1, batch_size=25, optimizer="sgd", lr=1e-9)
    model = tools.network()
    with torch.no_grad():
        answers = model(torch.from_numpy(rows)).argmax(1)
    batches = Batches(rows, labels, batch_size=25, shuffle=False, augment=Swapped())
    records, fitted = tools.finish(fit(model, batches, config=config, loss=SOFTMAX))
    right = 0.0
    for start in (0, 25):
        for place in range(25):
            share = place / 24
            answer = int(answers[start + place])
            right += share * (answer == labels[start + place])
            right += (1 - share) * (answer == labels[start + 24 - place])
    assert fitted.history[0]["accuracy"] == pytest.approx(right / 50)
    told = [record for record in records if isinstance(record, Noted)]
    assert len(told) == 1
    assert "labels are mixed" in told[0].text


def test_convolutions_are_trained_channels_last_and_so_are_their_momenta(tools):
    import torch
    from torch import nn

    images = torch.rand(20, 5, 5, 3, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(36, 3))
    batches = Batches(
        images, torch.arange(20) % 3, batch_size=10, augment=lambda each, *_: each.movedim(3, 1)
    )
    keep = tools.Memory(every=1)
    config = TrainingConfig(epochs=1, batch_size=10, optimizer="sgd")
    tools.finish(fit(model, batches, config=config, loss=SOFTMAX, keep=keep))
    last = {"memory_format": torch.channels_last}
    assert model[0].weight.is_contiguous(**last)
    assert not model[0].weight.is_contiguous()
    assert keep.states[-1].tensors["optimizer.0.momentum_buffer"].is_contiguous(**last)


def test_a_processor_that_computes_in_bf16_itself_is_known():
    from dlkit.training.machine import has_bf16

    flags = Path("/proc/cpuinfo")
    if flags.exists() and "flags" in (text := flags.read_text(encoding="utf-8")):
        assert has_bf16("cpu") == ("avx512_bf16" in text or "amx_bf16" in text)
    assert not has_bf16("mps")
