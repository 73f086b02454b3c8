"""PCA and ZCA make the same row of an input, whatever is beside it and however many threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from dlkit.data.scaling import Pca, Zca

CODE = """
import hashlib, numpy as np
from dlkit.data.scaling import Pca, Zca
random = np.random.default_rng(5)
digest = hashlib.sha256()
for cls, shape in ((Pca, (300, 40)), (Zca, (300, 300))):
    matrix, offset = random.normal(size=shape).astype("f4"), random.normal(size=shape[1])
    step = cls(matrix, offset.astype("f4"), *((1.0,) if cls is Pca else ()))
    for inputs in (random.integers(0, 256, (200, 300), np.uint8), random.normal(size=(200, 300))):
        digest.update(step.apply(inputs).tobytes())
print(digest.hexdigest())
"""


def inputs_of(kind):
    random = np.random.default_rng(1)
    if kind == "bytes":
        return random.integers(0, 256, (150, 700), dtype=np.uint8)
    sizes = np.exp(3 * random.normal(size=700))
    return (random.normal(size=(150, 700)) * sizes).astype(np.float32)


@pytest.mark.parametrize("kind", ["bytes", "floats"])
@pytest.mark.parametrize("step", [lambda x: Pca.fit(x, 50), Zca.fit], ids=["pca", "zca"])
def test_an_input_alone_has_the_row_that_it_has_in_a_batch(kind, step):
    inputs = inputs_of(kind)
    fitted = step(inputs)
    whole = fitted.apply(inputs)
    for size in (1, 2, 7):
        parts = [fitted.apply(inputs[i : i + size]) for i in range(0, len(inputs), size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_rows_are_those_of_exact_products(kind):
    inputs = inputs_of(kind)
    fitted = Pca.fit(inputs, 20)
    exact = inputs.astype(np.longdouble) @ fitted.matrix.astype(np.longdouble) + fitted.offset
    sizes = np.abs(inputs.astype(float)) @ np.abs(fitted.matrix) + np.abs(fitted.offset)
    off = np.abs(fitted.apply(inputs) - exact) / sizes
    assert off.max() < 2**-23


def test_the_number_of_threads_changes_no_bit():
    found = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "4")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 2 * hashlib.sha256().digest_size


def test_zeros_and_very_small_or_large_numbers_are_projected():
    matrix, offset = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    inputs = np.array([[0, 0, 0], [1e-40, 0, 0], [0, 3e38, 0]], np.float32)
    np.testing.assert_array_equal(Pca(matrix, offset, 1.0).apply(inputs), inputs)
