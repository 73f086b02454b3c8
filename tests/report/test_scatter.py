"""Scatters: neighbours and queries to scale, with lines between them, in both formats."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from dlkit.report import scatter
from dlkit.report.canvas import to_png, to_svg
from dlkit.report.points import Axes
from dlkit.report.scatter import Plane, Query, scatter_figure

NAMESPACE = "{http://www.w3.org/2000/svg}"
RANDOM = np.random.default_rng(5)
POINTS = RANDOM.normal(size=(40, 2)) * (3, 1)
CLASSES = RANDOM.integers(0, 3, 40)
NAMES = ("red", "苹果", "<c>")
QUERIES = [Query(0.5, 0.25, "first", (1, 4)), Query(-1.0, 0.0, "second", (4, 7, 9), 2)]


def plane(queries=QUERIES) -> Plane:
    return Plane("by columns", Axes("x & y", "height"), POINTS, CLASSES, queries)


def figure(*planes):
    return scatter_figure(planes or [plane()], NAMES, title="t", lines=["under it"])


def drawn(found):
    root = ElementTree.fromstring(to_svg(found))
    dots = [
        (float(each.get("cx")), float(each.get("cy")), float(each.get("r")), each.get("class"))
        for each in root.iter(f"{NAMESPACE}circle")
    ]
    texts = [each.text for each in root.iter(f"{NAMESPACE}text")]
    lines = [
        tuple(float(each.get(side)) for side in ("x1", "y1", "x2", "y2"))
        for each in root.iter(f"{NAMESPACE}line")
        if "thin" in each.get("class")
    ]
    return root, dots, texts, lines


def test_neighbours_are_where_their_numbers_are_and_lines_lead_to_them():
    _, dots, texts, lines = drawn(figure())
    for text in ("t", "under it", "by columns", "x & y", "height", *NAMES, "first", "second"):
        assert text in texts
    asked = [dot[:2] for dot in dots if dot[3] == "ink"]
    assert len(asked) == 2
    # The unit in px, told from the queries, places every neighbour: one unit on both axes.
    unit = (asked[0][0] - asked[1][0]) / 1.5
    assert (asked[1][1] - asked[0][1]) / 0.25 == pytest.approx(unit, rel=0.01)
    near = {(round(x), round(y)): look for x, y, radius, look in dots if radius == 3.8}
    assert len(near) == 4
    for query, here in zip(QUERIES, asked, strict=True):
        for point in query.near:
            x = here[0] + (POINTS[point, 0] - query.x) * unit
            y = here[1] - (POINTS[point, 1] - query.y) * unit
            assert near[round(x), round(y)] == f"c{CLASSES[point]}"
            assert any(np.allclose(line, (*here, x, y), atol=0.2) for line in lines)
    assert len([dot for dot in dots if dot[2] == 2.0]) == 36
    assert (*asked[1], 3.2, "c2") in [(x, y, round(r, 1), look) for x, y, r, look in dots]


def test_planes_stand_below_each_other_and_within_the_picture():
    root, dots, texts, _ = drawn(figure(plane(), plane([]), plane()))
    width, height = float(root.get("width")), float(root.get("height"))
    assert texts.count("by columns") == 3
    assert all(0 < x < width and 0 < y < height for x, y, _, _ in dots)
    assert height > 2 * float(ElementTree.fromstring(to_svg(figure())).get("height"))


def test_of_many_points_all_neighbours_are_drawn(monkeypatch):
    monkeypatch.setattr(scatter, "_MOST", 10)
    _, dots, _, _ = drawn(figure())
    assert (
        sorted(radius for _, _, radius, _ in dots if radius < 5) == [2.0] * 10 + [3.2] + [3.8] * 4
    )


def test_points_in_one_place_and_the_bitmap():
    same = Plane("p", Axes("a", "b"), np.ones((3, 2)), np.zeros(3, int), [Query(1, 1, "q", (0,))])
    data, lacking = to_png(scatter_figure([same], ["c"], title="t"))
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
    assert lacking == 0
    assert to_png(figure())[1] == 1
