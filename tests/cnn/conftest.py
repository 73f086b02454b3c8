"""Small sets of images for the tests of cnn, and trainings within this process."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

# A network and a training that take a second on a slow machine.
SMALL = ("--model", "plain", "--widths", "8,16", "--convolutions", "1", "--hidden", "none",
         "--batch-size", "16", "--threads", "1")  # fmt: skip


def bars(random, count, side=12):
    """Grey images (N, side, side) of noise with a bar at a random place, and which lie flat."""
    images = random.integers(0, 90, (count, side, side), dtype=np.uint8)
    flat = random.integers(0, 2, count)
    for image, lies in zip(images, flat, strict=True):
        row, column = random.integers(0, side - 1), random.integers(0, side - 6)
        picture = image if lies else image.T
        picture[row : row + 2, column : column + 6] = random.integers(170, 255)
    return images, flat


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder train|test/CLASS/NUMBER.png: bars that lie or stand, anywhere on noise."""
    random = np.random.default_rng(7)
    folder = tmp_path / "pictures"
    for split, count in (("train", 240), ("test", 60)):
        images, flat = bars(random, count)
        for name in ("flat", "竖"):
            (folder / split / name).mkdir(parents=True)
        for number, (image, lies) in enumerate(zip(images, flat.tolist(), strict=True)):
            name = "flat" if lies else "竖"
            Image.fromarray(image).save(folder / split / name / f"{number:03}.png")
    return folder


def _drive(work):
    """All records of a generator, and its result."""
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            return records, end.value


@pytest.fixture
def drive():
    """Runs a generator of records: they, and its result."""
    return _drive


@pytest.fixture
def one_thread():
    """PyTorch with one thread, as the commands are told to have."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def trained(one_thread):
    """Reads data and trains within this process: the settings, the data, what was trained."""

    def train(*data, **options):
        from dlkit.cnn.config import CnnConfig
        from dlkit.cnn.fitting import train as work
        from dlkit.cnn.prepare import prepare, settle
        from dlkit.config.resolve import resolve

        small = {
            "model": "plain", "network.widths": "8,16", "network.convolutions": "1",
            "network.hidden": "none", "training.batch_size": 16, "training.threads": 1,
        }  # fmt: skip
        config = resolve(CnnConfig, options={"data": list(map(str, data)), **small, **options})
        records, ready = _drive(prepare(config))
        more, config = _drive(settle(config, ready))
        last, found = _drive(work(config, ready, None))
        records = [*records, *more, *last]
        return SimpleNamespace(config=config, ready=ready, records=records, **vars(found))

    return train


@pytest.fixture
def small():
    """Options of a network and a training that take a second."""
    return SMALL


@pytest.fixture
def lines():
    """The objects that a command with --json told."""
    return lambda done: [json.loads(line) for line in done.stdout.splitlines()]
