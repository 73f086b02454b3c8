"""Settings from option, --set, recipe and default: the order, the types, the messages."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from dlkit.config.resolve import resolve, to_yaml
from dlkit.config.schema import Settings
from dlkit.errors import USAGE, DlkitError


class Inner(Settings):
    depth: int = Field(default=2, ge=1)
    title: str = "none"


class Outer(Settings):
    rate: float = Field(default=0.1, gt=0)
    seed: int = 1
    fast: bool = False
    mode: Literal["a", "b"] = "a"
    widths: tuple[int, ...] = ()
    limit: int | None = None
    data: tuple[str, ...] = ()
    inner: Inner = Inner()


def from_text(tmp_path: Path, text: str, **more) -> Outer:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return resolve(Outer, recipe=path, **more)


def test_option_beats_set_beats_recipe_beats_default(tmp_path):
    text = "rate: 2\nseed: 2\nmode: b\ninner: {depth: 2}"
    got = from_text(
        tmp_path, text, sets=["rate=3", "seed=3", "inner.depth=3"], options={"rate": 4.0}
    )
    assert (got.rate, got.seed, got.mode, got.inner.depth) == (4.0, 3, "b", 3)
    assert got.inner.title == "none"


def test_text_becomes_what_the_field_is(tmp_path):
    got = from_text(
        tmp_path, "rate: 1e-3\nseed: 7\nfast: true\nwidths: 256,128\ninner: {title: 010}"
    )
    assert got.rate == 0.001
    assert (got.seed, got.fast, got.widths, got.inner.title) == (7, True, (256, 128), "010")


@pytest.mark.parametrize("text", ["[3,5]", " [ 3, 5 ] ", "3,5", "3, 5,", "['3', \"5\"]"])
def test_set_takes_a_list_as_recipes_have_it(text):
    assert resolve(Outer, sets=[f"widths={text}"]).widths == (3, 5)


def test_a_value_of_set_may_hold_equals_signs():
    assert resolve(Outer, sets=["inner.title=a=b"]).inner.title == "a=b"


def test_an_option_that_was_not_given_changes_nothing():
    assert resolve(Outer, sets=["seed=5"], options={"seed": None}).seed == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 010", "seed: '010' may mean 10 or an octal number"),
        ("fast: NO", "fast: must be true or false, not 'NO'"),
        ("fast: on", "fast: must be true or false, not 'on'"),
        ("seed: 12:30:45", "seed: must be a whole number, not 12:30:45"),
        ("seed: 1.5", "seed: must be a whole number, not 1.5"),
        ("seed: 1_000", "seed: must be a number, not '1_000'"),
        ("rate: nan", "rate: must be a finite number, not nan"),
        ("rate: inf", "rate: must be a finite number, not inf"),
        ("rate: 0", "rate: must be greater than 0.0, not 0"),
        ("inner: {depth: 0}", "inner.depth: must be at least 1, not 0"),
        ("mode: c", "mode: must be one of 'a' or 'b', not c"),
        ("inner: 3", "inner"),
        ("seed:", "seed: must be a whole number, not None"),
    ],
)
def test_a_wrong_value_is_told_with_key_reason_and_value(tmp_path, text: str, words: str):
    with pytest.raises(DlkitError) as caught:
        from_text(tmp_path, text)
    assert words in caught.value.message
    assert caught.value.code == USAGE


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(DlkitError) as caught:
        from_text(tmp_path, "rate: x\nseed: y\nfats: true")
    for key in ("rate", "seed", "fats"):
        assert key in caught.value.message


def test_an_unknown_key_is_answered_with_the_nearest_and_its_default(tmp_path):
    with pytest.raises(DlkitError, match=r"sed: unknown key") as caught:
        from_text(tmp_path, "sed: 1")
    assert caught.value.hint == "did you mean seed (default: 1)?"
    with pytest.raises(DlkitError, match=r"--set.*unknown key") as caught:
        resolve(Outer, sets=["inner.dept=1"])
    assert caught.value.hint == "did you mean depth (default: 2)?"


@pytest.mark.parametrize("assignment", ["seed", "=3", "seed.x=3", ""])
def test_a_malformed_assignment_is_refused(assignment: str):
    with pytest.raises(DlkitError) as caught:
        resolve(Outer, sets=["seed=1", assignment])
    assert caught.value.code == USAGE


def test_paths_in_a_recipe_are_relative_to_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "corpus.txt").write_text("x", encoding="utf-8")
    monkeypatch.chdir("/")
    got = from_text(tmp_path, "data: [corpus.txt, 'builtin:reviews']")
    assert got.data == (str((tmp_path / "corpus.txt").resolve()), "builtin:reviews")


@given(
    st.builds(
        Outer,
        rate=st.floats(min_value=1e-300, max_value=1e300),
        seed=st.integers(),
        fast=st.booleans(),
        widths=st.lists(st.integers()).map(tuple),
        inner=st.builds(Inner, depth=st.integers(min_value=1), title=st.text()),
    )
)
@example(Outer(inner=Inner(title="a\x85b\u2028c")))
def test_settings_written_as_yaml_are_read_back_equal(tmp_path_factory, outer: Outer):
    path = tmp_path_factory.mktemp("yaml") / "config.yaml"
    path.write_text(to_yaml(outer), encoding="utf-8")
    assert resolve(Outer, recipe=path) == outer
