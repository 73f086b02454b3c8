"""A head learns to bring classes together that its network was not trained for, and encodes."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from PIL import Image

from dlkit.cnn.search.saved import open_index
from dlkit.cnn.search.train import build, prepare, resume, run, settle
from dlkit.encoders import open_encoder
from dlkit.errors import USAGE, DlkitError, StoppedError
from dlkit.records import Epoch


@pytest.fixture
def corners(tmp_path):
    """Class folders of bars by the half that they lie in, which the network does not care for."""
    random = np.random.default_rng(0)
    for number in range(240):
        image = random.integers(0, 90, (12, 12), dtype=np.uint8)
        left = number % 2
        row, column = random.integers(0, 11), random.integers(0, 2) + (0 if left else 5)
        image[row : row + 2, column : column + 5] = 230
        folder = tmp_path / "corners" / ("left" if left else "right")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    return tmp_path / "corners"


@pytest.mark.parametrize("loss", ["supcon", "cosface", "arcface", "triplet"])
def test_every_loss_finds_what_features_do_not_tell(here, corners, loss):
    options = {"head.loss": loss, "head.dim": 6, "head.hidden": "32", "training.epochs": 12,
               "training.batch_size": 32, "training.lr": 0.01}  # fmt: skip
    _, saved = here.drive(run(here.config(corners, **options)))
    assert saved.facts["validation_map"] > saved.facts["features_map"] + 0.05
    encoder = open_encoder(saved.reference)
    assert (encoder.dim, encoder.form.height) == (6, 12)
    images = np.zeros((3, 12, 12, 1), np.uint8)
    _, rows = here.drive(encoder.encode(images, what="images"))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_the_same_settings_give_the_same_head_and_an_index_of_it(here, corners):
    options = {"head.dim": 5, "training.epochs": 2}
    first, second = (here.drive(run(here.config(corners, **options)))[1] for _ in range(2))
    weights = [(each.path / "weights.safetensors").read_bytes() for each in (first, second)]
    assert weights[0] == weights[1]
    index = here.index(corners, features=first.reference).index
    assert index.rows.shape == (240, 5)
    assert open_index(index.path).document["features"]["artifact"] == first.reference


def test_usual_settings_stand_where_nobody_asks_for_others(here, corners):
    config = settle(here.config(corners, **{"training.epochs": 3}))
    assert (config.training.epochs, config.training.batch_size) == (3, 256)
    assert settle(here.config(corners, **{"training.optimizer": "sgd"})).training.lr is None
    with pytest.raises(DlkitError) as problem:
        settle(here.config(corners, **{"training.optimizer": "lbfgs"}))
    assert problem.value.code == USAGE
    _, ready = here.drive(prepare(config))
    model, arguments, _ = build(config, ready)
    assert arguments["classes"] == 0
    scaled = (ready.rows - model.mean.numpy()) / float(model.scale)
    assert scaled.mean() == pytest.approx(0, abs=1e-4)
    assert scaled.std() == pytest.approx(1, abs=1e-2)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(here, corners):
    options = {"head.dim": 5, "training.epochs": 4, "training.batch_size": 32}
    _, whole = here.drive(run(here.config(corners, **options)))
    work = run(here.config(corners, **options), name="again")
    while not (isinstance(record := next(work), Epoch) and record.number == 2):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StoppedError, match="search/again") as stopped:
        here.drive(work)
    assert stopped.value.hint == "dlkit cnn search train --resume --name again"
    _, again = here.drive(resume("again"))
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes()
