"""Lists of numbers in tables, and what rows of every kind of table are called."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from dlkit.data.config import SampleConfig
from dlkit.data.forms import TextForm
from dlkit.data.frames import open_frame
from dlkit.data.loading import load
from dlkit.data.queries import read_queries
from dlkit.errors import DlkitError

VECTORS = np.random.default_rng(0).normal(size=(24, 5)).round(3)
ROWS = [{"n": i % 4 + 0.5, "emb": VECTORS[i].tolist(), "label": "ab"[i % 2]} for i in range(24)]


def run(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def written(folder, kind: str, rows=ROWS):
    path = folder / f"t.{kind}"
    if kind == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif kind == "fixed.parquet":
        table = pyarrow.Table.from_pylist(rows)
        fixed = table["emb"].combine_chunks().cast(pyarrow.list_(pyarrow.float64(), 5))
        parquet.write_table(table.set_column(1, "emb", fixed), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["parquet", "fixed.parquet", "jsonl", "json"])
def test_a_list_is_a_column_for_each_of_its_numbers(tmp_path, kind):
    samples = run(load([str(written(tmp_path, kind))], SampleConfig()))
    assert samples.columns == ("n", *(f"emb[{place}]" for place in range(5)))
    for row, path in zip(samples.train.rows, samples.train.paths, strict=True):
        place = int(path.rpartition(":")[2]) - 1
        assert np.allclose(row, [place % 4 + 0.5, *VECTORS[place]])
    picked = run(load([str(written(tmp_path, kind))], SampleConfig(columns=("emb[3]",))))
    assert picked.columns == ("emb[3]",)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_list_of_another_length_is_refused_with_its_row(tmp_path, kind):
    for place in (3, 0):
        rows = [dict(row) for row in ROWS]
        rows[place]["emb"] = [1.0, 2.0]
        path = written(tmp_path, kind, rows)
        with pytest.raises(DlkitError) as caught:
            run(load([str(path)], SampleConfig()))
        message = caught.value.message
        assert message.startswith(f"{path}:{place + 1 if place else 2}: emb has ")
        assert f"in the first row {5 if place else 2}" in message


def test_a_missing_list_lacks_all_of_its_numbers(tmp_path):
    rows = [dict(row) for row in ROWS]
    rows[7]["emb"] = None
    samples = run(load([str(written(tmp_path, "jsonl", rows))], SampleConfig()))
    both = {p: r for s in samples.splits.values() for p, r in zip(s.paths, s.rows, strict=True)}
    medians = [column.fill for column in samples.form.sources[1:]]
    assert np.allclose(both[f"{tmp_path / 't.jsonl'}:8"][1:], medians)


def test_a_column_of_the_name_of_a_lists_number_is_refused(tmp_path):
    rows = [{"emb[1]": 1.0} | row for row in ROWS]
    with pytest.raises(DlkitError, match="have one name"):
        run(load([str(written(tmp_path, "json", rows))], SampleConfig()))


def test_lists_of_words_are_left_out(tmp_path):
    rows = [{"tags": ["a", "b"]} | row for row in ROWS]
    for kind in ("json", "parquet"):
        samples = run(load([str(written(tmp_path, kind, rows))], SampleConfig()))
        assert "tags" not in "".join(samples.columns)


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("t.csv", 'a,b\n"1\n",2\n\n3,4\n', (2, 5)),
        ("t.tsv", "a\tb\n1\t2\n3\t4\n", (2, 3)),
        ("t.jsonl", '{"a": 1}\n\n{"a": 2}\n', (1, 3)),
        ("t.json", '[{"a": 1}, {"a": 2}]', (1, 2)),
        ("t.json", '[\n{"a": 1},\n\n{"a": 2}]', (1, 2)),
    ],
)
def test_rows_are_called_by_path_and_line_and_of_arrays_by_number(
    tmp_path, monkeypatch, name, content, places
):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = tmp_path / "d" / name
    for path in (given, given.relative_to(tmp_path)):
        rows = open_frame([path], SampleConfig()).rows(["a"])
        assert [row.place for row in rows] == [f"{path}:{place}" for place in places]


def test_texts_of_a_folder_are_predicted_a_file_each(tmp_path):
    (tmp_path / "深").mkdir()
    (tmp_path / "深" / "b.txt").write_text("二\n行\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("  一\n", encoding="utf-8")
    (tmp_path / "c.md").write_text("no", encoding="utf-8")
    split = run(read_queries([str(tmp_path)], TextForm(), SampleConfig()))
    assert split.texts == ["一", "二\n行"]
    assert split.paths == [str(tmp_path / "a.txt"), os.path.join(tmp_path, "深", "b.txt")]
    (tmp_path / "e").mkdir()
    with pytest.raises(DlkitError, match=r"no \.txt files"):
        run(read_queries([str(tmp_path / "e")], TextForm(), SampleConfig()))
