"""Shortest decimals: NumPy's own ``str`` of a float32 is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlkit.vectors import digits


def expected(values, separator: bytes = b" ") -> bytes:
    return b"".join(separator.join(str(x).encode() for x in row) + b"\n" for row in values)


def bits(values):
    return np.asarray(values, dtype=np.float32).view(np.uint32)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 0.1, 1, 30, 1e3, 1e20])
def test_numbers_of_every_size_have_the_fewest_digits(scale):
    values = np.random.default_rng(0).standard_normal((60, 50)).astype(np.float32) * np.float32(
        scale
    )
    assert digits.lines(values) == expected(values)


@given(arrays.arrays(np.uint32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9)))
@settings(max_examples=200, deadline=None)
def test_any_bits_are_written_as_numpy_writes_them(raw):
    values = raw.view(np.float32)
    values[~np.isfinite(values)] = 0
    assert digits.lines(values) == expected(values)


@given(st.integers(-4_000, 4_000), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_decimals_of_few_digits_are_written_with_these(number, places):
    value = np.float32(number / 10**places)
    written = digits.lines(np.array([[value]]))
    assert written == expected([[value]])
    assert len(written) <= len(f"{number / 10**places}") + 1


def test_edges_are_exact():
    values = np.float32(
        [[0, -0.0, 1, -1, 0.5, 9999.999, 1e4, 1e-4, 9.9999e-5, 2**24 + 2, 1e15, 1e-45],
         [3.4028235e38, -1.1754944e-38, 0.1, 0.3, 7, 10, 99, 100, 999, 1000, 9999, 16777216]]
    )  # fmt: skip
    written = digits.lines(values)
    assert written == expected(values)
    assert (
        bits([[float(x) for x in line.split()] for line in written.splitlines()]) == bits(values)
    ).all()


def test_every_number_has_a_point_or_an_exponent():
    values = np.arange(-50, 50, dtype=np.float32).reshape(10, 10)
    assert all(b"." in field or b"e" in field for field in digits.lines(values).split())


def test_powers_of_two_and_their_neighbours_are_exact():
    powers = np.float32(2.0) ** np.arange(-20, 21, dtype=np.float32)
    values = np.stack([powers, np.nextafter(powers, np.float32(0)), -np.nextafter(powers, np.inf)])
    assert values.dtype == np.float32
    assert digits.lines(values) == expected(values)


def test_the_separator_stands_between_numbers_only():
    values = np.float32([[1, 2], [3, 1e30]])
    assert digits.lines(values, b"\t") == b"1.0\t2.0\n3.0\t1e+30\n"
    assert digits.lines(np.float32([[1], [0.25]])) == b"1.0\n0.25\n"
