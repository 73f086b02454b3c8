"""What is for learning and what for judging, and what leaks from one to the other."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.config import SampleConfig
from dlkit.data.labels import class_names, match_classes, natural
from dlkit.data.samples import digests_of, split_of
from dlkit.data.splits import choose_splits, duplicates, hold_out, limited, tell_held_out
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Warned


def made(texts: list[str], labels) -> object:
    return split_of(list(texts), np.array(labels, np.int64), [f"t:{i}" for i in range(len(texts))])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=120),
    st.floats(0.05, 0.95),
    st.randoms(use_true_random=False),
)
def test_holding_out_depends_on_content_alone_and_parts_no_equal_contents(pairs, share, random):
    # Equal contents have one class, but for the first of them deciding.
    of_content = dict(reversed(pairs))
    pairs = [(content, of_content[content]) for content, _ in pairs]
    texts, labels = [str(content) for content, _ in pairs], np.array([c for _, c in pairs])
    train, test = hold_out(digests_of(texts), labels, share)
    assert sorted([*train, *test]) == list(range(len(pairs)))
    assert not {texts[i] for i in train} & {texts[i] for i in test}
    for each in set(labels.tolist()):
        contents = {texts[i] for i in np.flatnonzero(labels == each)}
        held = {texts[i] for i in test if labels[i] == each}
        wanted = min(max(1, round(share * len(contents))), len(contents) - 1)
        assert len(held) == (wanted if len(contents) > 1 else 0)
    order = list(range(len(pairs)))
    random.shuffle(order)
    _, again = hold_out(digests_of([texts[i] for i in order]), labels[order], share)
    assert {texts[order[i]] for i in again} == {texts[i] for i in test}


def test_nothing_to_hold_out_is_told():
    labels = np.arange(4)
    train, test = hold_out(digests_of(list("abcd")), labels, 0.2)
    assert not len(test)
    with pytest.raises(DlkitError, match="too small for a test split"):
        list(tell_held_out(labels, train, test, where="x"))


def test_classes_that_stay_whole_are_told():
    labels = np.array([0] * 10 + [1])
    parts = hold_out(digests_of(list("abcdefghijk")), labels, 0.2)
    said = "\n".join(record.text for record in tell_held_out(labels, *parts, where="x"))
    assert "2 samples of 11 held out" in said
    assert "1 class with one sample" in said


def test_equal_contents_are_counted_within_and_across_splits():
    splits = {
        "train": made(["a", "b", "a", "c", "b"], [0, 0, 1, 0, 0]),
        "test": made(["c", "x", "a"], [1, 0, 0]),
    }
    records = list(duplicates(splits))
    assert [type(record) for record in records] == [Noted, Warned]
    assert "2 training samples equal to an earlier one, 1 of them of another class" in (
        records[0].text
    )
    assert "2 of the 3 test samples are in training, too" in records[1].text
    assert "1 of another class" in records[1].text
    assert "t:0" in records[1].text
    assert not list(duplicates({"train": made(["a"], [0]), "test": made(["b"], [0])}))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=200), st.integers(1, 220), st.integers(0, 9)
)
def test_a_limit_keeps_proportions_order_and_its_seed(labels, limit, seed):
    labels = np.array(labels)
    places = limited(labels, limit, seed=seed)
    if limit >= len(labels):
        assert places is None
        return
    assert len(places) == limit == len(set(places.tolist()))
    assert (np.diff(places) > 0).all()
    for each in set(labels.tolist()):
        share = (labels == each).sum() * limit / len(labels)
        assert abs((labels[places] == each).sum() - share) <= 1.5
    assert np.array_equal(places, limited(labels, limit, seed=seed))


@pytest.mark.parametrize(
    ("names", "config", "wanted"),
    [
        (["train", "test"], {}, {"train": "train", "test": "test"}),
        (["train"], {}, {"train": "train"}),
        (["only"], {}, {"train": "only"}),
        (["train", "validation"], {}, {"train": "train", "test": "validation"}),
        (
            ["test", "train", "validation"],
            {},
            {"train": "train", "test": "test", "validation": "validation"},
        ),
        (["a", "b"], {"train_split": "b", "test_split": "a"}, {"train": "b", "test": "a"}),
        (["train", "x"], {"test_split": "x"}, {"train": "train", "test": "x"}),
        (["a", "b"], {"test_split": "a"}, {"train": "b", "test": "a"}),
        (["test", "train"], {"train_split": "test"}, {"train": "test"}),
    ],
)
def test_splits_are_chosen_by_name(names, config, wanted):
    assert choose_splits(names, SampleConfig(**config), where="x")[0] == wanted


@pytest.mark.parametrize(
    ("names", "config", "said"),
    [
        (["a", "b"], {}, "no split train"),
        (["train"], {"test_split": "b"}, "no such split"),
        (["train"], {"train_split": "train", "test_split": "train"}, "training split, too"),
    ],
)
def test_splits_that_are_not_there_are_refused(names, config, said):
    with pytest.raises(DlkitError, match=re.escape(said)) as caught:
        choose_splits(names, SampleConfig(**config), where="x")
    assert config == {} or caught.value.code == USAGE


def test_what_is_not_read_is_said():
    _, notes = choose_splits(["train", "test", "extra"], SampleConfig(), where="x")
    assert notes == ["x: extra not read"]


def test_names_sort_as_a_person_sorts_them():
    names = ["b", "a10", "a2", "10", "9", "a", "猫", "00", "-1", "-10"]
    wanted = ["-10", "-1", "00", "9", "10", "a", "a2", "a10", "b", "猫"]
    assert sorted(names, key=natural) == wanted
    for names in (["0", "00", "000", "-0"], ["-0", "000", "00", "0"]):
        classes, _ = list(match_classes({"train": names}))[-1]
        assert classes == ("-0", "0", "00", "000")  # alike, so by their characters


def test_labels_follow_names_not_places():
    work = match_classes({"train": ["x", "y", "x"], "test": ["y"]}, ["y", "x"])
    classes, labels = list(work)[-1]
    assert classes == ("y", "x")
    assert labels["train"].tolist() == [1, 0, 1]
    assert labels["test"].tolist() == [0]


def test_cells_name_classes():
    values = [3, 3.0, "3", True, None, float("nan"), " ", np.int64(4)]
    assert class_names(values, None, where="label", places=["p"] * 8) == [
        "3",
        "3",
        "3",
        "true",
        None,
        None,
        None,
        "4",
    ]
    assert class_names([1, -1, 0], ["a", "b"], where="l", places=list("pqr")) == ["b", None, "a"]
    for value in (1.5, [1], {"a": 1}):
        with pytest.raises(DlkitError, match=r"^here: label: "):
            class_names([value], None, where="label", places=["here"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
def test_equal_contents_of_several_classes_are_held_out_alike_in_any_order(pairs, random):
    held = []
    for _ in range(2):
        texts, labels = [str(c) for c, _ in pairs], np.array([label for _, label in pairs])
        _, test = hold_out(digests_of(texts), labels, 0.3)
        held.append(sorted((texts[i], labels[i].item()) for i in test))
        pairs = random.sample(pairs, len(pairs))
    assert held[0] == held[1]


def test_a_content_is_of_the_class_that_most_of_its_samples_have():
    # A class of one content keeps it: if the shared content were of class 0, b would stay.
    for shared in map(str, range(20)):
        texts, labels = [shared, shared, shared, "a", "b"], np.array([0, 1, 1, 0, 1])
        _, test = hold_out(digests_of(texts), labels, 0.5)
        held = {texts[i] for i in test}
        assert len(held & {shared, "b"}) == 1
        assert "a" not in held
        _, test = hold_out(digests_of(texts[:2] + texts[3:]), labels[[0, 1, 3, 4]], 0.5)
        assert "b" not in {[shared, shared, "a", "b"][i] for i in test}  # of two the lowest number


def test_the_words_for_how_many_are_somewhere_else_too():
    train = made(["a", "b", "c"], [0, 0, 0])
    for texts, said in (
        (["a"], "the one test sample is in training, too"),
        (["a", "b"], "all 2 test samples are in training, too"),
        (["a", "x"], "1 of the 2 test samples is in training, too"),
    ):
        records = list(duplicates({"train": train, "test": made(texts, [0] * len(texts))}))
        assert records[-1].text.startswith(said)


def test_equal_samples_are_not_called_one_sample():
    labels = np.zeros(4, np.int64)
    parts = hold_out(digests_of(list("aaaa")), labels, 0.2)
    with pytest.raises(DlkitError, match="no class has two samples that differ"):
        list(tell_held_out(labels, *parts, where="x"))
