"""Curves with spreads: every point and bar lies where its value is."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from dlkit.report.spread import Point, Series, draw_spread

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(series):
    data = draw_spread(series, x="k", y="accuracy", title="数字 & k", subtitle="s", percent=True)
    return ElementTree.fromstring(data)


def dots(root, look):
    """Places of the dots of a curve; the legend's has no tip."""
    found = [each for each in root.iter(f"{NAMESPACE}circle") if each.get("class") == look]
    return [(float(e.get("cx")), float(e.get("cy"))) for e in found if len(e)]


def test_points_lie_in_order_and_in_proportion():
    means = (0.9, 0.95, 0.85)
    points = [Point(k, mean, 0.01) for k, mean in zip((1, 3, 5), means, strict=True)]
    places = dots(drawn([Series("l2", points)]), "c0")
    (x1, y1), (x2, y2), (x3, y3) = places
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.02)
    assert y2 < y1 < y3  # up is more
    assert (y3 - y1) == pytest.approx(y1 - y2, abs=0.02)


def test_bars_reach_from_below_to_above_by_the_spread():
    root = drawn([Series("l2", [Point(1, 0.5, 0.1), Point(2, 0.6, 0.1)])])
    (x, y), (_, higher) = dots(root, "c0")
    upright = [
        sorted((float(e.get("y1")), float(e.get("y2"))))
        for e in root.iter(f"{NAMESPACE}line")
        if e.get("class") == "c0" and e.get("x1") == e.get("x2") and float(e.get("x1")) == x
    ]
    ((top, bottom),) = upright
    assert y - top == pytest.approx(bottom - y, abs=0.02) == pytest.approx(y - higher, abs=0.02)


def test_curves_are_named_and_one_of_one_point_without_spread_is_drawn():
    root = drawn([Series("l1 <", [Point(5, 0.5)]), Series("l2", [Point(5, 0.5)])])
    texts = [each.text for each in root.iter(f"{NAMESPACE}text")]
    for text in ("l1 <", "l2", "k", "accuracy", "数字 & k", "s", "5"):
        assert text in texts
    assert len(dots(root, "c0")) == len(dots(root, "c1")) == 1


def test_values_that_differ_much_stand_on_a_logarithmic_axis():
    points = [Point(k, 0.5, None) for k in (1, 10, 100, 1000)]
    across = [x for x, _ in dots(drawn([Series("l2", points)]), "c0")]
    steps = [b - a for a, b in pairwise(across)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.05)
