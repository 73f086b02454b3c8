"""Normalisation is the same for corpora and queries, and changes nothing the second time."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlkit.data.normalise import Normaliser, compose, mark_class

ALL = [Normaliser(lowercase=low, drop_punctuation=drop) for low in (0, 1) for drop in (0, 1)]


@given(st.text())
@example("ᄀ각\u0340\u2000\u2126\u037e\ufb1d\uf900\U0002f800")
def test_compose_is_nfc(text):
    assert compose(text) == unicodedata.normalize("NFC", text)


def test_every_character_with_every_kind_of_neighbour_composes_as_nfc():
    # The search for characters that may need composing must not overlook any of them.
    for point in (*range(0xD800), *range(0xE000, 0x110000)):
        character = chr(point)
        if compose(character) == character == compose("a" + character):
            continue
        assert compose(character) == unicodedata.normalize("NFC", character)
        assert compose("a" + character) == unicodedata.normalize("NFC", "a" + character)
    for point in (*range(0xD800), *range(0xE000, 0x30000)):
        character = chr(point)
        if not unicodedata.is_normalized("NFC", character):
            assert compose(character) != character
        elif unicodedata.combining(character):
            assert compose("a\u0315" + character) == unicodedata.normalize(
                "NFC", "a\u0315" + character
            )


@pytest.mark.parametrize("normaliser", ALL)
@given(text=st.text())
def test_normalising_twice_is_normalising_once(normaliser, text):
    once = normaliser(text)
    assert normaliser(once) == once


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Don't, stop!", "Don't stop"),
        ("(state-of-the-art)", "state-of-the-art"),
        ("... -- !?", "  "),
        ("“饭”。 e.g., $5", "饭 e.g 5"),
        ("_snake_case_ __", "snake_case "),
        ("हिन्दी। नमस्ते!", "हिन्दी नमस्ते"),
        ("❤️ ok", " ok"),
        ("a\n.b.\n", "a\nb\n"),
    ],
)
def test_punctuation_is_stripped_around_words_and_kept_inside(text, kept):
    assert Normaliser(drop_punctuation=True)(text) == kept


def test_long_runs_of_punctuation_take_linear_time():
    text = "." * 300_000 + "a" + "-" * 300_000 + "b" + "é!" * 100_000
    assert Normaliser(drop_punctuation=True)(text)[:1] == "a"


def test_lower_case_is_composed_where_upper_case_could_not_be():
    assert Normaliser(lowercase=True)("H\u0331 J\u030c") == "\u1e96 \u01f0"
    assert Normaliser()("e\u0301 \u212b") == "\xe9 \xc5"


def test_a_query_is_spelt_as_the_vocabulary_is():
    normaliser = Normaliser(lowercase=True, drop_punctuation=True)
    assert normaliser.word("  Cafe\u0301! ") == "café"
    assert normaliser.word("New\u3000 York") == "new york"
    assert Normaliser().word("饭\n") == "饭"


def test_settings_survive_being_written_down():
    for normaliser in ALL:
        assert Normaliser.from_dict(normaliser.to_dict() | {"tokens": "zh"}) == normaliser
    assert Normaliser.from_dict({}) == Normaliser()


def test_the_module_imports_nothing_heavy():
    code = (
        "import sys, dlkit.data.normalise;"
        "assert not {'numpy', 'numba', 'pydantic', 'pyarrow', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_class_of_marks_is_all_marks():
    import re

    found = set(re.findall(f"[{mark_class()}]", "".join(map(chr, range(0x20000)))))
    assert found == {chr(p) for p in range(0x20000) if unicodedata.category(chr(p))[0] == "M"}
