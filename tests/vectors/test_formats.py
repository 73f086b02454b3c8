"""Files of other tools: read exactly, or refused with the row that is wrong."""

from __future__ import annotations

import gzip
import os
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DlkitError
from dlkit.records import Noted
from dlkit.vectors import formats, rows
from dlkit.vectors.formats import read_vectors
from dlkit.vectors.table import Options

WORDS = ["的", "米饭", "New York", "</s>", "[/s]", "-", "-x", "3.5", "it's", "\u00a0", "é" * 50]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 7)).astype(np.float32)
SINGLE = [word for word in WORDS if " " not in word]  # what the binary layout can hold


def read(tmp_path: Path, content: bytes, files, name: str = "v.txt"):
    path = tmp_path / name
    path.write_bytes(content)
    return files.finished(read_vectors(path))


def refused(tmp_path: Path, content: bytes, files, name: str = "v.txt") -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        read(tmp_path, content, files, name)
    assert "\n" not in caught.value.message
    assert name in caught.value.message
    return caught.value


def assert_same(vectors, words, matrix):
    assert [vectors.word(row) for row in range(len(vectors))] == list(words)
    assert vectors.matrix.dtype == np.float32
    assert (vectors.matrix == matrix).all()
    assert np.allclose(vectors.norms, np.linalg.norm(matrix.astype(np.float64), axis=1))


@pytest.mark.parametrize("trailing", [b"", b" "])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("separator", [b" ", b"\t"])
def test_text_is_read_as_it_was_written(tmp_path, files, trailing, end, header, separator):
    written = files.text(
        WORDS, MATRIX, trailing=trailing, end=end, header=header, separator=separator
    )
    vectors, records = read(tmp_path, written, files)
    assert_same(vectors, WORDS, MATRIX)
    label = "word2vec text" if header else "GloVe"
    assert label in records[0].text


def test_text_without_a_last_newline_is_whole(tmp_path, files):
    vectors, _ = read(tmp_path, files.text(WORDS, MATRIX).rstrip(), files)
    assert_same(vectors, WORDS, MATRIX)


@pytest.mark.parametrize("newline", [True, False])
def test_both_binary_variants_are_read(tmp_path, files, newline):
    matrix = MATRIX[: len(SINGLE)]
    vectors, records = read(tmp_path, files.binary(SINGLE, matrix, newline=newline), files)
    assert_same(vectors, SINGLE, matrix)
    assert "binary" in records[0].text


@pytest.mark.parametrize("name", ["v.vec.gz", "v.bin.gz"])
def test_gzip_is_read_whatever_its_name(tmp_path, files, name):
    matrix = MATRIX[: len(SINGLE)]
    writer = (
        files.text(SINGLE, matrix) if "vec" in name else files.binary(SINGLE, matrix, newline=True)
    )
    vectors, _ = read(tmp_path, gzip.compress(writer), files, name)
    assert_same(vectors, SINGLE, matrix)
    vectors, _ = read(tmp_path, gzip.compress(writer), files, "plain.txt")
    assert_same(vectors, SINGLE, matrix)


def test_a_pipe_is_read(tmp_path, files):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(files.text(WORDS, MATRIX),))
    writer.start()
    vectors, _ = files.finished(read_vectors(path))
    writer.join()
    assert_same(vectors, WORDS, MATRIX)


@pytest.mark.parametrize("kind", ["text", "glove", "c", "gensim"])
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6),
        min_size=2,
        max_size=12,
        unique=True,
    ),
    dim=st.integers(2, 6),
    seed=st.integers(0, 2**32),
    at_once=st.integers(1, 90),
)
@settings(max_examples=60, deadline=None)
def test_round_trip_whatever_the_size_of_a_read(
    tmp_path_factory, files, kind, words, dim, seed, at_once
):

    if not words[0].strip("0123456789"):
        words[0] = "w" + words[0]  # a first line of whole numbers alone would be a header
    matrix = np.random.default_rng(seed).standard_normal((len(words), dim)).astype(np.float32)
    if kind in ("text", "glove"):
        content = files.text(words, matrix, header=kind == "text")
    else:
        content = files.binary(words, matrix, newline=kind == "c")
    path = tmp_path_factory.mktemp("v") / "v"
    path.write_bytes(content)
    before = rows.READ, formats.HEAD
    try:
        rows.READ = formats.READ = at_once
        vectors, _ = files.finished(read_vectors(path))
    finally:
        rows.READ, formats.HEAD = before
        formats.READ = rows.READ
    assert_same(vectors, words, matrix)


@pytest.mark.parametrize("length", [99, 100, 101])
@pytest.mark.parametrize("character", ["a", "é", "語", "😀"])
def test_long_words_are_whole(tmp_path, files, length, character):
    word = character * (length // len(character.encode())) + "x" * (
        length % len(character.encode())
    )
    assert len(word.encode()) == length
    matrix = MATRIX[:2]
    for content in (
        files.text([word, "b"], matrix),
        files.binary([word, "b"], matrix, newline=True),
    ):
        vectors, _ = read(tmp_path, content, files)
        assert_same(vectors, [word, "b"], matrix)


@pytest.mark.parametrize("binary", [False, True])
def test_words_cut_inside_a_character_keep_their_bytes_as_escapes(tmp_path, files, binary):
    words = [b"ok", "語".encode()[:2], b"\xff\xfe"]
    content = (
        files.binary(words, MATRIX[:3], newline=True) if binary else files.text(words, MATRIX[:3])
    )
    vectors, records = read(tmp_path, content, files)
    assert_same(vectors, ["ok", "\\xe8\\xaa", "\\xff\\xfe"], MATRIX[:3])
    assert any("2 words" in r.text and "UTF-8" in r.text for r in records if isinstance(r, Noted))


def test_of_words_that_stand_twice_the_first_is_taken_and_it_is_said(tmp_path, files):
    vectors, records = read(tmp_path, files.text(["a", "a", "b", "a"], MATRIX[:4]), files)
    assert_same(vectors, ["a", "b"], MATRIX[[0, 2]])
    assert any("2 words stand twice" in r.text for r in records if isinstance(r, Noted))


def test_decomposed_queries_find_composed_words(tmp_path, files):
    vectors, _ = read(tmp_path, files.text(["café", "cafe\u0301"], MATRIX[:2]), files)
    assert (vectors.row("café"), vectors.row("cafe\u0301")) == (0, 1)  # as typed first
    vectors, _ = read(tmp_path, files.text(["café", "b"], MATRIX[:2]), files)
    assert vectors.row("cafe\u0301") == 0


def test_numbers_in_every_notation_are_read(tmp_path, files):
    content = b"2 4\na 1e-3 -.5 +2 3.\nb 1E5 0 -0 7e+2\n"
    vectors, _ = read(tmp_path, content, files)
    assert vectors.matrix.tolist() == np.float32([[1e-3, -0.5, 2, 3], [1e5, 0, 0, 700]]).tolist()


HUGE = [
    b"1000000000 1000000000\nthe 0.1 0.2\n",
    b"1000000000 300\nthe 0.1 0.2\n",
    b"1000000000 300\nthe \x00\x01\x02\x03",
    b"2 60000\nthe \x00\x01\x02\x03",
    b"9999999999999999999 1\nthe 1\n",
    b"0 5\n",
    b"5 0\na\n",
]


@pytest.mark.parametrize("content", HUGE)
@pytest.mark.parametrize("packed", [False, True])
def test_a_header_is_not_believed_before_the_size_proves_it(tmp_path, files, content, packed):
    tracemalloc.start()
    begun = time.monotonic()
    problem = refused(tmp_path, gzip.compress(content) if packed else content, files)
    if content.startswith(b"1000000000 1000000000"):  # said of gzip too, which has no size
        assert "its header says" in problem.message
    assert time.monotonic() - begun < 1
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", ["text", "c", "gensim"])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, files, layout, packed):
    words, matrix = SINGLE, MATRIX[: len(SINGLE)]
    whole = (
        files.text(words, matrix)
        if layout == "text"
        else files.binary(words, matrix, newline=layout == "c")
    )
    # Cut inside the last number a text is still well formed, so the cuts end before it.
    last = len(whole.rstrip()) - (10 if layout == "text" else 1)
    for length in range(0, last, 7):
        content = whole[:length]
        refused(tmp_path, gzip.compress(content) if packed else content, files)


def test_cut_gzip_data_are_refused(tmp_path, files):
    packed = gzip.compress(files.text(WORDS, MATRIX))
    for content in (packed[:-9], packed[: len(packed) // 2], packed[:40] + b"xx" + packed[42:]):
        refused(tmp_path, content, files)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"3 2\na 1.5 2\nb 1.5\nc 1.5 2\n", "row 2 has 1 numbers"),
        (b"3 2\na 1.5 2\nb x y\nc 1.5 2\n", "row 2 has 0 numbers"),
        (b"3 2\na 1.5 2\nb 1 2 oops\nc 1 2\n", "row 2 has 0 numbers"),
        (b"3 2\na 1.5 2\n\nb 1.5 2\n", "row 2"),
        (b"2 2\na 1 2\n 1 2.5\n", "row 2 has no word"),
        (b"2 2\na 1 2\nb 1 nan\n", r"row 2 \('b'\) .* no finite"),
        (b"2 2\na 1 2\nb 1 -inf\n", "row 2"),
        (b"2 2\na 1 2\nb 1 1e39\n", "row 2"),
        (b"2 2\na 1 2\nb 1 2\nc 1 2\n", "more rows"),
        (b"3 2\na 1.5 2.5\nb 1.5 2.5\n   \n", "ends after 2 of the 3"),
        (b"2 2\na 1 2\nb 1_0 2\n", "row 2 has 1 numbers"),
        (b"a 1 2\nb 1 2\nc 1\n", "row 3 has 1 numbers"),
        (b"a 1 2\nb\nc 1 2\n", "row 2 has 0 numbers"),
        (b"", "empty"),
        (b"\n\n \n", "empty"),
        (b"hello\nworld\n", "no file of word vectors"),
        (b"just some English prose of a few words\n", "no file of word vectors"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path, files, content, message):
    import re

    assert re.search(message, refused(tmp_path, content, files).message)


def test_binary_rows_that_do_not_fit_the_header_are_refused(tmp_path, files):
    whole = files.binary(SINGLE, MATRIX[: len(SINGLE)], newline=True)
    for wrong in (
        whole.replace(b" 7\n", b" 6\n", 1),
        whole + b"more",
        whole.replace(b"%d 7" % len(SINGLE), b"%d 7" % (len(SINGLE) - 1), 1),
    ):
        refused(tmp_path, wrong, files)
    bad = MATRIX[:2].copy()
    bad[1, 3] = np.nan
    assert "row 2" in refused(tmp_path, files.binary(["a", "b"], bad, newline=False), files).message


def test_other_formats_are_named_not_read(tmp_path, files):
    import io
    import pickle
    import zipfile

    array = io.BytesIO()
    np.save(array, MATRIX)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a", "b")
    safetensors = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    for content, what in (
        (array.getvalue(), "NumPy"),
        (pickle.dumps({"a": 1}), "pickle"),
        (archive.getvalue(), "zip"),
        (len(safetensors).to_bytes(8, "little") + safetensors + b"\0" * 4, "safetensors"),
        ((793712314).to_bytes(4, "little") + b"\x0c\0\0\0" * 9, "fastText model"),
        (b"BZh91AY&SY" + b"x" * 50, "bzip2"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"),
    ):
        assert what in refused(tmp_path, content, files).message


@pytest.mark.parametrize("named", ["numpy", "projector", "text"])
def test_other_formats_are_named_whatever_the_user_says_that_they_are(tmp_path, files, named):
    path = tmp_path / "v.npy"
    for content, what in ((b"PK\x03\x04rest", "zip"), (b"%PDF-1.7 x", "PDF")):
        path.write_bytes(content)
        with pytest.raises(DlkitError, match=what) as caught:
            files.finished(read_vectors(path, Options(named=named)))
        assert "all but fastText's .bin also with .gz" in caught.value.hint


def test_a_folder_or_a_missing_file_is_refused(tmp_path, files):
    for path in (tmp_path, tmp_path / "nothing.vec"):
        with pytest.raises(DlkitError):
            files.finished(read_vectors(path))


@given(st.binary(max_size=200), st.sampled_from([b"", b"3 2\n", b"2 1\na 1\n", b"1 2\na "]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, files, content, head):
    path = tmp_path_factory.mktemp("f") / "f"
    path.write_bytes(head + content)
    try:
        vectors, _ = files.finished(read_vectors(path))
    except DlkitError:
        return
    assert len(vectors) >= 1
    assert np.isfinite(vectors.matrix).all()


def test_memory_stays_near_the_size_of_the_matrix(tmp_path, files):
    matrix = np.random.default_rng(0).standard_normal((10_000, 300)).astype(np.float32)
    path = tmp_path / "v.bin"
    path.write_bytes(files.binary([f"w{row}" for row in range(10_000)], matrix, newline=True))
    before = rows.READ, formats.HEAD
    try:
        rows.READ = formats.READ = formats.HEAD = 1 << 16
        tracemalloc.start()
        files.finished(read_vectors(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    finally:
        rows.READ, formats.HEAD = before
        formats.READ = rows.READ
    assert peak < 1.7 * matrix.nbytes
