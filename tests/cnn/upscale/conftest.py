"""Drawn images of several sizes, and networks that take no time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

# A network and a training that take a second on a slow machine.
SMALL = ("--model", "espcn", "--widths", "8,8", "--batch-size", "16", "--patch", "12",
         "--precision", "fp32", "--threads", "1")  # fmt: skip


def drawing(random, width, height, colour=True):
    """An image of sharp shapes on a slope of brightness."""
    slope = np.linspace(40, 120, width)[None, :, None] * np.ones((height, 1, 3))
    image = Image.fromarray(slope.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = random.integers(0, width), random.integers(0, height)
        side = int(random.integers(3, 14))
        fill = tuple(random.integers(0, 256, 3).tolist())
        kind = pen.ellipse if random.integers(2) else pen.rectangle
        kind([x - side, y - side, x + side, y + side // 2], fill=fill)
    return image if colour else image.convert("L")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 24 images of several sizes, without classes, some of them grey, one turned."""
    random = np.random.default_rng(5)
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(24):
        width, height = (int(side) for side in random.integers(40, 70, 2))
        image = drawing(random, width, height, colour=number % 4 > 0)
        name = f"more/{number}.png" if number % 5 == 0 else f"{number}.png"
        image.save(folder / name)
    return folder


@pytest.fixture
def network():
    """A network whose last layer is not zero, by name and arguments, in evaluation mode."""
    import torch

    from dlkit.cnn.upscale.model import build

    def make(name="espcn", *, scale=2, channels=1, seed=0, **arguments):
        if name == "edsr":
            arguments = {"blocks": 2, "width": 8, **arguments}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = build(name, scale=scale, channels=channels, **arguments)
            last = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1]
            torch.nn.init.normal_(last.weight, std=0.1)
        return model.eval()

    return make


@pytest.fixture
def one_thread():
    """PyTorch with one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def drive():
    """Runs a generator of records: they, and its result."""

    def run(work):
        records = []
        while True:
            try:
                records.append(next(work))
            except StopIteration as end:
                return records, end.value

    return run


@pytest.fixture
def small():
    """Options of a network and a training that take a second."""
    return SMALL


@pytest.fixture
def lines():
    """The objects that a command with --json told."""
    return lambda done: [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def artifact(dlkit, network, monkeypatch):
    """Puts an untrained network into the command's store, and gives the network."""
    from dlkit.artifacts.runs import reserve
    from dlkit.artifacts.tensors import write_tensors

    def make(name="x2", *, model="espcn", scale=2, channels=1, **arguments):
        made = network(model, scale=scale, channels=channels, **arguments)
        weights = {key: each.numpy() for key, each in made.state_dict().items()}
        document = {
            "task": "upscale", "kind": "upscaler", "scale": scale, "seed": 1,
            "model": {"name": model, "scale": scale, "channels": channels, **arguments},
            "parameters": sum(each.numel() for each in made.parameters()),
            "data": {"name": "none", "fingerprints": {}}, "scores": {},
        }  # fmt: skip
        monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
        with reserve("upscale", name, default=name) as run:
            run.commit(document, {"weights.safetensors": write_tensors(weights)})
        return made

    return make
