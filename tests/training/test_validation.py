from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlkit.training.validation import split

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=80)


@given(LABELS, st.floats(0.01, 0.9), st.integers(0, 5))
def test_each_class_gives_its_share_at_least_one_and_never_all(labels, share, seed):
    labels = np.array(labels)
    train, judged = split(labels, share, seed=seed)
    assert np.array_equal(np.sort(np.concatenate([train, judged])), np.arange(len(labels)))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(judged) > 0)
    for each in np.unique(labels):
        size, taken = (labels == each).sum(), (labels[judged] == each).sum()
        if size == 1:
            assert taken == 0
        else:
            assert 1 <= taken < size
            assert abs(taken - share * size) <= 1


@given(LABELS, st.data())
def test_groups_are_never_divided_and_no_class_is_left_without_samples(labels, data):
    labels = np.array(labels)
    groups = data.draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=len(labels)))
    train, judged = split(labels, 0.3, seed=1, groups=groups)
    assert not {groups[place] for place in train} & {groups[place] for place in judged}
    assert len(train) + len(judged) == len(labels)
    assert set(labels[train]) == set(labels)


def test_groups_come_near_to_the_share():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 3000), rng.integers(0, 300, 3000)
    _, judged = split(labels, 0.2, seed=1, groups=groups)
    assert np.all(np.abs(np.bincount(labels[judged]) / np.bincount(labels) - 0.2) < 0.02)


def test_names_may_be_groups_and_no_share_takes_nothing():
    names = ["张三", "张三", "李四", "李四", "王五", "王五"]
    _, judged = split([0, 1, 0, 1, 0, 1], 1 / 3, seed=0, groups=names)
    assert len(judged) == 2
    train, judged = split([0, 1, 1], 0, seed=0)
    assert list(train) == [0, 1, 2]
    assert len(judged) == 0


def test_the_choice_depends_on_the_seed_alone():
    labels = np.arange(200) % 3
    first = split(labels, 0.25, seed=7)[1]
    assert np.array_equal(first, split(labels, 0.25, seed=7)[1])
    assert not np.array_equal(first, split(labels, 0.25, seed=8)[1])
