"""Tables from standard input: learnt from whole, predicted a batch of rows at a time."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from dlkit.data import spool
from dlkit.data.config import SampleConfig
from dlkit.data.forms import Column, TableForm
from dlkit.data.loading import load
from dlkit.data.streaming import batches
from dlkit.errors import DlkitError

ROWS = [{"a": n % 7, "色": "红蓝"[n % 2], "label": "xy"[n % 2]} for n in range(40)]
FORM = TableForm((Column("a"), Column("色", levels=("红", "蓝"))))


def delimited(mark: str, rows=ROWS) -> bytes:
    lines = [mark.join(rows[0]), *(mark.join(map(str, row.values())) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def columnar() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), file)
    return file.getvalue()


JSON_LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
FORMS = {
    "csv": (delimited(","), 2),
    "semicolons": (delimited(";"), 2),
    "tsv": (delimited("\t"), 2),
    "json lines": (JSON_LINES, 1),
    "json": (json.dumps(ROWS).encode(), 1),
    "a mark": (b"\xef\xbb\xbf" + delimited(","), 2),
}
WHOLE = FORMS | {"parquet": (columnar(), 1), "gzip": (gzip.compress(delimited(",")), 2)}


def run(work):
    said = []
    while True:
        try:
            said.append(getattr(next(work), "text", ""))
        except StopIteration as end:
            return SimpleNamespace(got=end.value, said="\n".join(said))


@pytest.fixture
def stdin(monkeypatch):
    def give(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@pytest.mark.parametrize("form", WHOLE)
def test_a_table_is_learnt_from_whatever_its_format(stdin, form):
    content, first = WHOLE[form]
    stdin(content)
    found = run(load(["-"], SampleConfig()))
    samples = found.got
    assert (samples.name, samples.origin, samples.classes) == ("stdin", ("-",), ("x", "y"))
    assert "standard input is not kept" in found.said
    both = [*samples.train.paths, *samples.test.paths]
    assert sorted(both) == sorted(f"-:{place + first}" for place in range(40))
    place = int(samples.train.paths[3].partition(":")[2]) - first
    assert samples.train.rows[3].tolist() == [place % 7, place % 2 == 0, place % 2 == 1]


def test_arrays_are_learnt_from(stdin):
    file = io.BytesIO()
    np.savez(file, X=np.random.default_rng(0).normal(size=(20, 2)), y=np.arange(20) % 2)
    stdin(file.getvalue())
    assert run(load(["-"], SampleConfig())).got.columns == ("x0", "x1")


def test_what_came_is_kept_for_the_user_alone(stdin):
    path = spool.spooled(io.BytesIO(delimited(",")))
    assert (str(path), str(path.parent)) == ("-", ".")
    assert Path(os.fspath(path)).parent.stat().st_mode & 0o777 == 0o700
    assert path.read_bytes() == delimited(",")


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_nothing_at_standard_input_is_said(stdin, content):
    stdin(content)
    with pytest.raises(DlkitError, match="standard input is empty"):
        run(load(["-"], SampleConfig()))


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_predicted_in_batches_that_grow(form):
    content, first = FORMS[form]
    splits = [run(batch).got for batch in batches(["-"], FORM, SampleConfig(), io.BytesIO(content))]
    assert [len(split) for split in splits] == [1, 2, 4, 8, 16, 9]
    assert [path for split in splits for path in split.paths] == [
        f"-:{place + first}" for place in range(40)
    ]
    rows = np.concatenate([split.rows for split in splits])
    assert rows.tolist() == [[n % 7, n % 2 == 0, n % 2 == 1] for n in range(40)]


def test_the_first_answer_leaves_before_the_second_row_has_come():
    lines = [b"label,a\n", b"x,5\n", b"y,6\n"]

    class Slow:
        def read1(self, size):
            return lines.pop(0) if lines else b""

        read = read1

    work = batches(["-"], TableForm((Column("a"),)), SampleConfig(), Slow())
    found = run(next(work))
    assert found.got.rows.tolist() == [[5]]
    assert "1 column not read: label" in found.said
    assert len(lines) == 1
    second = run(next(work))
    assert second.got.paths == ["-:3"]
    assert second.said == ""


def test_a_table_without_names_and_lists_in_json_are_predicted():
    plain = TableForm((Column("column 2"),))
    work = batches(["-"], plain, SampleConfig(), io.BytesIO(b"1,2\n3,4\n"))
    assert [run(batch).got.rows.tolist() for batch in work] == [[[2]], [[4]]]
    lists = TableForm((Column("v[1]"),))
    work = batches(["-"], lists, SampleConfig(), io.BytesIO(b'{"v": [1, 2]}\n{"v": [3, 4]}\n'))
    assert [run(batch).got.rows.tolist() for batch in work] == [[[2]], [[4]]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no rows"),
        (b"a,\xe8\x89\xb2\n", "has no rows"),
        (b"b,c\n1,2\n", "has no column a"),
        (b'{"b": 1}', "has no column a"),
        (b"[1]", "is no object"),
        ("a,色\n1\n".encode(), "line 2 has 1 cell, but there are 2 columns"),
        ("a,色\nwhat,红\n".encode(), "-:2: column a: 'what' is not a number"),
        (b"a,\xff\n", "byte 2 (0xff) is not valid UTF-8"),
        (columnar(), "is parquet, which is read in places"),
    ],
)
def test_what_is_no_table_of_the_artifacts_columns_is_refused(content, said):
    work = batches(["-"], FORM, SampleConfig(), io.BytesIO(content))
    with pytest.raises(DlkitError) as caught:
        list(map(run, work))
    assert said in caught.value.message
