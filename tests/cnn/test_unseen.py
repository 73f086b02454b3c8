"""The test split teaches nothing; blocks of near copies are judged by whole."""

from __future__ import annotations

import shutil

import numpy as np
from PIL import Image

from dlkit.cnn.prepare import moments


def bits_of(found):
    return b"".join(each.detach().numpy().tobytes() for each in found.model.state_dict().values())


def test_a_poisoned_test_split_changes_no_bit(trained, pictures):
    options = {"training.epochs": 2, "augment": "flip,crop:1"}
    clean = bits_of(trained(pictures, **options))
    for name in ("flat", "竖"):
        for path in (pictures / "test" / name).iterdir():
            Image.fromarray(np.full((12, 12), 255, np.uint8)).save(path)
    assert bits_of(trained(pictures, **options)) == clean
    shutil.rmtree(pictures / "test")  # now a part of the training split is held out
    assert bits_of(trained(pictures, **options)) != clean


def test_pixels_are_scaled_by_what_is_learnt_from_alone(trained, pictures):
    found = trained(pictures, **{"training.epochs": 1})
    learnt = found.ready.train.images.astype(np.float64) / 255
    np.testing.assert_allclose(found.ready.mean, learnt.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(found.ready.std, learnt.std(axis=(0, 1, 2)), rtol=1e-9)
    mean, std = moments(np.full((3, 4, 4, 2), 51, np.uint8))
    np.testing.assert_allclose(mean, (0.2, 0.2))
    assert std == (1.0, 1.0)


def test_blocks_of_samples_that_follow_one_another_stay_together(trained, pictures):
    options = {"training.epochs": 1, "validation_blocks": 10, "training.validation": 0.2}
    ready = trained(pictures, **options).ready
    sides = [set(ready.train.groups), set(ready.validation.groups)]
    assert not sides[0] & sides[1]
    assert 0.1 < len(ready.validation) / 240 < 0.3
    # The files of a class lie in the order of their names: ten of them are a block.
    for name in ("flat", "竖"):
        of_class = sorted((pictures / "train" / name).iterdir())
        judged = {path for path in ready.validation.paths if f"/{name}/" in path}
        for start in range(0, len(of_class), 10):
            block = {str(path) for path in of_class[start : start + 10]}
            assert len(block & judged) in (0, len(block))
