"""The vector emitters, each alone, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from dlkit import llvm
from dlkit.word2vec.kernels import vector as v
from dlkit.word2vec.kernels.memory import aligned


def run(emit, *vectors, out=1):
    """Run emitted code on float vectors: ``emit(b, sources, results)`` gets their addresses."""

    @intrinsic
    def operation(_typing, source, result):
        def generate(context, b, _signature, operands):
            source, result = operands
            size = v.VECTOR_BYTES
            sources = [b.add(source, llvm.integer(i * size)) for i in range(len(vectors))]
            emit(b, sources, [b.add(result, llvm.integer(i * size)) for i in range(out)])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    @njit
    def call(source, result):
        operation(source, result)

    source, result = aligned(max(len(vectors), 1), 8), aligned(out, 8)
    for row, vector in zip(source, vectors, strict=False):
        row[:] = vector
    call(source.ctypes.data, result.ctypes.data)
    return result


def lanes(function):
    """An emitter that loads its vectors, applies ``function(b, *values)`` and stores the value."""

    def emit(b, sources, results):
        v.store(b, function(b, *[v.load(b, source) for source in sources]), results[0])

    return emit


A, B, C = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)


def test_stored_is_what_was_loaded():
    assert np.array_equal(run(lanes(lambda b, x: x), A)[0], A)


def test_multiply_add_is_within_one_rounding_of_numpy():
    result = run(lanes(v.multiply_add), A, B, C)[0]
    exact = A.astype(np.float64) * B + C
    assert np.abs(result - exact).max() < 2e-7


def test_add_is_exact():
    assert np.array_equal(run(lanes(v.add), A, B)[0], A + B)


def test_shuffle_picks_from_both():
    result = run(lanes(lambda b, x, y: llvm.shuffle(b, x, y, [0, 8, 15, 7, 3, 3, 9, 1])), A, B)[0]
    assert np.array_equal(result, [A[0], B[0], B[7], A[7], A[3], A[3], B[1], A[1]])


def test_broadcast_fills_all_lanes_with_one_float():
    def emit(b, sources, results):
        scalar = v.load_float(b, b.add(sources[0], llvm.integer(4 * 3)))
        v.store(b, v.broadcast(b, scalar), results[0])

    assert np.array_equal(run(emit, A)[0], np.full(8, A[3]))


@pytest.mark.parametrize("number", range(1, 9))
def test_lane_sums_reduce_each_vector_to_its_own_lane(number):
    vectors = np.random.default_rng(number).normal(size=(number, 8)).astype(np.float32)
    result = run(lanes(lambda b, *x: v.lane_sums(b, x)), *vectors)[0]
    assert np.allclose(result[:number], vectors.sum(axis=1), atol=1e-6)
    assert not result[number:].any()


def test_clamp_bounds_both_sides_and_replaces_nan():
    x = np.array([-1e9, -3, -2, 0, 2, 3, np.inf, np.nan], np.float32)
    result = run(lanes(lambda b, x: v.clamp(b, x, 2.0)), x)[0]
    assert np.array_equal(result, [-2, -2, -2, 0, 2, 2, 2, 2])


@pytest.fixture(scope="module")
def sigmoid():
    @intrinsic
    def operation(_typing, source, result):
        def generate(context, b, _signature, operands):
            v.store(b, v.sigmoid(b, v.load(b, operands[0])), operands[1])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    @njit
    def call(source, result):
        operation(source, result)

    def apply(x):
        source, result = aligned(8), aligned(8)
        source[:] = x
        call(source.ctypes.data, result.ctypes.data)
        return result

    return apply


def test_sigmoid_is_within_3e_7_everywhere(sigmoid):
    for x in np.linspace(-40, 40, 8000).reshape(-1, 8).astype(np.float32):
        assert np.abs(sigmoid(x) - 1 / (1 + np.exp(-x.astype(np.float64)))).max() < 3e-7


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False))
def test_sigmoid_is_finite_and_between_0_and_1_for_any_float(sigmoid, x):
    result = sigmoid(np.full(8, x, np.float32))
    assert np.all((result >= 0) & (result <= 1))


@pytest.mark.parametrize(("stop", "start", "step"), [(0, 0, 1), (5, 0, 1), (5, 1, 2), (3, 3, 1)])
def test_loop_runs_as_often_as_range(stop, start, step):
    def emit(b, sources, results):
        total = v.Register(b, v.filled(0.0))

        def body(i):
            number = v.broadcast(b, b.sitofp(i, llvm.FLOAT))
            total.add_product(number, v.filled(1.0))
            total.set(v.add(b, total.get(), v.filled(100.0)))

        llvm.loop(b, ir.Constant(llvm.INT64, stop), body, start=start, step=step)
        v.store(b, total.get(), results[0])

    turns = range(start, stop, step)
    assert run(emit)[0, 0] == sum(turns) + 100 * len(turns)


def test_prefetch_changes_nothing():
    def emit(b, sources, results):
        v.prefetch(b, sources[0], llvm.integer(416))
        v.store(b, v.load(b, sources[0]), results[0])

    assert np.array_equal(run(emit, A)[0], A)


def test_addresses_are_read_from_arrays():
    def emit(b, sources, results):
        wide = b.zext(
            b.trunc(v.load_address(b, v.at(b, sources[0], llvm.integer(1), 8)), llvm.INT32),
            llvm.INT64,
        )
        v.store(b, v.broadcast(b, b.sitofp(wide, llvm.FLOAT)), results[0])

    packed = np.array([7, 11, 13, 17], np.int64).view(np.float32)
    assert run(emit, packed)[0, 0] == 11
