"""Pictures of labelled points: every label is there, one unit is as long on either axis."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from dlkit.report.axes import round_ticks, tick_text
from dlkit.report.points import Axes, Point, draw_points

SVG = "{http://www.w3.org/2000/svg}"
AXES = Axes("across", "up")


def dots(svg: bytes) -> dict[str, tuple[float, float]]:
    found = {}
    for dot in ElementTree.fromstring(svg).iter(f"{SVG}circle"):
        (tip,) = dot.iter(f"{SVG}title")
        found[tip.text] = float(dot.attrib["cx"]), float(dot.attrib["cy"])
    return found


def texts(svg: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_points_keep_their_distances_and_y_grows_upward():
    points = [Point(0, 0, "o"), Point(1, 0, "x"), Point(0, 1, "y"), Point(5, 2, "far")]
    found = dots(draw_points(points, AXES, title="t").svg)
    ox, oy = found["o"]
    assert found["x"][0] - ox == pytest.approx(oy - found["y"][1], abs=0.02)
    assert found["x"][1] == oy
    assert found["far"][0] - ox == pytest.approx(5 * (found["x"][0] - ox), abs=0.1)


def test_every_label_is_text_and_asked_ones_are_bold_and_larger():
    points = [Point(0, 0, "饭", "asked", 0), Point(1, 1, "米", "near", 0), Point(2, 0, "<s>")]
    found = {each.text: each for each in texts(draw_points(points, AXES, title="t").svg)}
    assert {"饭", "米", "<s>"} <= set(found)
    assert "strong" in found["饭"].attrib["class"]
    assert float(found["饭"].attrib["font-size"]) > float(found["米"].attrib["font-size"])
    assert "c0" in found["米"].attrib["class"].split()


def test_labels_in_a_crowd_are_all_there_and_the_faded_are_counted():
    points = [Point(i * 1e-6, 0, f"word{i}") for i in range(120)] + [Point(9, 9, "far")]
    picture = draw_points(points, AXES, title="t")
    found = texts(picture.svg)
    assert {f"word{i}" for i in range(120)} <= {each.text for each in found}
    faded = [each for each in found if "faded" in each.attrib["class"]]
    assert len(faded) == picture.faded > 20


@pytest.mark.parametrize(
    "places", [[(0, 0)], [(3, 4), (3, 4)], [(0, 0), (5, 0)], [(0, 0), (0, 5)], [(1e-12, 0), (0, 0)]]
)
def test_few_or_equal_points_are_drawn_inside_the_picture(places):
    points = [Point(x, y, f"w{i}") for i, (x, y) in enumerate(places)]
    svg = draw_points(points, AXES, title="t").svg
    root = ElementTree.fromstring(svg)
    for x, y in dots(svg).values():
        assert 0 < x < float(root.attrib["width"])
        assert 0 < y < float(root.attrib["height"])


def test_axes_without_units_have_no_numbers():
    points = [Point(0, 0, "a"), Point(1, 1, "b")]
    picture = draw_points(points, Axes("x", "", numbered=False), title="t")
    assert {each.text for each in texts(picture.svg)} >= {"a", "b", "x", "t"}
    assert not any((each.text or "").replace(".", "").isdigit() for each in texts(picture.svg))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.3, 0.3, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_a_tick_has_no_dust_and_a_true_minus():
    assert tick_text(3 * 0.1) == "0.3"
    assert tick_text(-0.2) == "−0.2"
