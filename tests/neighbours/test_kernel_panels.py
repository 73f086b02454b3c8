"""Panels of every width that this machine can run, against plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from dlkit.llvm import FLOAT, INT32, INT64
from dlkit.neighbours.kernels import emit, panels
from dlkit.neighbours.kernels.emit import Width
from dlkit.neighbours.kernels.memory import aligned
from dlkit.neighbours.kernels.panels import Shape

HOST = panels.host()
X86 = "sse2" in HOST.features
WIDTHS = [HOST] + [
    Width(bits, 16, HOST.features | {"other"}) for bits in (256, 128) if bits < HOST.bits
]


def shapes(width):
    """Every way to sum that the machine has, with the columns of a word."""
    rows = panels.rows_of(width, INT32)
    yield "shorts", Shape(emit.short_products, INT32, rows), 2
    yield "maxima", Shape(emit.byte_maxima, INT32, rows), 4
    yield "plain", Shape(emit.plain_differences, INT32, rows), 4
    if X86:
        rows_of_longs = panels.rows_of(width, INT64)
        yield "sad", Shape(emit.byte_differences, INT64, rows_of_longs), 8
    if X86 and {"avx512vnni", "avx512vl"} <= HOST.features:
        yield "bytes", Shape(emit.byte_products, INT32, rows), 4


CASES = [(width, *case) for width in WIDTHS for case in shapes(width)]


def packed(rows, columns):
    """Rows interleaved by words; words of two columns hold 16-bit integers."""
    words = rows.reshape(len(rows), -1, columns).transpose(1, 0, 2)
    words = words.astype(np.uint16) if columns == 2 else words
    flat = np.ascontiguousarray(words).view(np.uint8).ravel()
    room = aligned(flat.size)
    room[:] = flat
    return room


def run(kernel, group, panel, words, terms, shape, points):
    """Values, masks and what the panel function returns."""
    values = np.zeros((shape.rows, points), np.uint32)
    masks = np.zeros(shape.rows, np.int64)

    @njit
    def call(group, panel, words, queries, others, limits, values, masks):
        return kernel(group.ctypes.data, panel.ctypes.data, words, queries.ctypes.data,
                      others.ctypes.data, limits.ctypes.data, values.ctypes.data,
                      masks.ctypes.data)  # fmt: skip

    return values, masks, call(group, panel, words, *terms, values, masks)


def bits_of(masks, points):
    return (masks[:, None] >> np.arange(points)) & 1 == 1


@pytest.mark.parametrize(
    ("width", "name", "shape", "columns"), CASES, ids=[f"{w.bits}-{n}" for w, n, *_ in CASES]
)
def test_sums_of_bytes(width, name, shape, columns):
    rng = np.random.default_rng(0)
    points = panels.points_of(width)
    x = rng.choice([0, 1, 128, 255], (shape.rows, 400)).astype(np.uint8)
    y = rng.choice([0, 127, 128, 255], (points, 400)).astype(np.uint8)
    wide_x, wide_y = x.astype(np.int64), y.astype(np.int64)
    if name == "maxima":
        x, y = x // 3 * np.arange(2, 402) // 400, y // 2  # largest in any of a lane's bytes
        x, y = x.astype(np.uint8), y.astype(np.uint8)
        wanted = np.abs(x[:, None].astype(int) - y).max(2)
    elif name in {"plain", "sad"}:
        wanted = np.abs(wide_x[:, None] - wide_y).sum(2)
    else:
        wanted = wide_x @ (wide_y - 128 * (name == "bytes")).T
    shifted = y ^ 128 if name == "bytes" else y
    limit = np.uint32(np.median(wanted.astype(np.uint32)))
    terms = (np.zeros(shape.rows, np.uint32), np.zeros(points, np.uint32),
             np.full(shape.rows, limit))  # fmt: skip
    value = panels.largest if name == "maxima" else panels.summed
    kernel = panels.panel(width, shape, value, panels.below)
    values, masks, found = run(
        kernel, packed(x, columns), packed(shifted, columns), 400 // columns, terms, shape, points
    )
    np.testing.assert_array_equal(values, wanted.astype(np.uint32))
    np.testing.assert_array_equal(bits_of(masks, points), values < limit)
    assert found == np.bitwise_or.reduce(masks)


@pytest.mark.parametrize("width", WIDTHS, ids=lambda width: str(width.bits))
def test_squared_distances_wrap_in_32_bits(width):
    """65,000 columns of 255 against 0: beyond 2^31, below 2^32."""
    shape = Shape(emit.short_products, INT32, panels.rows_of(width, INT32))
    points, columns = panels.points_of(width), 65_000
    x = np.zeros((shape.rows, columns), np.uint8)
    y = np.full((points, columns), 255, np.uint8)
    y[0], x[1] = 0, 255
    squares = [(z.astype(np.int64) ** 2).sum(1).astype(np.uint32) for z in (x, y)]
    limits = np.full(shape.rows, 2**32 - 1, np.uint32)
    limits[0] = 1
    kernel = panels.panel(width, shape, panels.expanded, panels.below)
    values, masks, _ = run(kernel, packed(x, 2), packed(y, 2), columns // 2,
                           (*squares, limits), shape, points)  # fmt: skip
    far = 255 * 255 * columns
    assert values[0].tolist() == [0] + [far] * (points - 1)
    assert values[1].tolist() == [far] + [0] * (points - 1)
    assert bits_of(masks, points)[0].tolist() == [True] + [False] * (points - 1)
    assert bits_of(masks, points)[1].all()


@pytest.mark.parametrize("width", WIDTHS, ids=lambda width: str(width.bits))
@pytest.mark.parametrize("step", [emit.float_products, emit.float_differences, emit.float_maxima])
def test_sums_of_floats(width, step):
    rng = np.random.default_rng(1)
    shape = Shape(step, FLOAT, panels.rows_of(width, FLOAT))
    points = panels.points_of(width)
    # Small integers: exact in float32, in any order.
    x = rng.integers(-9, 9, (shape.rows, 77)).astype(np.float32)
    y = rng.integers(-9, 9, (points, 77)).astype(np.float32)
    queries, others = (rng.integers(0, 99, n).astype(np.float32) for n in (shape.rows, points))
    differences = step is not emit.float_products
    sizes = np.abs(x[:, None] - y)
    sums = -2 * (x @ y.T)
    if differences:
        sums = sizes.sum(2) if step is emit.float_differences else sizes.max(2)
    wanted = queries[:, None] + others + sums
    value = panels.float_summed if differences else panels.float_expanded
    kernel = panels.panel(width, shape, value, panels.float_below)
    terms = (queries, others, np.full(shape.rows, np.float32(np.median(wanted))))
    group, panel = (aligned(4 * z.size).view(np.float32) for z in (x, y))
    group[:], panel[:] = x.T.ravel(), y.T.ravel()
    values, masks, _ = run(kernel, group, panel, 77, terms, shape, points)
    np.testing.assert_array_equal(values.view(np.float32), wanted)
    np.testing.assert_array_equal(bits_of(masks, points), wanted < np.median(wanted))


def test_widths_follow_the_machine():
    zen = frozenset({"avx2", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512vnni"})
    assert emit.width_of(zen, "x86_64").bits == 512
    assert emit.width_of(frozenset({"avx2"}), "x86_64")[:2] == (256, 16)
    arm = emit.width_of(frozenset({"neon", "dotprod"}), "aarch64")
    assert arm[:2] == (128, 32)
    assert panels.products(arm).step is emit.byte_products
    assert panels.products(emit.width_of(frozenset({"neon"}), "arm64")).step is emit.short_products
    assert panels.products(emit.width_of(frozenset({"avx2"}), "x86_64")).step is emit.short_products
    assert panels.differences(arm).step is emit.plain_differences
