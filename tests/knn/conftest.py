"""Small data sets and oracles for the tests of knn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlkit.knn.config import KnnConfig
from dlkit.knn.prepare import prepare
from dlkit.progress import follow

NAMES = ("black", "white", "灰")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder train|test/CLASS/NUMBER.png of 6x6 noise, dark, bright or between."""
    random = np.random.default_rng(7)
    folder = tmp_path / "pictures"
    for split, count in (("train", 8), ("test", 4)):
        for name, (low, high) in zip(NAMES, ((0, 90), (160, 255), (80, 170)), strict=True):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(low, high, (6, 6), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A csv file of three numbers and a class, 150 rows; some numbers are equal in many rows."""
    random = np.random.default_rng(3)
    path = tmp_path / "table.csv"
    lines = ["long,wide,high,kind"]
    for _ in range(150):
        kind = int(random.integers(3))
        numbers = random.normal(kind, 0.8, 3).round(1)
        lines.append(",".join(map(str, numbers)) + "," + ("ant", "bee", "cat")[kind])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def prepared():
    """Data read and made rows of, as the commands do it."""

    def read(*data: str, **settings: object):
        return follow(prepare(KnnConfig(data=data, **settings)), mode="off", quiet=True)

    return read
