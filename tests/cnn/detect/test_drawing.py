"""Drawings: boxes where things are, names that can be read, or numbers where no font has them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dlkit.cnn.detect import drawing
from dlkit.cnn.detect.asking import Found

FOUND = Found(
    np.array([[30, 40, 90, 70], [5.4, 3, 20, 110]], np.float32),
    np.array([0.9, 0.5], np.float32),
    np.array([1, 0]),
)


def test_boxes_are_drawn_at_their_edges_in_their_classes_colours():
    ground = np.full((120, 160, 3), 255, np.uint8)
    picture = np.asarray(drawing.drawn(ground, FOUND, ["circle", "star"]))
    assert picture.shape == ground.shape
    for label, (row, column) in ((1, (69, 60)), (1, (60, 30)), (0, (100, 5)), (0, (100, 19))):
        wanted = bytes.fromhex(drawing.colour_of(label).removeprefix("#"))
        assert tuple(picture[row, column]) == tuple(wanted), (row, column)
    assert (picture[75:, 100:] == 255).all()
    assert (ground == 255).all()


def test_names_without_a_font_are_numbers_and_text_in_an_svg(monkeypatch):
    names = ["circle", "圆 <b>", "naïve"]
    dejavu = drawing._fonts(wide=False)
    monkeypatch.setattr(drawing, "_fonts", lambda *, wide: dejavu)
    drawing.font_file.cache_clear()
    try:
        assert drawing.names_drawn(names) == (["circle", "#2", "naïve"], 1)
    finally:
        drawing.font_file.cache_clear()
    svg = drawing.drawn_svg(np.zeros((120, 160, 3), np.uint8), FOUND, names).decode()
    assert "圆 &lt;b&gt; 0.90" in svg
    assert '<rect x="30.0" y="40.0" width="60.00" height="30.00"' in svg


def test_small_images_are_made_larger_for_reports():
    made = drawing.outlined(np.zeros((30, 40, 3), np.uint8), [(FOUND.boxes[:0], "#ffffff")])
    assert made.shape == (150, 200, 3)
    stream = io.BytesIO()
    Image.fromarray(made).save(stream, "PNG")
