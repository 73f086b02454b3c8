"""Drawn scenes: boxes are the tightest, draws are by seed, part and number, some hold nothing."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.data import scenes


def test_a_box_is_the_tightest_around_what_was_drawn(monkeypatch):
    # On a flat ground and without noise, what differs from the ground is the shape.
    monkeypatch.setattr(scenes, "_background", lambda generator, size: np.full((*size, 3), 100.0))
    monkeypatch.setattr(scenes, "MOST", 1)
    for scene in scenes.draw(30, size=(72, 90), seed=2):
        differs = np.abs(scene.image.astype(int) - 100).max(axis=2) > 40
        assert differs.any() == bool(len(scene.boxes))
        if len(scene.boxes):
            rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
            seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
            # A pixel at the edge that is covered by a ninth hardly differs.
            assert np.abs(scene.boxes[0] - seen).max() < 1.4


def test_scenes_hold_several_shapes_in_the_image_or_none(drawn_many):
    counts = np.array([len(each.labels) for each in drawn_many])
    assert counts.max() > 3
    assert (counts == 0).any()
    boxes = np.concatenate([each.boxes for each in drawn_many])
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= 80).all()
    assert (boxes[:, 3] <= 64).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 2).all()
    assert set(np.concatenate([each.labels for each in drawn_many])) == set(range(10))


@pytest.fixture(scope="module")
def drawn_many():
    return scenes.draw(80, size=(64, 80), seed=1)


def test_a_scene_depends_on_seed_part_and_number_alone(drawn_many):
    again = scenes.draw(3, size=(64, 80), seed=1)
    for one, other in zip(again, drawn_many, strict=False):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.boxes, other.boxes)
    for strange in (
        scenes.draw(1, size=(64, 80), seed=2),
        scenes.draw(1, size=(64, 80), seed=1, part=1),
    ):
        assert not np.array_equal(strange[0].image, drawn_many[0].image)
