"""SVG files: well-formed whatever the words are, the same bytes every time."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.report.svg import COLOURS, Drawing, escaped, number, text_width

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> bytes:
    drawing = Drawing(200, 100, title=text)
    drawing.line(0, 0, 10, 10.123, look="grey")
    drawing.path([(0, 1), (2, 3)], look="c0")
    drawing.dot(5, 5, 2, look="c1", tip=text)
    drawing.text(1, 2, text, size=12)
    return drawing.render()


def words_of(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    "word",
    ["饭", "a<b", "&amp;", '"', "'", "]]>", "<!--", "𠮷野家", "ｶﾞ", "café", "😀", "--", " a  b "],
)
def test_a_word_stands_in_the_file_as_it_is(word: str):
    assert words_of(drawn(word)) == [word]


@pytest.mark.parametrize(
    ("word", "shown"),
    [("a\x00b", "a\\x00b"), ("\x1b[31m", "\\x1b[31m"), ("\ufffe", "\\ufffe"),
     ("a\tb\n", "a\\x09b\\x0a"), ("\udcff", "\\udcff"), ("\x85", "\\x85"), ("\u2028", "\\u2028")],
)  # fmt: skip
def test_what_xml_cannot_hold_is_written_visibly(word: str, shown: str):
    assert words_of(drawn(word)) == [shown]


@given(st.text())
def test_any_text_gives_a_file_that_parses(text: str):
    root = ElementTree.fromstring(drawn(text))
    (found,) = root.iter(f"{SVG}text")
    assert escaped(found.text or "") == escaped(text)
    assert [tip.text or "" for tip in root.iter(f"{SVG}title")][-1] == (found.text or "")


def test_the_same_marks_give_the_same_bytes():
    assert drawn("饭") == drawn("饭")
    assert b"2026" not in drawn("饭")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (-0.001, "0"), (10.0, "10"), (1.256, "1.26"), (100.5, "100.5")]
)
def test_coordinates_are_short(value: float, text: str):
    assert number(value) == text


def test_east_asian_text_is_one_em_wide_a_character():
    assert text_width("米饭", 10) == 20
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("ill", 10) < text_width("mmm", 10)


def luminance(colour: str) -> float:
    """WCAG 2.1's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("pair", COLOURS)
def test_every_colour_can_be_read_on_its_ground(pair: tuple[str, str]):
    for colour, ground in zip(pair, ("#ffffff", "#16181d"), strict=True):
        high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5
