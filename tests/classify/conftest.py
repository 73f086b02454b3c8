"""Small data sets for the tests of classify, and trainings within this process."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

NAMES = ("black", "white", "灰")
GOOD = ("好吃", "喜欢", "干净", "很快")
BAD = ("难吃", "失望", "脏", "太慢")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder train|test/CLASS/NUMBER.png of 6x6 noise, dark, bright or between."""
    random = np.random.default_rng(7)
    folder = tmp_path / "pictures"
    for split, count in (("train", 20), ("test", 6)):
        for name, (low, high) in zip(NAMES, ((0, 90), (160, 255), (80, 170)), strict=True):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(low, high, (6, 6), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A csv file of three numbers of very different sizes, a word, and a class; 150 rows."""
    random = np.random.default_rng(3)
    path = tmp_path / "table.csv"
    lines = ["long,wide,high,colour,kind"]
    for _ in range(150):
        kind = int(random.integers(3))
        numbers = random.normal(kind, 0.8, 3) * (1, 1000, 0.01)
        colour = ("red", "green")[int(random.random() < 0.3 * kind)]
        lines.append(",".join(map(str, numbers)) + f",{colour},{('ant', 'bee', 'cat')[kind]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A tsv file of 120 short Chinese texts with a class, good or bad."""
    random = np.random.default_rng(5)
    path = tmp_path / "texts.tsv"
    lines = ["text\tlabel"]
    for number in range(120):
        words = random.choice(GOOD if number % 2 else BAD, 3)
        lines.append(f"这家店第{number}次，{'，'.join(words)}\t{('bad', 'good')[number % 2]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _drive(work):
    """All records of a generator, and its result."""
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            return records, end.value


@pytest.fixture(autouse=True)
def one_thread():
    """PyTorch with one thread, as the commands are told to have."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def trained():
    """Reads data and trains within this process: the settings, the data, what was trained."""

    def train(*data, **options):
        from dlkit.classify.config import ClassifyConfig
        from dlkit.classify.fitting import train as work
        from dlkit.classify.prepare import prepare, settle
        from dlkit.config.resolve import resolve

        config = resolve(ClassifyConfig, options={"data": list(map(str, data)), **options})
        records, ready = _drive(prepare(config))
        config = settle(config, ready)
        more, found = _drive(work(config, ready, None))
        return SimpleNamespace(config=config, ready=ready, records=[*records, *more], **vars(found))

    return train


@pytest.fixture
def drive():
    """Runs a generator of records: they, and its result."""
    return _drive


@pytest.fixture
def lines():
    """The objects that a command with --json told."""
    return lambda done: [json.loads(line) for line in done.stdout.splitlines()]
