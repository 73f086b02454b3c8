"""Contact sheets: every cell is there, with its captions and its mark, as SVG and as PNG."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from dlkit.report.sheet import Cell, Row, drawn_sheet, png_of
from dlkit.report.svg import text_width

NAMESPACE = "{http://www.w3.org/2000/svg}"
HEADS = ("query", "nearest")


def finished(going):
    """What a generator returns, and all that it yields."""
    steps = []
    while True:
        try:
            steps.append(next(going))
        except StopIteration as end:
            return end.value, steps


def draw_sheet(rows, **about):
    (data, lacking), _ = finished(drawn_sheet(rows, png=False, **about))
    assert lacking == 0
    return data


def picture(height, width, channels, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


def rows():
    return [
        Row(
            Cell(picture(4, 8, 3), "", ("<狗>", "far")),
            [
                Cell(picture(4, 4, 1), "", ("cat", "1.5"), "right"),
                Cell(None, "a text of many words " * 20, ("dog",), "wrong"),
            ],
        )
    ]


def test_a_sheet_is_an_svg_whose_text_is_text_and_whose_pictures_are_whole():
    root = ElementTree.fromstring(
        draw_sheet(rows(), heads=HEADS, title="a & b", lines=["one", "2"])
    )
    texts = [each.text for each in root.iter(f"{NAMESPACE}text")]
    for text in ("a & b", "one", "2", "query", "nearest", "<狗>", "✓ cat", "✗ dog", "1.5"):
        assert text in texts
    first, second = root.findall(f"{NAMESPACE}image")
    for element, (height, width, channels) in ((first, (4, 8, 3)), (second, (4, 4, 1))):
        data = base64.b64decode(element.get("href").removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image).reshape(height, width, channels)
        np.testing.assert_array_equal(pixels, picture(height, width, channels))
    assert float(first.get("width")) == 2 * float(first.get("height"))
    assert first.find(f"{NAMESPACE}title").text == "<狗>; far"


def test_what_is_drawn_lies_within_the_picture():
    root = ElementTree.fromstring(
        draw_sheet(rows() * 3, heads=HEADS, title="t", lines=["a long line under the title " * 5])
    )
    width, height = float(root.get("width")), float(root.get("height"))
    for element in root.iter(f"{NAMESPACE}text"):
        assert 0 <= float(element.get("x")) < width
        assert 0 < float(element.get("y")) < height
    assert width > 5 * 28 * 5


def test_a_long_text_ends_in_an_ellipsis():
    root = ElementTree.fromstring(draw_sheet(rows(), heads=HEADS, title="t", lines=[]))
    assert any((each.text or "").endswith("…") for each in root.iter(f"{NAMESPACE}text"))


def test_lines_of_a_text_stay_lines_and_words_stay_whole():
    cell = Cell(None, "income 74,065\nage 30.6\n" + "字" * 12, ("a",))
    root = ElementTree.fromstring(draw_sheet([Row(cell, [cell])], heads=HEADS, title="t", lines=[]))
    texts = [each.text for each in root.iter(f"{NAMESPACE}text")]
    for text in ("income", "74,065", "age 30.6", "字" * 7, "字" * 5):
        assert text in texts


def test_a_narrow_sheet_has_room_for_its_heads():
    heads = ("query", "nearest first, with class and distance")
    cell = Cell(picture(4, 4, 1), "", ("a",))
    root = ElementTree.fromstring(draw_sheet([Row(cell, [cell])], heads=heads, title="t", lines=[]))
    (head,) = (each for each in root.iter(f"{NAMESPACE}text") if each.text == heads[1])
    assert float(head.get("x")) + text_width(heads[1], 12) <= float(root.get("width"))


def test_the_same_sheet_as_a_bitmap_says_what_its_font_lacks():
    going = drawn_sheet(rows() * 3, png=True, heads=HEADS, title="t", lines=["l"])
    (data, lacking), steps = finished(going)
    assert steps == [1, 2, 3]
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB"))
    assert lacking == 3
    # The frame of what is right is drawn in its colour.
    assert (pixels == (0x0A, 0x73, 0x50)).all(axis=2).any()


def test_a_picture_keeps_its_pixels():
    for channels in (1, 3):
        with Image.open(io.BytesIO(png_of(picture(5, 3, channels)))) as image:
            pixels = np.asarray(image).reshape(5, 3, channels)
        np.testing.assert_array_equal(pixels, picture(5, 3, channels))
