"""Curves on logarithmic axes: in a picture and in characters."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from dlkit.report.axes import count_text, decade_ticks
from dlkit.report.curves import Curve, draw_log_log, text_log_log

SVG = "{http://www.w3.org/2000/svg}"
STRAIGHT = Curve("straight", [(10.0**i, 10.0 ** (4 - i)) for i in range(5)])


def lines_of(svg: bytes) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        for line in ElementTree.fromstring(svg).iter(f"{SVG}polyline")
    ]


def test_a_power_law_is_a_straight_line():
    (points,) = lines_of(draw_log_log([STRAIGHT], x="x", y="y", title="t"))
    steps = {(round(b[0] - a[0], 1), round(b[1] - a[1], 1)) for a, b in zip(points, points[1:])}  # noqa: B905, RUF007
    assert len(points) == 5
    assert len(steps) <= 2  # rounding to 2 decimals
    assert all(dx > 0 and dy > 0 for dx, dy in steps)


def test_the_picture_names_its_axes_curves_and_decades():
    svg = draw_log_log([STRAIGHT], x="rank", y="次数", title="a < b", subtitle="s")
    found = {text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")}
    assert {"rank", "次数", "a < b", "s", "straight", "1", "10", "100", "1k", "10k"} <= found
    assert svg == draw_log_log([STRAIGHT], x="rank", y="次数", title="a < b", subtitle="s")


def test_what_leaves_the_range_of_the_first_curve_is_not_drawn():
    beyond = Curve("fit", [(1, 1e6), (10, 100), (100, 10)], dashed=True)
    _, fitted = lines_of(draw_log_log([STRAIGHT, beyond], x="x", y="y", title="t"))
    assert len(fitted) == 2


@pytest.mark.parametrize(
    "points", [[(1.0, 7.0)], [(1.0, 3.0), (2.0, 3.0)], [(1.0, 9.0), (1.0, 3.0)]]
)
def test_single_values_are_drawn(points):
    curve = Curve("c", points)
    ElementTree.fromstring(draw_log_log([curve], x="x", y="y", title="t"))
    assert any("\u2801" <= character <= "\u28ff" for character in text_log_log(curve, x="x", y="y"))


def dots_of(text: str, rows: int) -> set[tuple[int, int]]:
    """The places (column, row) of all dots, the top left is (0, 0)."""
    order = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # of U+2800's bits
    found = set()
    for row, line in enumerate(text.splitlines()[:rows]):
        for column, character in enumerate(line.split("│", 1)[1]):
            bits = ord(character) - 0x2800
            found |= {
                (2 * column + x, 4 * row + y) for i, (x, y) in enumerate(order) if bits >> i & 1
            }
    return found


def test_a_power_law_in_characters_runs_from_corner_to_corner():
    dots = dots_of(text_log_log(STRAIGHT, x="rank", y="count", columns=16, rows=8), 8)
    assert dots == {(i, i) for i in range(32)}


def test_the_text_tells_both_ends_of_both_axes():
    text = text_log_log(STRAIGHT, x="rank", y="count", columns=30, rows=4)
    lines = text.splitlines()
    assert lines[0].startswith("10,000 │")
    assert lines[3].lstrip().startswith("1 │")
    assert lines[5].split() == ["1", "10,000"]
    assert lines[6].strip() == "count by rank, both axes logarithmic"
    assert len({len(line) for line in lines[:5]}) == 1


def test_decades_and_their_names():
    assert decade_ticks(1, 1000) == [1, 10, 100, 1000]
    assert decade_ticks(3, 20) == [10]
    assert [count_text(10.0**i) for i in range(8)] == [
        "1", "10", "100", "1k", "10k", "100k", "1M", "10M",
    ]  # fmt: skip
