"""Maps of the plane, grids of two knobs, curves over named places."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from dlkit.report import boundary, grid
from dlkit.report.canvas import to_svg
from dlkit.report.learning import Line, Panel, learning_figure


def test_a_map_has_the_colours_of_its_classes_and_a_line_between():
    classes = np.zeros((40, 40), np.int64)
    classes[:, 20:] = 1
    certain = np.ones((40, 40))
    tile = boundary.Tile(0, 0, classes, certain, "90% / 80%", best=True)
    points = boundary.Points(np.array([[0.25, 0.5]]), np.array([1]))
    names = boundary.Names("λ", ["0"], "隐层", ["4"])
    figure = boundary.boundary_figure([tile], names, points, ["a", "b"], title="t")
    text = to_svg(figure).decode()
    assert "隐层" in text
    assert "90% / 80%" in text
    png = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])
    with Image.open(io.BytesIO(png)) as opened:
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    left, edge, right = pixels[5, 5], pixels[5, 60], pixels[5, 115]
    assert left[2] > left[0]  # blue
    assert right[0] > right[2]  # red
    assert edge.max() < 100
    assert pixels[60, 30, 0] > pixels[60, 30, 2]  # the sample, of the other class


def test_a_grid_writes_every_score_and_says_where_there_is_none():
    part = grid.Part("train", [[0.5, None], [1.0, 0.25]], "c0", (0.25, 1.0))
    figure = grid.grid_figure(
        [part], columns=("l2", ["0", "1"]), rows=("hidden", ["4", "64+64"]), title="t", best=(1, 0)
    )
    text = to_svg(figure).decode()
    assert [each in text for each in (">50.0<", ">–<", ">100.0<", ">25.0<", ">64+64<")] == [
        True
    ] * 5
    assert re.search(r'class="ink strong"[^>]*>100\.0<', text)


def test_an_axis_can_have_names_for_places():
    line = Line("train", [(0, 0.5), (1, 0.7), (2, 0.6)], dots=True)
    apart = Line("validation", [(0, 0.4), (1, 0.5)], joined=False)
    ticks = [(0.0, "none"), (1.0, "16"), (2.0, "64+64")]
    text = to_svg(learning_figure([Panel("loss", [line, apart])], title="t", ticks=ticks)).decode()
    assert all(f">{name}<" in text for _, name in ticks)
    assert text.count("<circle") == 5
    assert text.count("<polyline") == 1
