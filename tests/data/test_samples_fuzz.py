"""Whatever bytes a file holds: samples, or one error that a person can read."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from dlkit.data.config import SampleConfig
from dlkit.data.loading import load
from dlkit.errors import DlkitError


def encoded(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def table() -> bytes:
    file = io.BytesIO()
    rows = [{"x": i * 0.5, "c": "红蓝"[i % 2], "label": "ab"[i % 2]} for i in range(8)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


WHOLE = {
    kind.lower(): encoded(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
}
WHOLE |= {
    "csv": (
        "x,c,label\n" + "".join(f"{i},{'红蓝'[i % 2]},{'ab'[i % 2]}\n" for i in range(8))
    ).encode(),
    "jsonl": "".join(f'{{"x": {i}, "label": "{"ab"[i % 2]}"}}\n' for i in range(8)).encode(),
    "parquet": table(),
}

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["flip", "cut", "drop", "put"]), st.binary(max_size=6)
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits) -> bytes:
    for where, how, extra in edits:
        place = int(where * len(data))
        if how == "flip" and place < len(data):
            data = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        elif how == "cut":
            data = data[:place]
        elif how == "drop":
            data = data[:place] + data[place + len(extra) :]
        else:
            data = data[:place] + extra + data[place:]
    return data


def ended(work):
    """What the work comes to: its result, or the error that ends it."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value
    except DlkitError as error:
        return error


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40, deadline=None)
@given(edits=EDITS, skip=st.booleans())
def test_damaged_files_give_samples_or_one_error(kind, edits, skip):
    data = edited(WHOLE[kind], edits)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if kind in ("csv", "jsonl", "parquet"):
            path = folder / f"t.{kind}"
            path.write_bytes(data)
        else:
            path = folder
            for name in ("a", "b"):
                (folder / name).mkdir()
                for place in range(3):
                    pixels = np.full((9, 7), 20 * place + ord(name), np.uint8)
                    Image.fromarray(pixels).save(folder / name / f"{place}.png")
            (folder / "a" / f"z.{kind}").write_bytes(data)
        work = load([str(path)], SampleConfig(skip_bad=skip, size="4" if path is folder else None))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome = ended(work)
        if isinstance(outcome, DlkitError):
            assert outcome.message
            assert "\n" not in outcome.message
            return
        samples = outcome
        inputs = samples.train.inputs
        assert len(inputs) == len(samples.train.labels)
        assert samples.train.labels.max() < len(samples.classes)
        if samples.kind == "table":
            assert np.isfinite(inputs).all()
