"""fastText's own models: read to the vectors that fastText gives, written as it writes them."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.errors import DAMAGED, FAILED, DlkitError
from dlkit.vectors.fasttextbin import Settings, read_model
from dlkit.vectors.fasttextwrite import write_model
from dlkit.vectors.formats import read_table, read_vectors
from dlkit.vectors.subwords import Subwords
from dlkit.vectors.table import Options

RANDOM = np.random.default_rng(0)
WORDS = [("</s>", 9), ("早饭", 8), ("hello", 7), ("New York", 1), ("é" * 30, 0)]
OWN = RANDOM.standard_normal((len(WORDS), 4)).astype(np.float32)
NGRAMS = RANDOM.standard_normal((11, 4)).astype(np.float32)
OUTPUTS = RANDOM.standard_normal((len(WORDS), 4)).astype(np.float32)
SIZES = 8 + 12 * 4 + 8  # where the dictionary begins: magic, version, settings
FIRST = SIZES + 12 + 16  # where its first word stands


@pytest.fixture(scope="session")
def model(fasttext):
    def made(**options):
        given = {"ngrams": NGRAMS, "outputs": OUTPUTS, "minn": 2, "maxn": 4} | options
        return fasttext.bytes(given.pop("words", WORDS), given.pop("own", OWN), **given)

    return made


def read(tmp_path, content, files, options=None, name="model.bin"):
    path = tmp_path / name
    path.write_bytes(content)
    return files.finished(read_vectors(path, options))


def refused(tmp_path, content, files, name="model.bin", options=None, code=DAMAGED) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        read(tmp_path, content, files, options, name)
    assert "\n" not in caught.value.message
    assert name in caught.value.message
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("version", [11, 12])
def test_vectors_are_those_that_fasttext_gives(tmp_path, files, fasttext, version):
    content = fasttext.wrote[:4] + struct.pack("<i", version) + fasttext.wrote[8:]
    vectors, records = read(tmp_path, content, files)
    assert [vectors.word(row) for row in range(len(vectors))] == list(fasttext.says)
    assert np.allclose(vectors.matrix, list(fasttext.says.values()), rtol=3e-7, atol=1e-8)
    for word, said in fasttext.says_of_unknown.items():
        assert vectors.row(word) is None
        assert np.allclose(vectors.subwords.vector(word), said, rtol=3e-7, atol=1e-8)
    assert "skipgram, negative-sampling" in records[0].text
    assert "8 buckets" in records[1].text
    assert vectors.counts().tolist() == [120, 80, 80, 80, 80, 40]


def test_everything_in_the_file_comes_back(tmp_path, files, model):
    path = tmp_path / "model.bin"
    path.write_bytes(model(model=1, loss=3, tokens=12345))
    table, _ = files.finished(read_table(path))
    assert table.words == [word.encode() for word, _ in WORDS]
    assert table.counts == [count for _, count in WORDS]
    found = table.model
    assert found.settings.named() == {
        "dim": 4, "window": 5, "epochs": 5, "min_count": 1, "negative": 5, "word_ngrams": 1,
        "loss": "softmax", "model": "cbow", "buckets": 11, "minn": 2, "maxn": 4,
        "lr_update_rate": 100, "sample": 1e-4,
    }  # fmt: skip
    assert found.tokens == 12345
    assert (found.own == OWN).all()
    assert (found.ngrams == NGRAMS).all()
    assert (found.outputs == OUTPUTS).all()


@pytest.mark.parametrize(
    "given",
    [{"ngrams": None, "minn": 0, "maxn": 0}, {"minn": 0, "maxn": 0}, {"minn": 5, "maxn": 3}],
    ids=["no buckets", "buckets for nothing", "shortest above longest"],
)
def test_without_ngrams_words_have_their_own_rows_and_unknown_ones_none(
    tmp_path, files, model, given
):
    vectors, _ = read(tmp_path, model(**given), files)
    assert (vectors.matrix == OWN).all()
    assert vectors.subwords is None


def test_the_shortest_ngrams_of_no_letter_are_those_of_one(tmp_path, files, model):
    zero, _ = read(tmp_path, model(minn=0, maxn=3), files)
    one, _ = read(tmp_path, model(minn=1, maxn=3), files)
    assert (zero.matrix == one.matrix).all()
    assert (zero.subwords.vector("早餐") == one.subwords.vector("早餐")).all()


def test_the_first_words_alone_are_read(tmp_path, files, model):
    vectors, records = read(tmp_path, model(), files, Options(restrict=2))
    whole, _ = read(tmp_path, model(), files)
    assert (vectors.matrix == whole.matrix[:2]).all()
    assert (vectors.subwords.own == OWN[:2]).all()
    assert (vectors.subwords.vector("hello") == whole.subwords.vector("hello")).all()
    assert any("the first 2 of 5" in record.text for record in records)


def test_words_that_are_not_utf8_have_fasttexts_vectors_under_another_name(tmp_path, files, model):
    words = [("ab", 2), (b"caf\xe9", 1)]
    content = model(words=words, own=OWN[:2], outputs=OUTPUTS[:2], ngrams=np.ones((11, 4)) / 4)
    vectors, records = read(tmp_path, content, files)
    assert vectors.word(1) == "caf\\xe9"
    # n-grams of <caf\xe9> of 2 to 4 letters: 5 + 4 + 3; it is written with three letters more.
    assert np.allclose(vectors.matrix[1], (OWN[1] + 12 / 4) / 13)
    assert any("not UTF-8" in record.text for record in records)
    problem = refused(tmp_path, content, files, options=Options(escape=False), code=FAILED)
    assert "not UTF-8" in problem.message


def test_kinds_that_are_not_read_say_what_they_are(tmp_path, files, model):
    labels = [("__label__a", 3), ("__label__b", 1)]
    cases = [
        (model(model=3, labels=labels, loss=4), "a fastText classifier (2 labels)"),
        (model(labels=labels), "a fastText classifier (2 labels)"),
        (model(model=3, labels=labels, quantised=1), "a fastText quantised classifier (2 labels)"),
        (model(quantised=1), "a fastText quantised model"),
        (model(pruned=[(5, 0), (3, 1)]), "a fastText quantised model"),
    ]
    for content, said in cases:
        problem = refused(tmp_path, content, files, code=FAILED)
        assert said in problem.message
        assert "print-word-vectors" in problem.hint
    for version in (10, 13):
        problem = refused(tmp_path, model(version=version), files, code=FAILED)
        assert f"version {version}" in problem.message


def test_a_compressed_model_is_not_read_and_its_plain_file_is(tmp_path, files, model):
    problem = refused(tmp_path, gzip.compress(model()), files, name="model.bin.gz", code=FAILED)
    assert problem.hint == "gunzip -k model.bin.gz"
    problem = refused(tmp_path, model(), files, options=Options(named="text"), code=FAILED)
    assert problem.hint == "--format fasttext-bin, or none"
    options = Options(named="fasttext-bin")
    problem = refused(tmp_path, b"1 2\na 1 2\n", files, options=options, code=FAILED)
    assert "no fastText model" in problem.message


BAD_WORDS = {
    "empty": ([("", 1), ("b", 1)], "word 1 is ''"),
    "newline": ([("a\nb", 1), ("b", 1)], "word 1 is 'a\\nb'"),
    "tab": ([("b", 1), ("a\tb", 1)], "word 2 is 'a\\tb'"),
    "twice": ([("b", 1), ("b", 1)], "1 words stand in it twice"),
    "escaped": ([(b"\xe9", 1), ("\\xe9", 1)], "spelt as others"),
    "negative": ([("b", -1), ("c", 1)], "count -1"),
    "huge": ([("b" * 70_000, 1), ("c", 1)], "word 1 of 2 has no end"),
    "long": ([("b" * 60_000, 1), ("c", 1)], "too many n-grams"),
}


@pytest.mark.parametrize(("words", "said"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_words_that_no_vocabulary_can_have_are_refused(tmp_path, files, model, words, said):
    content = model(words=words, own=OWN[:2], outputs=OUTPUTS[:2])
    code = FAILED if said in ("spelt as others", "too many n-grams") else DAMAGED
    assert said in refused(tmp_path, content, files, code=code).message


@pytest.mark.parametrize("which", ["own", "ngrams"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_word_whose_vector_is_no_number_is_refused(tmp_path, files, model, which, value):
    matrix = (OWN if which == "own" else NGRAMS).copy()
    matrix[1:3] = value
    matrix[3:] = -value
    problem = refused(tmp_path, model(**{which: matrix}), files, code=FAILED)
    assert "no finite float32" in problem.message


def test_an_impossible_setting_is_refused(tmp_path, files, model):
    # Each is an int32: dim, loss, model, buckets, minn, maxn.
    for place, values in {0: (0, -1, 70_000), 6: (0, 5), 7: (0, 4), 8: (-1,), 9: (-1,), 10: (2000,)
                          }.items():  # fmt: skip
        for value in values:
            content = bytearray(model())
            struct.pack_into("<i", content, 8 + 4 * place, value)
            problem = refused(tmp_path, bytes(content), files)
            assert "impossible settings" in problem.message
    content = bytearray(model())
    struct.pack_into("<d", content, 56, np.nan)
    assert "impossible settings" in refused(tmp_path, bytes(content), files).message


HEADER = {f"setting {place}": ("<i", 8 + 4 * place) for place in range(12)} | {
    "entries": ("<i", SIZES), "words": ("<i", SIZES + 4), "labels": ("<i", SIZES + 8),
    "tokens": ("<q", SIZES + 12),
}  # fmt: skip


@pytest.mark.parametrize("which", HEADER)
def test_no_number_of_the_header_is_below_zero(tmp_path, files, model, which):
    form, place = HEADER[which]
    for value in (-1, -(2**31)):
        content = bytearray(model())
        struct.pack_into(form, content, place, value)
        refused(tmp_path, bytes(content), files)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_number_in_the_header_is_harmless_or_damage(tmp_path_factory, files, model, data):
    form, place = data.draw(st.sampled_from(list(HEADER.values())))
    most = 2**31 if form == "<i" else 2**63
    value = data.draw(st.integers(-most, most - 1) | st.integers(-2, 20))
    content = bytearray(model())
    struct.pack_into(form, content, place, value)
    path = tmp_path_factory.getbasetemp() / "header.bin"
    path.write_bytes(content)
    table = problem = None
    try:
        table, _ = files.finished(read_table(path))
    except DlkitError as caught:
        problem = caught
    if problem is not None:
        assert "\n" not in problem.message
        # The number 3 for the model is that of a classifier, which is no damage.
        assert problem.code == DAMAGED or "classifier" in problem.message
    else:
        assert value >= 0
        assert min(table.model.tokens, *table.model.settings) >= 0


def test_counts_that_no_sum_can_hold_are_damage(tmp_path, files, model):
    words = [("a", 2**62 - 1), ("b", 1)]
    content = model(words=words, own=OWN[:2], outputs=OUTPUTS[:2])
    vectors, _ = read(tmp_path, content, files)
    assert vectors.counts().sum() == 2**62
    words = [("a", 2**62), ("b", 1)]
    content = model(words=words, own=OWN[:2], outputs=OUTPUTS[:2])
    assert "add up to" in refused(tmp_path, content, files).message


HUGE = 2**31 - 1


@pytest.mark.parametrize(
    ("form", "place", "values", "said"),
    [
        ("<3i", SIZES, (HUGE, HUGE, 0), "has room for"),
        ("<3i", SIZES, (HUGE, 0, HUGE), "has room for"),
        ("<3i", SIZES, (5, 6, -1), "a dictionary of 5 entries"),
        ("<3i", SIZES, (6, 5, 0), "a dictionary of 6 entries"),
        ("<3i", SIZES, (0, 0, 0), "damaged"),
        ("<q", SIZES + 20, (2**62,), "too short for them"),
        ("<q", SIZES + 20, (-2,), "a dictionary of"),
        ("<i", 8 + 32, (HUGE,), "input matrix is 16 x 4"),
        ("<i", 8, (65_536,), "input matrix is 16 x 4"),
    ],
)
def test_no_memory_is_taken_for_what_the_file_has_no_room_for(
    tmp_path, files, model, form, place, values, said
):
    content = bytearray(model())
    struct.pack_into(form, content, place, *values)
    tracemalloc.start()
    try:
        problem = refused(tmp_path, bytes(content), files)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said in problem.message
    assert taken < 10_000_000


def test_a_matrix_that_agrees_with_the_settings_but_not_with_the_length_is_refused(
    tmp_path, files, model
):
    content = bytearray(model())
    shape = content.index(struct.pack("<qq", 16, 4))
    struct.pack_into("<i", content, 8 + 32, 2**31 - 10)
    struct.pack_into("<q", content, shape, 2**31 - 10 + 5)
    assert "bytes, " in refused(tmp_path, bytes(content), files).message
    assert "3 bytes follow" in refused(tmp_path, model() + b"abc", files).message


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path, files, model):
    whole = model()
    for size in [*range(4, len(whole), 7), *range(len(whole) - 20, len(whole))]:
        problem = refused(tmp_path, whole[:size], files)
        assert "is cut off or damaged" in problem.message, size


@given(st.lists(st.tuples(st.integers(4, 300), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_damage_is_refused_in_one_line_or_harmless(tmp_path_factory, files, model, damage):
    content = bytearray(model())
    for place, value in damage:
        content[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(content)
    vectors = problem = None
    try:
        vectors, _ = files.finished(read_vectors(path))
    except DlkitError as caught:
        problem = caught
    if vectors is None:
        assert "\n" not in problem.message
        assert problem.code in (FAILED, DAMAGED)
    else:
        assert np.isfinite(vectors.matrix).all()


def written(model, own, **options) -> bytes:
    stream = io.BytesIO()
    done = list(
        write_model(
            stream, model.settings, model.words, model.counts, iter(own), tokens=model.tokens,
            **options,
        )
    )  # fmt: skip
    assert done[-1] == 2 * len(model.words) + model.settings.buckets
    return stream.getvalue()


def test_what_is_read_is_written_back_byte_for_byte(tmp_path, fasttext, model):
    for content in (fasttext.wrote, model(), model(ngrams=None, minn=0, maxn=0)):
        path = tmp_path / "model.bin"
        path.write_bytes(content)
        with path.open("rb") as stream:
            found = read_model(stream, len(content), "model")
        subwords = found.subwords()
        assert written(found, [found.own], subwords=subwords, outputs=found.outputs) == content


@given(used=st.sets(st.integers(0, 40)), at_once=st.integers(1, 50))
def test_buckets_that_are_not_there_are_written_as_zeros(used, at_once):
    used = np.array(sorted(used), np.int32)
    rows = np.ones((len(used), 2), np.float32) * (used[:, None] + 1)
    grams = Subwords(used, rows, shortest=1, longest=2, buckets=41)
    stream = io.BytesIO()
    patch = pytest.MonkeyPatch()
    patch.setattr("dlkit.vectors.fasttextwrite._VALUES_AT_ONCE", at_once)
    own = np.full((1, 2), 0.5, np.float32)
    made = Settings(2, buckets=41, minn=1, maxn=2)
    list(write_model(stream, made, [b"a"], [1], iter([own]), tokens=1, subwords=grams))
    patch.undo()
    content = stream.getvalue()
    start = content.index(struct.pack("<qq", 42, 2)) + 16
    matrix = np.frombuffer(content, "<f4", 84, start).reshape(42, 2)
    expected = np.zeros((42, 2))
    expected[0] = 0.5
    expected[used + 1] = rows
    assert (matrix == expected).all()
    assert content[start + 84 * 4 :] == struct.pack("<?qq", False, 1, 2) + bytes(8)
