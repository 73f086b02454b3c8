"""The page of a run: well-formed, whole in itself, and nothing in it but what was told."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlkit.report.canvas import to_svg
from dlkit.report.html import Section, in_table, render, shown
from dlkit.report.matrix import confusion_figure
from dlkit.report.sheet import Cell
from dlkit.report.tables import Table

VOID = {"meta", "img", "br", "link", "input", "hr"}
EVIL = "<script>alert('中文')</script>&amp;\"' onload=x"


class Page(HTMLParser):
    """Every element with its attributes and text; fails where tags do not pair."""

    def __init__(self, page: bytes):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], []
        self.feed(page.decode())
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, len(self.texts)))
            self.texts.append((tag, ""))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            tag, text = self.texts[self.open[-1][1]]
            self.texts[self.open[-1][1]] = (tag, text + data)

    def of(self, tag):
        return [text for name, text in self.texts if name == tag]

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def picture(height=8, width=8, channels=1):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


def everything(word):
    figure = confusion_figure(np.array([[3, 1], [0, 2]]), [word, "b"], title=word)
    return [
        Section(word, text=[word], facts={word: word, "deep": {word: 1.5}}, code=word),
        Section("figures", figures=[to_svg(figure), to_svg(figure)]),
        Section("tables", tables=[Table((word, "n"), [[word, 1], ["b", 2_000]], word)]),
        Section(
            "samples",
            samples=[
                Cell(picture(), "", (word, "loss 2"), "wrong"),
                Cell(None, word, (word,), "right"),
            ],
        ),
    ]


def test_whatever_the_names_are_they_stand_on_the_page_as_text():
    page = Page(render(EVIL, everything(EVIL), subtitle=EVIL))
    for tag in ("title", "h1", "h2", "p", "pre", "caption", "blockquote", "th", "td", "text"):
        assert EVIL in page.of(tag), tag
    assert f"✗ {EVIL}" in page.of("span")
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "base", "form", "b"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_the_page_refers_to_nothing_outside_itself():
    content = render("run", everything("a"))
    page = Page(content)
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
            target = attributes.get(name, "#")
            assert target.startswith(("#", "data:image/png;base64,")), (tag, name, target)
    assert b"@import" not in content
    assert b"url(" not in content
    inside = content.replace(b'xmlns="http://www.w3.org/2000/svg"', b"")
    assert b"http:" not in inside
    assert b"https:" not in inside


def test_the_policy_allows_the_style_sheets_of_the_page_and_nothing_else():
    content = render("run", everything("a")).decode()
    (policy,) = (
        each["content"]
        for each in Page(content.encode()).attributes("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    sheets = set(re.findall(r"<style>(.*?)</style>", content, re.DOTALL))
    digests = {
        f"'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'"
        for sheet in sheets
    }
    assert set(rules["style-src"].split()) == digests
    assert len(sheets) == 2


def test_links_of_the_page_lead_to_its_sections():
    page = Page(render("run", everything("a")))
    ids = ["#" + each["id"] for each in page.attributes("section")]
    assert [each["href"] for each in page.attributes("a")] == ids
    assert len(set(ids)) == 4


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_gives_a_page_that_parses(word):
    page = Page(render(word, everything(word)))
    assert not {tag for tag, _ in page.elements} & {"script", "b"}


def test_what_no_file_can_hold_is_written_visibly_and_lines_stay_lines():
    page = Page(render("a\x00\udcff", [Section("s", code="one: 1\ntwo: \x1b[31m")]))
    assert page.of("h1") == ["a\\x00\\udcff"]
    assert page.of("pre") == ["one: 1\ntwo: \\x1b[31m"]


def test_samples_are_whole_and_large_ones_are_made_smaller():
    cells = [Cell(picture(9, 6, 3), "", ()), Cell(picture(600, 300, 1), "", ("big",))]
    sources = [
        each["src"] for each in Page(render("r", [Section("s", samples=cells)])).attributes("img")
    ]
    images = []
    for source in sources:
        data = base64.b64decode(source.removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(data)) as image:
            images.append(np.asarray(image))
    np.testing.assert_array_equal(images[0], picture(9, 6, 3))
    assert images[1].shape == (256, 128)


def test_a_long_text_is_cut_and_its_length_is_told():
    page = Page(render("r", [Section("s", samples=[Cell(None, "字" * 5000, ())])]))
    assert page.of("blockquote") == ["字" * 4000 + "… (5,000 characters)"]


def test_numbers_stand_right_in_columns_of_numbers_only():
    table = Table(("name", "score"), [["a", 0.5], [1, None]])
    page = Page(render("r", [Section("s", tables=[table])]))
    assert page.of("td") == ["a", "0.5000", "1", "–"]
    assert [each.get("class") for each in page.attributes("td")] == [None, "number"] * 2
    assert [each.get("class") for each in page.attributes("th")] == [None, "number"]


def test_the_same_sections_give_the_same_bytes():
    assert render("r", everything("a")) == render("r", everything("a"))


def test_a_figure_of_another_hand_is_refused():
    for figure in (b"<svg onload='x'></svg>", b'<?xml version="1.0" encoding="UTF-8"?>\n<svg />'):
        with pytest.raises(ValueError, match="did not write"):
            render("r", [Section("s", figures=[figure])])


@pytest.mark.parametrize(
    ("value", "text", "cell"),
    [
        (None, "–", "–"),
        (True, "yes", "yes"),
        (1438, "1,438", "1,438"),
        (0.98678861, "0.986789", "0.9868"),
        (1.0, "1", "1.0000"),
        (1e-5, "1e-05", "1e-05"),
        (np.float32(0.5), "0.5", "0.5000"),
        ([256, 128], "256, 128", "256, 128"),
        ("饭", "饭", "饭"),
    ],
)
def test_values_are_written_as_a_reader_expects_them(value, text, cell):
    assert shown(value) == text
    assert in_table(value) == cell
