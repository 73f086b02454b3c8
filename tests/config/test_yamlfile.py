"""Recipes as text: what YAML would guess or let grow is refused or stays text."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlkit.config import yamlfile
from dlkit.errors import USAGE, DlkitError


def parse(text: str):
    return yamlfile.parse(text, where="r.yaml")


def test_scalars_stay_text_whatever_yaml_would_make_of_them():
    text = "a: 1e-3\nb: 010\nc: NO\nd: 12:30:45\ne: 饭\nf: '~'\ng: ~\nh: on"
    assert parse(text) == {
        "a": "1e-3",
        "b": "010",
        "c": "NO",
        "d": "12:30:45",
        "e": "饭",
        "f": "~",
        "g": None,
        "h": "on",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands twice"),
        ("a: {b: 1, b: 2}", "the key 'b' stands twice"),
        ("a: &x 1", "anchors"),
        ("a: *x", "anchors"),
        ("a: !!python/object/apply:os.system [ls]", "tags"),
        ("a: !!int 3", "tags"),
        ("[" * 100_000, "nested deeper than 20"),
        ("{a: " * 100_000, "nested deeper than 20"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("- 1", "no settings"),
        ("just words", "no settings"),
        ("? [1, 2]\n: 3", "a key must be a name"),
        ("a: 'open", "line 1"),
        ("\ta: 1", "line 1"),
    ],
)
def test_what_settings_do_not_need_is_refused_with_its_place(text: str, words: str):
    with pytest.raises(DlkitError) as caught:
        parse(text)
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.code == USAGE


def test_a_laughing_recipe_costs_no_time():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    start = time.perf_counter()
    with pytest.raises(DlkitError, match="anchors"):
        parse(bomb)
    assert time.perf_counter() - start < 1


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfdim: 3\n")
    assert yamlfile.read(path) == {"dim": "3"}


def test_a_recipe_of_100_mb_is_refused_unread(tmp_path):
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(DlkitError, match="larger than"):
        yamlfile.read(path)


def test_a_recipe_in_another_encoding_is_refused_with_the_command_that_mends_it(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes("name: 饭".encode("gb18030"))
    with pytest.raises(DlkitError, match="not UTF-8 at byte 6") as caught:
        yamlfile.read(path)
    assert caught.value.hint.startswith("iconv")


def stringly(value):
    if isinstance(value, dict):
        return {key: stringly(each) for key, each in value.items()}
    return [stringly(each) for each in value] if isinstance(value, list) else str(value)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
trees = st.dictionaries(
    words,
    st.recursive(
        st.integers() | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@given(trees)
def test_what_pyyaml_writes_is_read_back_as_text(tree):
    assert parse(yaml.safe_dump(tree, allow_unicode=True)) == stringly(tree)


@settings(max_examples=500)
@given(st.text("a1:-[]{},&*!|>'\"%@`#?~ \n\t\\é饭", max_size=60))
@example("a: !<tag:yaml.org,2002:str> x")
def test_no_text_escapes_as_another_exception(text: str):
    try:
        result = parse(text)
    except DlkitError as problem:
        told = problem.message
    else:
        assert isinstance(result, dict)
        told = ""
    assert "\n" not in told
