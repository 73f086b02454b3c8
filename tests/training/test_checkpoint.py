from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlkit.artifacts import runs
from dlkit.errors import DlkitError, StoppedError
from dlkit.records import Epoch
from dlkit.signals import Stop
from dlkit.training import losses
from dlkit.training.batches import Batches
from dlkit.training.checkpoint import Keeper, load
from dlkit.training.config import TrainingConfig
from dlkit.training.loop import fit

SOFTMAX = losses.build("softmax", classes=3)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "artifacts"))


def training(tools, **settings):
    rows, labels = tools.samples()
    config = TrainingConfig(**{"epochs": 40} | settings)
    batches = Batches(rows, labels, batch_size=32)
    return {"model": tools.network(), "batches": batches, "config": config, "loss": SOFTMAX}


def test_what_is_read_is_what_was_saved(tools):
    import torch

    memory = tools.Memory(every=3)
    work = fit(**training(tools, ema=0.9, optimizer="adam"), keep=memory)
    while not memory.states:
        next(work)
    work.close()
    with runs.reserve("classify", default="toy") as run:
        document = {"config": {"lr": 0.1}, "name": "数字"}
        keep = Keeper(run, command="", document=document, files={"vocab.txt": b"a\n"})
        keep.save(memory.states[0])
    with runs.resume("classify") as run:
        room, state, folder = load(run)
        assert room == document
        assert (folder / "vocab.txt").read_bytes() == b"a\n"
        assert state.numbers == memory.states[0].numbers
        assert state.tensors.keys() == memory.states[0].tensors.keys()
        for name, tensor in memory.states[0].tensors.items():
            assert torch.equal(state.tensors[name], tensor)
            assert state.tensors[name].dtype == tensor.dtype


def test_a_signal_leaves_a_checkpoint_that_training_goes_on_from(tools):
    _, whole = tools.finish(fit(**training(tools)))
    stop = Stop()
    with runs.reserve("classify", default="toy") as run:
        keep = Keeper(run, command="dlkit classify train --resume", document={})
        work = fit(**training(tools), stop=stop, keep=keep)
        while not isinstance(next(work), Epoch):
            pass
        stop.signum = signal.SIGINT
        with pytest.raises(StoppedError) as caught:
            tools.finish(work)
        assert caught.value.hint == "dlkit classify train --resume"
        assert "classify/toy is saved as far as it came" in caught.value.message
    with runs.resume("classify") as run:
        _, state, _ = load(run)
        assert (state.numbers["epoch"], state.numbers["step"]) == (1, 1)
        _, fitted = tools.finish(fit(**training(tools), state=state))
    assert fitted.history == whole.history


def test_a_long_training_saves_by_the_clock(tools):
    import torch

    class Slow(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = tools.network()

        def forward(self, rows):
            time.sleep(0.01)
            return self.inner(rows)

    memory = tools.Memory()
    parts = training(tools, epochs=2, checkpoint_minutes=0.03 / 60) | {"model": Slow()}
    begun = time.monotonic()
    tools.finish(fit(**parts, keep=memory))
    assert 3 <= len(memory.states) <= (time.monotonic() - begun) / 0.03 + 1  # busy: more steps late
    quiet = tools.Memory()
    tools.finish(fit(**training(tools, epochs=3), keep=quiet))
    assert not quiet.states  # over before the first checkpoint was worth its time


def test_a_checkpoint_of_something_else_is_refused():
    with runs.reserve("classify", default="toy") as run:
        run.save_checkpoint({"state.safetensors": b""}, {"config": {}})
        with pytest.raises(DlkitError, match="checkpoint of another dlkit") as caught:
            load(run)
        assert caught.value.code == 4


SCRIPT = Path(__file__).with_name("killed.py")


def start(home, *arguments):
    command = [sys.executable, str(SCRIPT), str(home), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed_and_resumed(folder, after, seed):
    """Kill at a random moment after so many checkpoints, go on to the end, return the digest."""
    process = start(folder, 1)
    for _ in range(after):
        assert process.stdout.readline() == "saved\n"
    time.sleep(random.Random(seed).random() * 0.02)
    process.kill()
    process.wait()
    process.stdout.close()
    again = start(folder, 1000, "resume")
    output = again.communicate()[0]
    assert again.returncode == 0
    return output.splitlines()[-1]


def test_a_killed_training_goes_on_to_the_bits_of_the_uninterrupted_one(tmp_path):
    process = start(tmp_path / "whole", 1000)
    expected = process.communicate()[0].split()[-1]
    assert process.returncode == 0
    assert killed_and_resumed(tmp_path / "killed", 61, 0) == expected
