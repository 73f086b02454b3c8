"""Vectors and words in two files, and compressed files: read exactly, or refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned
from dlkit.vectors.formats import read_table, read_vectors
from dlkit.vectors.table import Options

MATRIX = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
WORDS = ["的", "米饭", "New York"]


def array(matrix=MATRIX) -> bytes:
    stream = io.BytesIO()
    np.save(stream, matrix)
    return stream.getvalue()


def put(folder, content: bytes, words="的\n米饭\nNew York\n", name="v.npy", beside="v.vocab.txt"):
    (folder / name).write_bytes(content)
    if words is not None:
        (folder / beside).write_bytes(words.encode())
    return folder / name


def refused(path, files, options=None) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        files.finished(read_table(path, options))
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8"])
def test_arrays_of_every_floating_type_are_read_as_float32(tmp_path, files, dtype):
    matrix = MATRIX.astype(dtype)
    table, records = files.finished(read_table(put(tmp_path, array(matrix))))
    assert table.words == [word.encode() for word in WORDS]
    assert table.matrix.dtype == np.float32
    assert (table.matrix == matrix.astype(np.float32)).all()
    assert str(matrix.dtype) in records[0].text


def test_version_2_of_the_header_is_read(tmp_path, files):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, MATRIX, version=(2, 0))
    table, _ = files.finished(read_table(put(tmp_path, stream.getvalue())))
    assert (table.matrix == MATRIX).all()


def test_vectors_of_similar_are_read_from_two_files_too(tmp_path, files):
    vectors, _ = files.finished(read_vectors(put(tmp_path, array())))
    assert vectors.word(2) == "New York"
    assert vectors.counts() is None
    path = put(tmp_path, array(), "的\t9\n米饭\t5\nNew York\t0\n")
    vectors, _ = files.finished(read_vectors(path))
    assert vectors.row("New York") == 2
    assert vectors.counts().tolist() == [9, 5, 0]


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (array(), None, "no v.vocab.txt beside it"),
        (array(), "a\nb\n", "more than 2 rows"),
        (array(), "a\nb\nc\nd\n", "3 rows, and the file of its words has 4"),
        (array(), "a\n\nc\n", "line 2"),
        (array(), "a\t1\nb\nc\t1\n", "line 2 has 1 columns"),
        (array(), "a\t1\nb\tx\nc\t1\n", "line 2: the count is 'x'"),
        (array(), "a\t1\nb\t-1\nc\t1\n", "line 2"),
        (array(), f"a\t1\nb\t{2**63}\nc\t1\n", "line 2"),
        (array(), f"a\t1\nb\t{'9' * 5000}\nc\t1\n", "line 2"),
        (array()[:-1], "a\nb\nc\n", "the file has"),
        (array() + b"x", "a\nb\nc\n", "more bytes"),
        (array(MATRIX.astype(int)), "a\nb\nc\n", "int64"),
        (array(MATRIX[0]), "a\n", "4 float32"),
        (array(np.asfortranarray(MATRIX)), "a\nb\nc\n", "Fortran"),
        (array(np.array([["x"]], dtype=object)), "a\n", "object"),
        (array(np.empty((0, 3), np.float32)), "", "0 x 3"),
        (array(np.full((1, 2), 1e39)), "a\n", "row 1 .* no finite"),
        (b"\x93NUMPY\x09\x00" + b"x" * 90, "a\n", "no header"),
        (b"\x93NUMPY\x01\x00\x10\x00" + b"{'descr': evil()", "a\n", "no header"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_array_is_said(tmp_path, files, content, words, message):
    import re

    assert re.search(message, refused(put(tmp_path, content, words), files).message)


def test_a_packed_array_that_is_cut_off_is_refused(tmp_path, files):
    table, _ = files.finished(read_table(put(tmp_path, gzip.compress(array()), name="v.npy.gz")))
    assert (table.matrix == MATRIX).all()
    packed = gzip.compress(array()[:-5])
    assert "ends after 2 of its 3" in refused(put(tmp_path, packed, name="v.npy.gz"), files).message


TABLE = "\n".join("\t".join(str(x) for x in row) for row in MATRIX).encode()


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("v.tsv", "v.metadata.tsv"),
        ("vectors.tsv", "metadata.tsv"),
        ("x_tensor.tsv", "x_metadata.tsv"),
    ],
)
@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("的\n米饭\nNew York\n", None),
        ("word\tcount\n的\t3\n米饭\t2\nNew York\t1\n", [3, 2, 1]),
        ("count\tother\tword\n3\tx\t的\n2\tx\t米饭\n1\tx\tNew York", [3, 2, 1]),
        ("label\tkind\n的\tx\n米饭\ty\nNew York\tz\n", None),
        ("的\r\n米饭\r\nNew York\r\n", None),
    ],
)
def test_projector_tables_are_read_under_every_name(
    tmp_path, files, end, name, beside, words, counts
):
    path = put(tmp_path, TABLE + end, words, name=name, beside=beside)
    table, _ = files.finished(read_table(path))
    assert table.words == [word.encode() for word in WORDS]
    assert table.counts == counts
    assert (table.matrix == MATRIX).all()


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (b"1\t2\n3\n", "a\nb\n", "row 2 has 1 numbers, not 2"),
        (b"1\t2\n3\tx\n", "a\nb\n", "rows 1 to 2"),
        (b"1\t2\n", "a\nb\n", "1 rows, and the file of its words has 2"),
        (b"1\t2\n3\tnan\n", "a\nb\n", "row 2"),
        (b"1\t2\n", None, "no v.metadata.tsv beside it"),
    ],
)
def test_what_is_wrong_with_a_projectors_table_is_said(tmp_path, files, content, words, message):
    path = put(tmp_path, content, words, name="v.tsv", beside="v.metadata.tsv")
    assert message in refused(path, files).message


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_and_damage_is_found(tmp_path, files, pack):
    content = b"3 4\n" + b"".join(
        b"w%d %s\n" % (row, b" ".join(str(x).encode() for x in MATRIX[row])) for row in range(3)
    )
    packed = pack(content)
    path = put(tmp_path, packed, None, name="v.vec.any")
    table, _ = files.finished(read_table(path))
    assert (table.matrix == MATRIX).all()
    assert table.label == "fastText .vec"
    for bad in (packed[:-6], packed[: len(packed) // 2], packed[:30] + b"\xff\xff" + packed[32:]):
        assert "damaged" in refused(put(tmp_path, bad, None, name="v.bin"), files).message


@given(
    st.binary(max_size=300),
    st.sampled_from([b"\x93NUMPY\x01\x00", b"BZh9", b"\xfd7zXZ\x00", b"\x1f\x8b\x08"]),
)
@settings(max_examples=100, deadline=None)
def test_any_bytes_behind_a_known_beginning_are_refused(tmp_path_factory, files, content, head):
    refused(put(tmp_path_factory.mktemp("f"), head + content), files)


def test_only_the_first_rows_are_read_where_asked(tmp_path, files):
    path = put(tmp_path, array())
    for restrict, count in ((1, 1), (2, 2), (3, 3), (9, 3)):
        table, records = files.finished(read_table(path, Options(restrict=restrict)))
        assert len(table.words) == len(table.matrix) == count
        assert any("first" in r.text for r in records if isinstance(r, Noted)) == (count < 3)


def test_half_precision_is_rounded_once_and_its_limits_are_told(tmp_path, files):
    text = b"3 2\na 0.1 65504\nb 1e-9 -1e-10\nc 3 4\n"
    path = put(tmp_path, text, None, name="v.txt")
    table, records = files.finished(read_table(path, Options(dtype="float16")))
    assert table.matrix.dtype == np.float16
    assert (table.matrix == np.float16([[0.1, 65504], [0, 0], [3, 4]])).all()
    assert [r.text for r in records if isinstance(r, Warned)] == [
        "1 vectors of v.txt are all zeros in float16"
    ]
    path = put(tmp_path, text.replace(b"65504", b"65520"), None, name="v.txt")
    problem = refused(path, files, Options(dtype="float16"))
    assert "row 1 ('a')" in problem.message


def test_words_that_are_not_utf8_are_refused_where_asked(tmp_path, files):
    path = put(tmp_path, b"2 1\na 1.5\n\xff 2.5\n", None, name="v.txt")
    problem = refused(path, files, Options(escape=False))
    assert "row 2" in problem.message
    assert "--lossy" in problem.hint
    table, _ = files.finished(read_table(path))
    assert (table.words, table.escaped) == ([b"a", b"\\xff"], 1)


def test_repeated_words_keep_their_first_row_and_count(tmp_path, files):
    words = "a\t9\nb\t8\na\t7\n"
    table, _ = files.finished(read_table(put(tmp_path, array(), words)))
    assert (table.words, table.counts, table.repeated) == ([b"a", b"b"], [9, 8], 1)
    assert (table.matrix == MATRIX[:2]).all()


def test_many_repeated_words_among_many_rows_move_the_right_rows(tmp_path, files):
    matrix = np.arange(40_000, dtype=np.float32).reshape(20_000, 2)
    names = np.random.default_rng(0).integers(0, 9_000, len(matrix))
    words = "".join(f"w{name}\n" for name in names)
    table, _ = files.finished(read_table(put(tmp_path, array(matrix), words)))
    _, rows = np.unique(names, return_index=True)
    assert (table.matrix == matrix[np.sort(rows)]).all()
