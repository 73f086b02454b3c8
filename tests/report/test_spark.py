"""Pictures of one line: as high and as long as their values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.report.spark import sparkline, text_bar


def test_the_lowest_value_is_the_lowest_mark_and_the_highest_the_highest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, -1, 3]) == "█▁█"


def test_more_values_than_columns_are_means_of_all_of_them():
    assert sparkline([0, 0, 7, 7, 0, 0, 7, 7], columns=4) == "▁█▁█"
    assert sparkline([0] * 90 + [1] * 10, columns=10) == "▁" * 9 + "█"
    assert sparkline([0, 6, 4, 4, 8, 8], columns=3) == sparkline([3, 4, 8])


def test_what_is_not_finite_is_a_gap():
    assert sparkline([0, math.nan, 7]) == "▁ █"
    assert sparkline([math.inf, math.nan]) == "  "
    assert sparkline([1, math.inf, math.nan, 1], columns=2) == "▄▄"
    assert sparkline([]) == ""


def test_the_largest_numbers_have_a_course():
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"
    assert sparkline([1.7e308, 1.7e308, -1.7e308, -1.7e308], columns=2) == "█▁"


def test_equal_values_are_a_level_line():
    assert sparkline([2.5] * 3) == "▄▄▄"


@given(st.lists(st.floats(), max_size=100), st.integers(1, 30))
def test_any_values_give_a_line_no_longer_than_asked(values, columns):
    assert len(sparkline(values, columns)) == min(len(values), columns)


@pytest.mark.parametrize(
    ("value", "bar"),
    [(0, ""), (10, "█" * 20), (5, "█" * 10), (0.5, "█"), (0.25, "▌"), (99, "█" * 20), (-1, ""),
     (math.nan, "")],
)  # fmt: skip
def test_a_bar_is_as_long_as_its_share(value, bar):
    assert text_bar(value, 10) == bar


def test_a_bar_of_nothing_is_empty():
    assert text_bar(0, 0) == ""
