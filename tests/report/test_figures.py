"""Figures: what they say is what they were given, as SVG and as PNG."""

from __future__ import annotations

import io
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlkit.report.bars import Bar, bars_figure
from dlkit.report.canvas import Figure, to_png, to_svg
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.matrix import confusion_figure
from dlkit.report.painting import Painting
from dlkit.report.reliability import reliability_figure
from dlkit.training.metrics import Bin, calibration

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>中文</script>&"


def root_of(figure):
    return ElementTree.fromstring(to_svg(figure))


def texts(figure):
    return [each.text for each in root_of(figure).iter(f"{SVG}text")]


def tips(figure):
    return [each.find(f"{SVG}title").text for each in marks(figure, "rect") if len(each)]


def marks(figure, kind):
    return list(root_of(figure).iter(f"{SVG}{kind}"))


def paths(figure):
    return [
        [tuple(map(float, pair.split(","))) for pair in each.get("points").split()]
        for each in marks(figure, "polyline")
    ]


def curves():
    epochs = range(1, 6)
    return [
        Panel("loss", [Line("training", [(e, 2 / e) for e in epochs]),
                       Line(EVIL, [(e, 1 + e) for e in epochs], dashed=True)]),
        Panel("accuracy", [Line("training", [(e, e / 5) for e in epochs])], percent=True),
    ]  # fmt: skip


def some():
    random = np.random.default_rng(0)
    bins = calibration(random.random(200), random.random(200) < 0.5)
    return {
        "confusion": confusion_figure(
            np.array([[5, 1], [0, 1234]]), [EVIL, "a very long name " * 9], title=EVIL
        ),
        "learning": learning_figure(curves(), title=EVIL, subtitle=EVIL, marked=3),
        "bars": bars_figure([Bar(EVIL, 0.5, 0.4, 0.6), Bar("b", 0.0)], title=EVIL, percent=True),
        "calibration": reliability_figure(bins, ece=0.1, title=EVIL),
    }


@pytest.mark.parametrize("name", ["confusion", "learning", "bars", "calibration"])
def test_a_figure_parses_names_itself_and_stays_in_its_frame(name):
    figure = some()[name]
    root = root_of(figure)
    assert root.find(f"{SVG}title").text == EVIL
    assert EVIL in texts(figure)
    assert not list(root.iter(f"{SVG}script"))
    for box in root.iter(f"{SVG}rect"):
        right = float(box.get("x", 0)) + float(box.get("width"))
        bottom = float(box.get("y", 0)) + float(box.get("height"))
        assert right <= figure.width + 0.01
        assert bottom <= figure.height + 0.01
    for points in paths(figure):
        for x, y in points:
            assert 0 <= x <= figure.width
            assert 0 <= y <= figure.height
    assert to_svg(figure) == to_svg(some()[name])


@pytest.mark.parametrize("name", ["confusion", "learning", "bars", "calibration"])
def test_a_figure_is_also_a_png_of_twice_its_size(name):
    figure = some()[name]
    content, _ = to_png(figure)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (2 * figure.width, 2 * figure.height)
        assert len(np.unique(np.asarray(image))) > 10


def test_a_confusion_shows_every_count_at_its_row_and_column():
    matrix = np.array([[5, 2, 0], [0, 7, 1], [3, 0, 0]])
    figure = confusion_figure(matrix, ["a", "b", "c"], title="t")
    assert sorted(tips(figure)) == sorted(
        [
            "a taken for a: 5 (71.4%)", "a taken for b: 2 (28.6%)", "b taken for b: 7 (87.5%)",
            "b taken for c: 1 (12.5%)", "c taken for a: 3 (100.0%)",
        ]
    )  # fmt: skip
    boxes = {
        each.find(f"{SVG}title").text[:13]: each for each in marks(figure, "rect") if len(each)
    }
    at = {name: (float(box.get("x")), float(box.get("y"))) for name, box in boxes.items()}
    assert at["a taken for b"][0] > at["a taken for a"][0]
    assert at["a taken for b"][1] == at["a taken for a"][1]
    assert at["c taken for a"][1] > at["b taken for b"][1]
    shades = {name: float(box.get("fill-opacity")) for name, box in boxes.items()}
    assert shades["c taken for a"] > shades["a taken for b"]
    assert boxes["a taken for a"].get("class") != boxes["a taken for b"].get("class")
    assert "18 samples, 6 wrong; colour: share of the row" in texts(figure)


def test_of_many_classes_those_with_most_errors_are_shown_and_no_sample_is_lost():
    random = np.random.default_rng(3)
    matrix = random.integers(0, 3, (50, 50)) + 20 * np.eye(50, dtype=np.int64)
    matrix[7, 9] = 500
    figure = confusion_figure(matrix, [f"class {i}" for i in range(50)], title="t", most=10)
    shown = [each for each in texts(figure) if each.startswith("class ")]
    assert "class 7" in shown
    assert "class 9" in shown
    assert len(shown) == 20
    assert texts(figure).count("others (40)") == 2
    counts = [int(re.search(r": ([\d,]+) \(", tip)[1].replace(",", "")) for tip in tips(figure)]
    assert sum(counts) == matrix.sum()
    assert any("the 10 of 50 classes with the most errors" in each for each in texts(figure))


def test_a_class_called_others_is_a_class():
    figure = confusion_figure(np.array([[2, 1], [0, 3]]), ["a", "others"], title="t")
    looks = [each.get("class") for each in marks(figure, "rect") if len(each)]
    assert looks == ["c0", "c1", "c0"]


def test_learning_curves_fall_where_values_fall_and_gaps_stay_gaps():
    nan = math.nan
    points = [(1, 4.0), (2, 2.0), (3, nan), (4, 1.0), (5, 1.0), (6, math.inf), (7, 3.0)]
    figure = learning_figure([Panel("loss", [Line("a", points)])], title="t")
    first, second = paths(figure)
    assert first[0][1] < first[1][1]  # px grow downward
    assert second[0][1] == second[1][1] > first[1][1]
    assert [len(first), len(second)] == [2, 2]
    (dot,) = marks(figure, "circle")
    assert float(dot.get("cx")) > second[1][0]


def test_the_epoch_that_was_kept_is_marked():
    plain = learning_figure(curves(), title="t")
    marked = learning_figure(curves(), title="t", marked=3)
    outside = learning_figure(curves(), title="t", marked=99)

    def dashes(figure):
        return [each for each in marks(figure, "line") if each.get("class") == "grey dashed"]

    assert len(dashes(marked)) == 2
    assert not dashes(plain)
    assert not dashes(outside)
    xs = [float(each.get("x1")) for each in dashes(marked)]
    assert xs[0] == pytest.approx(paths(marked)[0][2][0])


def test_on_a_logarithmic_axis_equal_factors_are_equally_far_and_zero_is_a_gap():
    line = Line("a", [(1, 100.0), (2, 10.0), (3, 1.0), (4, 0.0), (5, 1.0), (6, 1.0)])
    figure = learning_figure([Panel("loss", [line], logarithmic=True)], title="t")
    first, second = paths(figure)
    assert first[1][1] - first[0][1] == pytest.approx(first[2][1] - first[1][1], abs=0.02)
    assert len(second) == 2
    assert 200 < first[2][1] - first[0][1] < 260  # nearly the height of the plot
    assert {"1", "10", "100"} <= set(texts(figure))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20),
    st.booleans(),
)
@example(values=[5e-324], percent=False)
def test_any_values_give_curves_and_bars_in_their_frames(values, percent):
    line = Line("a", list(enumerate(values)))
    figure = learning_figure([Panel("v", [line], percent=percent)], title="t")
    for points in paths(figure):
        assert all(0 <= y <= figure.height for _, y in points)
    bars = bars_figure([Bar(str(i), v) for i, v in enumerate(values)], title="t")
    for box in marks(bars, "rect")[1:]:
        assert 0 <= float(box.get("x")) <= bars.width
        assert float(box.get("x")) + float(box.get("width")) <= bars.width


def test_bars_are_as_long_as_their_values_and_begin_at_zero():
    figure = bars_figure([Bar("a", 2.0), Bar("b", -1.0), Bar("c", 1.0)], title="t")
    _, two, minus, one = marks(figure, "rect")
    zero = float(two.get("x"))
    assert float(two.get("width")) == pytest.approx(2 * float(one.get("width")), abs=0.02)
    assert float(minus.get("x")) + float(minus.get("width")) == pytest.approx(zero, abs=0.02)
    assert "−1" in texts(figure)


def test_bars_that_have_no_room_are_counted():
    figure = bars_figure([Bar(f"n{i}", i) for i in range(100)], title="t", subtitle="s", most=7)
    assert "s; the first 7 of 100" in texts(figure)
    assert len(marks(figure, "rect")) == 1 + 7
    assert "n7" not in texts(figure)


def test_a_reliability_diagram_has_a_bar_and_a_dot_for_each_bin_with_samples():
    bins = [Bin(0.0, 0.5, 0, None, None), Bin(0.5, 1.0, 10, 0.75, 0.5)]
    figure = reliability_figure(bins, ece=0.25, title="t")
    assert tips(figure) == ["10 samples, 75.0% sure, 50.0% right"] * 2
    (dot,) = marks(figure, "circle")
    diagonal = next(each for each in marks(figure, "line") if "dashed" in each.get("class"))
    x1, x2, y1, y2 = (float(diagonal.get(key)) for key in ("x1", "x2", "y1", "y2"))
    assert float(dot.get("cx")) == pytest.approx(x1 + 0.75 * (x2 - x1), abs=0.02)
    assert float(dot.get("cy")) == pytest.approx(y1 + 0.5 * (y2 - y1), abs=0.02)
    assert any("0.2500 over 2 bins" in each for each in texts(figure))


def pixels(painting):
    with Image.open(io.BytesIO(painting.render())) as image:
        return np.asarray(image).astype(int)


def test_a_painted_box_covers_its_place_in_its_strength():
    painting = Painting(20, 20)
    painting.box(5, 5, 10, 4, look="c0", strength=0.5)
    found = pixels(painting)
    inside = np.zeros((40, 40), bool)
    inside[10:18, 10:30] = True
    assert (found[~inside] == 255).all()
    blend = [round(255 - (255 - part) / 2) for part in bytes.fromhex("0b5fa5")]
    assert np.abs(found[inside] - blend).max() <= 1


def test_a_painted_dot_lies_around_its_middle():
    painting = Painting(20, 20)
    painting.dot(10, 12, 3, look="c1")
    rows, columns = np.nonzero(pixels(painting).min(axis=2) < 200)
    assert rows.mean() == pytest.approx(24, abs=1)
    assert columns.mean() == pytest.approx(20, abs=1)
    assert np.ptp(rows) == pytest.approx(12, abs=1)


@pytest.mark.parametrize(("anchor", "middle"), [("start", 30), ("middle", 50), ("end", 70)])
def test_turned_text_runs_upward_from_its_anchor(anchor, middle):
    painting = Painting(100, 100)
    painting.text(50, 50, "HHHHHHHHH", size=6, anchor=anchor, turned=True)
    rows, columns = np.nonzero(pixels(painting).min(axis=2) < 128)
    assert columns.max() <= 2 * 50
    assert columns.min() > 2 * 42
    half = np.ptp(rows) / 2
    expected = {"start": 100 - half, "middle": 100, "end": 100 + half}[anchor]
    assert (rows.max() + rows.min()) / 2 == pytest.approx(expected, abs=3)
    assert half > 30


def test_texts_that_the_font_lacks_are_counted():
    figure = Figure(50, 20, "t", lambda canvas: canvas.text(5, 10, "饭", size=10, turned=True))
    assert to_png(figure)[1] == 1
