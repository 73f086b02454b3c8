"""What is written is what the formats' definitions say, and reads back bit for bit."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlkit.errors import DlkitError
from dlkit.vectors import writing
from dlkit.vectors.arrays import words_file
from dlkit.vectors.formats import read_table
from dlkit.vectors.lexicon import Lexicon
from dlkit.vectors.table import Options

WORDS = ["的".encode(), b"New", b"</s>"]
MATRIX = np.float32([[0.1, -2], [1e-5, 0], [3, 16777216]])
CHARACTERS = st.characters(exclude_characters="\0\t\n\x0b\x0c\r ", exclude_categories=["Cs"])
SUFFIX = {"numpy": ".npy", "projector": ".tsv", "binary": ".bin", "fasttext": ".vec"}


def written(layout, words=WORDS, matrix=MATRIX, **options) -> bytes:
    stream = io.BytesIO()
    list(writing.write_vectors(stream, layout, words, matrix, **options))
    return stream.getvalue()


def back(folder: Path, layout, words, matrix, files, *, counts=None, named=None, **options):
    path = folder / f"v{SUFFIX.get(layout, '.txt')}"
    path.write_bytes(written(layout, words, matrix, **options))
    if layout in writing.IN_TWO:
        content = writing.words_text(layout, words, counts)
        words_file(path, numpy=layout == "numpy").write_bytes(content)
    return files.finished(read_table(path, Options(named)))[0]


def test_the_bytes_are_those_of_the_formats():
    rows = "的 0.1 -2.0\nNew 1e-05 0.0\n</s> 3.0 16777216.0\n".encode()
    assert written("glove") == rows.replace(b"16777216.0", b"1.6777216e+07")
    assert written("text") == b"3 2\n" + written("glove")
    assert written("fasttext") == written("text")
    raw = [MATRIX[row].astype("<f4").tobytes() for row in range(3)]
    assert written("binary") == b"3 2\n" + b"".join(
        word + b" " + values + b"\n" for word, values in zip(WORDS, raw, strict=True)
    )
    assert written("projector") == b"0.1\t-2.0\n1e-05\t0.0\n3.0\t1.6777216e+07\n"


def test_a_numpy_array_is_what_numpy_saves():
    for dtype in ("float32", "float16"):
        saved = io.BytesIO()
        matrix = MATRIX.copy()
        matrix[2, 1] = 5
        np.save(saved, matrix.astype(dtype))
        assert written("numpy", matrix=matrix, dtype=dtype) == saved.getvalue()


def test_the_words_of_two_files_have_counts_where_they_are_known():
    assert writing.words_text("numpy", WORDS, None) == "的\nNew\n</s>\n".encode()
    assert writing.words_text("numpy", WORDS, [3, 2, 1]) == "的\t3\nNew\t2\n</s>\t1\n".encode()
    head = "word\tcount\n的\t3\nNew\t2\n</s>\t1\n"
    assert writing.words_text("projector", WORDS, [3, 2, 1]) == head.encode()
    # A line of an odd space alone would be skipped by the projector: it has a second column.
    assert (
        writing.words_text("projector", ["\u00a0".encode()], None)
        == "word\trow\n\u00a0\t1\n".encode()
    )


@pytest.mark.parametrize("layout", writing.LAYOUTS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_round_trip_bit_for_bit(tmp_path_factory, files, layout, data):
    words = data.draw(
        st.lists(
            st.text(CHARACTERS, min_size=1, max_size=40), min_size=1, max_size=9, unique=True
        )
    )  # fmt: skip
    words = [word.encode() for word in words]
    dim = data.draw(st.integers(1, 5))
    raw = data.draw(arrays.arrays(np.uint32, (len(words), dim)))
    matrix = raw.view(np.float32)
    matrix[~np.isfinite(matrix)] = 0
    # Told the format, it is read whatever the first bytes look like.
    table = back(tmp_path_factory.mktemp("w"), layout, words, matrix, files, named=layout)
    assert table.words == words
    assert (table.matrix.view(np.uint32) == matrix.view(np.uint32)).all()
    assert (table.repeated, table.escaped, table.counts) == (0, 0, None)


@pytest.mark.parametrize("layout", writing.LAYOUTS)
@pytest.mark.parametrize("length", [1, 49, 50, 99, 100, 101, 5000])
def test_formats_are_recognised_with_words_of_any_length(tmp_path, files, layout, length):
    words = [b"a" * length, ("語" * (length // 3)).encode() + b"b" * (length % 3) + b"c"]
    matrix = np.random.default_rng(length).standard_normal((2, 7)).astype(np.float32)
    table = back(tmp_path, layout, words, matrix, files)
    assert table.words == words
    assert (table.matrix == matrix).all()


@pytest.mark.parametrize("layout", writing.LAYOUTS)
def test_zeros_one_word_and_one_value_come_back(tmp_path, files, layout):
    for matrix in (np.zeros((2, 3)), [[-0.0]], [[1e30], [1e-30], [5]]):
        matrix = np.asarray(matrix, dtype=np.float32)
        words = [b"5", b"b", b"c"][: len(matrix)]
        table = back(tmp_path, layout, words, matrix, files)
        assert (table.matrix.view(np.uint32) == matrix.view(np.uint32)).all()


@pytest.mark.parametrize("layout", ["numpy", "projector"])
def test_counts_and_words_with_spaces_come_back_from_two_files(tmp_path, files, layout):
    words = [b"New York", b"a b c", "\u00a0".encode()]
    table = back(tmp_path, layout, words, MATRIX, files, counts=[2**63 - 1, 5, 0])
    assert table.words == words
    assert table.counts == [2**63 - 1, 5, 0]


def test_half_precision_is_read_back_as_it_was_rounded(tmp_path, files):
    matrix = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    table = back(tmp_path, "numpy", WORDS, matrix, files, dtype="float16")
    assert table.matrix.dtype == np.float32
    assert (table.matrix == matrix.astype(np.float16)).all()
    with pytest.raises(DlkitError, match=r"row 3 .* float16"):
        written("numpy", dtype="float16")
    assert written("text", matrix=matrix.astype(np.float16)) == written(
        "text", matrix=matrix.astype(np.float16).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("word", "what"),
    [("New York", "a space"), ("a\tb", "a tab"), ("a\rb", "a carriage return"), ("a\0", "NUL"),
     ("\x0ba", "a vertical tab"), ("a\x0c", "a form feed")],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["text", "binary", "fasttext", "glove"])
def test_a_word_that_no_reader_gets_back_is_refused_with_its_row(layout, word, what):
    lexicon = Lexicon.of([b"fine", "好".encode(), word.encode(), b"x y"])
    with pytest.raises(DlkitError) as caught:
        writing.check_words(lexicon, layout)
    assert repr(word) in caught.value.message
    assert "row 3" in caught.value.message
    assert what in caught.value.message
    assert ("numpy" in caught.value.hint) == (word == "New York")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("layout", ["numpy", "projector"])
def test_two_files_refuse_what_ends_a_line_only(layout):
    assert writing.check_words(Lexicon.of([b"New York", b"a\x0bb"]), layout) == []
    for word in (b"a\tb", b"a\r", b"\0"):
        with pytest.raises(DlkitError, match="row 2"):
            writing.check_words(Lexicon.of([b"a", word]), layout)


def test_what_some_readers_cannot_do_is_said():
    spaces = Lexicon.of(["a\u00a0b".encode(), "全\u3000角".encode(), "好".encode(), b"a"])
    (note,) = writing.check_words(spaces, "text")
    assert note.startswith("2 words")
    assert writing.check_words(spaces, "binary") == []
    (note,) = writing.check_words(Lexicon.of([b"a" * 49, b"b" * 50, b"c" * 51]), "binary")
    assert note.startswith("2 words")
    assert writing.check_words(Lexicon.of([b"a" * 50]), "text") == []


@pytest.mark.parametrize("layout", writing.LAYOUTS)
def test_memory_does_not_grow_with_the_rows(layout):
    class Sink:
        def write(self, data):
            return len(data)

    matrix = np.zeros((20_000, 300), dtype=np.float32) + np.float32(0.123)
    words = [b"%d" % row for row in range(len(matrix))]
    tracemalloc.start()
    for _ in writing.write_vectors(Sink(), layout, words, matrix):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
