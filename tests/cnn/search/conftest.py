"""A trained network for the tests of cnn search, and photographs to look through."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image


def bars(random, count, side=12):
    """Grey images (N, side, side) of noise with a bar somewhere, and which of them lie flat."""
    images = random.integers(0, 90, (count, side, side), dtype=np.uint8)
    flat = random.integers(0, 2, count)
    for image, lies in zip(images, flat, strict=True):
        row, column = random.integers(0, side - 1), random.integers(0, side - 6)
        picture = image if lies else image.T
        picture[row : row + 2, column : column + 6] = random.integers(170, 255)
    return images, flat


@pytest.fixture(scope="session")
def bar_folder(tmp_path_factory) -> Path:
    """A folder train|test/CLASS/NUMBER.png: bars that lie or stand, anywhere on noise."""
    random = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("bars") / "bars"
    for split, count in (("train", 160), ("test", 40)):
        images, flat = bars(random, count)
        for name in ("flat", "竖"):
            (folder / split / name).mkdir(parents=True)
        for number, (image, lies) in enumerate(zip(images, flat.tolist(), strict=True)):
            Image.fromarray(image).save(
                folder / split / ("flat" if lies else "竖") / f"{number:03}.png"
            )
    return folder


@pytest.fixture(scope="session")
def network(tmp_path_factory, bar_folder) -> Path:
    """The folder of an artifact of cnn that tells lying bars from standing ones."""
    import torch

    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.train import run
    from dlkit.config.resolve import resolve

    config = resolve(
        CnnConfig,
        options={
            "data": [str(bar_folder)], "model": "plain", "network.widths": "8,16",
            "network.convolutions": "1", "network.hidden": "none", "training.batch_size": 16,
            "training.epochs": 8, "training.threads": 1,
        },
    )  # fmt: skip
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLKIT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        work = run(config, name="bars")
        while True:
            try:
                next(work)
            except StopIteration as end:
                torch.set_num_threads(before)
                return end.value.path


@pytest.fixture
def home(dlkit, network) -> Path:
    """The artifacts' folder of the commands, with the network in it."""
    shutil.copytree(network, dlkit.home / "cnn" / "bars")
    return dlkit.home


@pytest.fixture
def here(home, dlkit, monkeypatch) -> SimpleNamespace:
    """Indexes made within this process, in the commands' folder of artifacts."""
    import torch

    monkeypatch.setenv("DLKIT_HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", dlkit.environment["XDG_CACHE_HOME"])
    monkeypatch.chdir(dlkit.folder)
    before = torch.get_num_threads()
    torch.set_num_threads(1)

    def drive(work):
        """All records of a generator, and its result."""
        records = []
        while True:
            try:
                records.append(next(work))
            except StopIteration as end:
                return records, end.value

    def config(*data, **options):
        from dlkit.cnn.search.config import SearchConfig
        from dlkit.config.resolve import resolve

        given = {"data": list(map(str, data)), "features": "cnn/bars", "training.threads": 1}
        return resolve(SearchConfig, options=given | options)

    def index(*data, name=None, **options):
        from dlkit.cnn.search.indexing import index as work
        from dlkit.cnn.search.saved import open_index

        records, saved = drive(work(config(*data, **options), name=name))
        found = open_index(saved.path)
        return SimpleNamespace(records=records, saved=saved, index=found)

    yield SimpleNamespace(drive=drive, config=config, index=index, home=home)
    torch.set_num_threads(before)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Photographs of differing sizes in one folder, of which nothing names classes."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(3)
    for number in range(24):
        blocks = random.integers(0, 255, (6, 6, 3))
        image = np.kron(blocks, np.ones((12, 12, 1))) + random.normal(0, 6, (72, 72, 3))
        image = np.clip(image, 0, 255).astype(np.uint8)
        Image.fromarray(image[:, : 60 + number % 3]).save(folder / f"{number:02}.png")
    return folder
