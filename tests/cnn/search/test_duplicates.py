"""Copies are found: the equal ones and the near ones, told apart, as all pairs say."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.cnn.search import duplicates
from dlkit.cnn.search.duplicates import Pair, groups, pairs
from dlkit.cnn.search.whitening import normalised
from dlkit.errors import DlkitError


def last(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    rows = normalised(random.normal(size=(150, 6)))
    small = random.integers(0, 256, (150, 16, 16)).astype(np.uint8)
    small[75:] = np.clip(small[:75] + random.normal(0, 12, (75, 16, 16)), 0, 255)
    rows[75:] = normalised(rows[:75] + random.normal(0, 0.25, (75, 6)))
    digests = np.array([str(number).encode() for number in range(150)], "S16")
    return rows, small, digests


def test_near_pairs_are_all_that_are_alike_in_both(images, monkeypatch):
    rows, small, digests = images
    flat = small.reshape(150, -1).astype(float)
    both = (rows @ rows.T >= 0.9) & (np.corrcoef(flat) >= 0.9)
    expected = {(a, b) for a, b in zip(*np.nonzero(both), strict=True) if a < b}
    assert 10 < len(expected) < 75
    for tile in (7, 64, 1000):
        monkeypatch.setattr(duplicates, "_ROWS", tile)
        found = last(pairs(rows, small, digests, threshold=0.9, pixels=0.9))
        assert {each[:2] for each in found} == expected
        assert found == sorted(found)
        assert not any(each.equal for each in found)
    anyhow = last(pairs(rows, small, digests, threshold=0.9, pixels=-1))
    assert len(anyhow) > len(expected)


def test_equal_images_are_paired_with_the_first_of_them(images):
    rows, small, digests = images
    digests[[20, 30]], small[[20, 30]], rows[[20, 30]] = digests[10], small[10], rows[10]
    found = last(pairs(rows, small, digests, threshold=0.9, pixels=0.9))
    equal = [each for each in found if each.equal]
    assert equal == [Pair(10, 20, 1.0, 1.0, equal=True), Pair(10, 30, 1.0, 1.0, equal=True)]
    near = {place for each in found if not each.equal for place in each[:2]}
    assert not near & {20, 30}  # the first stands for them
    assert last(pairs(rows, small, digests, threshold=0.9, pixels=0.9, near=False)) == equal


def test_a_picture_of_one_grey_is_near_to_none(images):
    rows, small, digests = images
    small[:] = 7
    assert last(pairs(rows, small, digests, threshold=-1, pixels=0.5)) == []


def test_too_many_pairs_are_refused_with_a_narrower_search(images, monkeypatch):
    rows, small, digests = images
    monkeypatch.setattr(duplicates, "_MOST", 20)
    with pytest.raises(DlkitError, match="more than 20 pairs") as problem:
        last(pairs(rows, small, digests, threshold=-1, pixels=-1))
    assert "--threshold 0 --pixels 0" in problem.value.hint


def test_groups_hang_together_by_their_pairs():
    made = [
        Pair(4, 9, 0.95, 1, equal=False),
        Pair(1, 2, 1.0, 1, equal=True),
        Pair(2, 9, 0.91, 1, equal=False),
        Pair(5, 7, 0.99, 1, equal=False),
    ]
    first, second = groups(made)
    assert first.places == (1, 2, 4, 9)
    assert (first.equal, first.similarity) == (1, 0.91)
    assert second.places == (5, 7)
    assert groups([]) == []
