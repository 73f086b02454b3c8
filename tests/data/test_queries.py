"""What is to be predicted is read in the artifact's form, and never its labels."""

from __future__ import annotations

import io
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.ipc
import pytest
from PIL import Image
from pyarrow import parquet

from dlkit.data import images, queries
from dlkit.data.config import SampleConfig
from dlkit.data.forms import Column, ImageForm, TableForm, TextForm
from dlkit.data.queries import read_queries, told_queries
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Step, Warned

GREY = ImageForm(4, 4, 1)
TABLE = TableForm((Column("x", 7.0), Column("c", levels=("红", "蓝"))))


def read(*inputs, form=GREY, stdin=None, **config):
    work = read_queries(
        [str(each) for each in inputs],
        form,
        SampleConfig(**config),
        stdin=None if stdin is None else io.BytesIO(stdin),
    )
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as end:
            said = "\n".join(r.text for r in records if isinstance(r, (Noted, Warned)))
            return SimpleNamespace(split=end.value, said=said)


def refused(*inputs, **config) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        read(*inputs, **config)
    return caught.value


def png(seed: int, *shape: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, shape or (4, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def pictures(tmp_path):
    for seed, name in enumerate(("b.png", "a.png", "深/c.png")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(seed))
    return tmp_path


def test_files_folders_patterns_and_standard_input(pictures):
    names = lambda got: [path.rsplit("/", 1)[-1] for path in got.split.paths]
    assert names(read(pictures / "b.png", pictures / "a.png")) == ["b.png", "a.png"]
    assert names(read(pictures)) == ["a.png", "b.png", "c.png"]
    assert names(read(f"{pictures}/*.png")) == ["a.png", "b.png"]
    got = read("-", pictures / "a.png", stdin=png(9))
    assert names(got) == ["standard input", "a.png"]
    assert got.split.labels.tolist() == [-1, -1]
    assert got.split.images.shape == (2, 4, 4, 1)


def test_images_are_made_to_the_artifacts_form_and_it_is_said(tmp_path):
    (tmp_path / "x.png").write_bytes(png(0, 8, 6, 3))
    got = read(tmp_path / "x.png")
    assert got.split.images.shape == (1, 4, 4, 1)
    assert "1 image made grey" in got.said
    assert "1 image resized" in got.said


def test_what_is_done_to_images_of_several_calls_is_counted_together(tmp_path):
    tally, records = Counter(), []
    for seed, name in enumerate(("x.png", "y.png", "z.png")):
        (tmp_path / name).write_bytes(png(seed, 8, 6))
        batch = read_queries([str(tmp_path / name)], GREY, SampleConfig(), tally=tally)
        records += list(batch)
    assert not any(isinstance(record, Noted) for record in records)
    assert [note.text for note in told_queries(tally)] == ["queries: 3 images resized"]


def test_a_bad_query_is_named_and_can_be_skipped(pictures):
    (pictures / "z.png").write_bytes(b"x")
    assert "z.png: no image" in refused(pictures).message
    got = read(pictures, skip_bad=True)
    assert len(got.split) == 3
    assert "1 bad image" in got.said


def test_a_table_of_images_is_read(pictures):
    (pictures / "list.csv").write_text("file_name\nb.png\n深/c.png\n", encoding="utf-8")
    got = read(pictures / "list.csv")
    assert got.split.paths == [f"{pictures / 'list.csv'}:{line}" for line in (2, 3)]


def test_tables_are_encoded_by_the_artifacts_rules(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("label,c,x\n?,蓝,1\n,绿,\n", encoding="utf-8")
    got = read(path, form=TABLE)
    assert got.split.rows.tolist() == [[1, 0, 1], [7, 0, 0]]
    assert "1 column not read: label" in got.said
    assert "1 missing value (x 1)" in got.said
    assert "1 word that training has not (c 1)" in got.said
    path.write_text("c,y\n蓝,1\n", encoding="utf-8")
    assert "has no column x" in refused(path, form=TABLE).message


def test_texts_are_lines_that_keep_their_places(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("很好吃\n\n不好\n", encoding="utf-8")
    got = read(path, "-", form=TextForm(), stdin="太慢了\n".encode())
    assert got.split.texts == ["很好吃", "", "不好", "太慢了"]
    assert got.split.paths == [f"{path}:1", f"{path}:2", f"{path}:3", "-:1"]
    table = tmp_path / "t.csv"
    table.write_text("review,label\n很好,1\n", encoding="utf-8")
    assert read(table, form=TextForm()).split.texts == ["很好"]


@pytest.mark.parametrize(
    ("inputs", "form", "said", "code"),
    [
        ([], GREY, "nothing to predict", USAGE),
        (["missing.png"], GREY, "no such file", 1),
        (["*.nothing"], GREY, "no file is like", 1),
        (["-"], GREY, "no standard input", USAGE),
        (["-"], TABLE, "there is no standard input to read", USAGE),
    ],
)
def test_what_names_nothing_is_refused(inputs, form, said, code):
    error = refused(*inputs, form=form)
    assert said in error.message
    assert error.code == code


def test_a_folder_without_images_and_no_table_are_refused(tmp_path):
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    assert "no images in the folder" in refused(tmp_path).message
    assert "is no table" in refused(tmp_path / "a.md", form=TABLE).message


def test_standard_input_that_is_not_utf_8_is_named():
    assert "byte 1 is not valid UTF-8" in refused("-", form=TextForm(), stdin=b"a\xff").message


def test_a_table_of_images_is_read_as_it_is_decoded(tmp_path, monkeypatch):
    table = pyarrow.table({"image": [png(seed % 9) for seed in range(900)]})
    parquet.write_table(table, tmp_path / "q.parquet")
    held = 0
    real = queries.image_content

    def counting(cell, folder):
        nonlocal held
        held += 1
        return real(cell, folder)

    monkeypatch.setattr(queries, "image_content", counting)
    monkeypatch.setattr(images, "cores", lambda: 1)
    work = read_queries([str(tmp_path / "q.parquet")], GREY, SampleConfig())
    first = next(record for record in work if isinstance(record, Step))
    assert held < 600
    assert (first.done, first.total) == (images.Canvas(1, None, None, at_once=1).at_once(), 900)
    got = read(tmp_path / "q.parquet", tmp_path / "q.parquet")
    assert got.split.paths[::899] == [f"{tmp_path / 'q.parquet'}:{row}" for row in (1, 900, 899)]
    assert np.array_equal(got.split.images[0], got.split.images[9])


def test_an_arrow_stream_of_images_is_counted_first(tmp_path):
    table = pyarrow.table({"image": [png(seed) for seed in range(5)]})
    with pyarrow.ipc.new_stream(str(tmp_path / "q.arrow"), table.schema) as file:
        file.write_table(table)
    assert len(read(tmp_path / "q.arrow").split) == 5
