from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.artifacts import names
from dlkit.artifacts.names import check_file_name, check_name, name_from, numbered, split_reference
from dlkit.errors import DAMAGED, USAGE, DlkitError

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:",
    "C:\\x",
    "c:x",
    "a\0b",
    "a\nb",
    "a\x1b[31mb",
    "a\x7fb",
    "a\x85b",
    "CON",
    "con",
    "nul.txt",
    "Aux",
    "COM1",
    "lpt9.tar.gz",
    "COM¹",
    "a\u2044b",
    "a\u2215b",
    "a\uff0fb",
    "a\u29f8b",
    "a\uff3cb",
    ".hidden",
    "-x",
    " x",
    "x ",
    "x.",
    "e\u0301",
    "x\u202egpj",
    "x\u2028y",
    "x\u00a0y",
    "x\u200by",
    "\udc80",
    "x" * 101,
    "饭" * 34,
    "a?b",
    "a*b",
    'a"b',
    "a|b",
    "a<b",
]
FINE = [
    "a",
    "wiki",
    "wiki-2",
    "my run",
    "语料",
    "饭" * 33,
    "x" * 100,
    "a.b",
    "café",
    "v1.0_final",
    "CONTENT",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_leave_the_store_or_break_a_system_is_refused(name: str) -> None:
    with pytest.raises(DlkitError) as caught:
        check_name(name)
    assert caught.value.code == USAGE
    assert "\n" not in caught.value.message
    with pytest.raises(DlkitError) as caught:
        check_file_name(f"figures/{name}")
    assert caught.value.code == DAMAGED


@pytest.mark.parametrize("name", FINE)
def test_names_of_any_script_are_fine(name: str) -> None:
    assert check_name(name) == name
    assert check_file_name(name) == name
    assert check_file_name(f"figures/{name}") == f"figures/{name}"


@given(st.text(max_size=120))
def test_an_accepted_name_is_one_visible_folder_of_the_store(name: str) -> None:
    try:
        check_name(name)
    except DlkitError:
        return
    path = Path("/store/task") / name
    assert path.parent == Path("/store/task")
    assert path.name == name
    assert not name.startswith((".", "-"))
    assert name.isprintable()
    assert 1 <= len(name.encode()) <= 100
    assert unicodedata.is_normalized("NFC", name)


@pytest.mark.parametrize(
    "name", ["MANIFEST", "figures", "a/b", "figures/a/b", "/figures/a", "figures//a"]
)
def test_only_figures_may_be_nested(name: str) -> None:
    with pytest.raises(DlkitError):
        check_file_name(name)


def test_a_reference_is_split_into_task_and_name() -> None:
    assert split_reference("wiki") == (None, "wiki")
    assert split_reference("word2vec/wiki") == ("word2vec", "wiki")
    for wrong in ("a/b/c", "/x", "x/", "../x"):
        with pytest.raises(DlkitError):
            split_reference(wrong)


@given(st.text(max_size=200))
def test_any_text_becomes_a_valid_name(text: str) -> None:
    assert check_name(name_from(text, fallback="run"))


def test_a_good_text_stays_as_it_is() -> None:
    assert name_from("语料 2026", fallback="run") == "语料 2026"
    assert name_from("../../x", fallback="run") == "x"
    assert name_from("...", fallback="run") == "run"


@pytest.mark.parametrize("name", ["a", "x" * 100, "饭" * 33])
def test_numbered_names_are_valid_and_distinct(name: str) -> None:
    first = list(itertools.islice(numbered(name), 1200))
    assert first[0] == name
    assert first[1].endswith("-2")
    assert len(set(first)) == 1200
    assert all(check_name(each) for each in first)


def test_a_path_is_told_from_a_name() -> None:
    assert all(map(names.looks_like_path, ["./a", "../a", "/a", "~/a", "a/b/c"]))
    assert not any(map(names.looks_like_path, ["a", "word2vec/a"]))
