"""Images that memory does not hold are learnt from, and asked about, as all others are."""

from __future__ import annotations

import numpy as np

from dlkit.cnn.asking import scores_of


def test_mapped_images_give_the_same_bits(trained, pictures, drive, monkeypatch):
    options = {"training.epochs": 2, "augment": "flip,crop:1"}
    held = trained(pictures, **options)
    monkeypatch.setattr("dlkit.training.sources.memory_for_arrays", lambda: 0)
    monkeypatch.setattr("dlkit.data.arrays.memory_for_arrays", lambda: 0)
    mapped = trained(pictures, **options)
    images = mapped.ready.train.images
    assert isinstance(images, np.memmap)
    states = [each.model.state_dict() for each in (held, mapped)]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
    found = [drive(scores_of(each.model, images))[1] for each in (held, mapped)]
    assert found[0].tobytes() == found[1].tobytes()
