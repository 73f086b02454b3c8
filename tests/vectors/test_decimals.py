"""Numbers of a text are what Python's float reads, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.vectors import decimals

NOTATION = r"[-+]?([0-9]{0,20}\.[0-9]{1,20}|[0-9]{1,20}\.?)([eE][-+]?[0-9]{1,2})?"
NUMBERS = (
    st.floats().map(repr)
    | st.floats(width=32).map(repr)
    | st.floats(-1e9, 1e9).map("{:.6f}".format)
    | st.floats(-2, 2).map("{:.5g}".format)
    | st.integers(-(10**30), 10**30).map(str)
    | st.integers(10**14, 10**17).map(str)
    | st.from_regex(NOTATION, fullmatch=True)
)


@given(st.lists(NUMBERS, min_size=1, max_size=50), st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_every_notation_reads_as_float_does(numbers, at_once):
    before = decimals._AT_ONCE
    try:
        decimals._AT_ONCE = at_once
        values = decimals.parse(" ".join(numbers).encode())
    finally:
        decimals._AT_ONCE = before
    expected = np.array([float(number) for number in numbers])
    assert values.tobytes() == expected.tobytes() or (
        np.isnan(expected).any() and np.array_equal(values, expected, equal_nan=True)
    )


@given(st.lists(st.text("0123456789.-+e _x", max_size=8), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_what_is_no_number_is_refused(fields):
    text = " ".join(fields)
    try:
        expected = [float(field) for field in text.split(" ")]
        if "_" in text:
            raise ValueError
    except ValueError:
        with pytest.raises(ValueError, match=r"\w"):
            decimals.parse(text.encode())
    else:
        assert decimals.parse(text.encode()).tolist() == expected


def test_more_digits_than_float64_holds_are_rounded_once():
    digits = np.random.default_rng(0).integers(1, 10, (2000, 16))
    numbers = ["." + "".join(map(str, row)) for row in digits]
    values = decimals.parse(" ".join(numbers).encode())
    assert values.tolist() == [float(number) for number in numbers]
