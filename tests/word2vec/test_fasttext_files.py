"""fastText's models made into artifacts and back: what fastText would say of them stays."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.errors import DAMAGED, FAILED, USAGE, DlkitError
from dlkit.records import Noted, Warned
from dlkit.vectors.store import open_vectors
from dlkit.vectors.subwords import buckets
from dlkit.word2vec.config import Word2vecConfig
from dlkit.word2vec.convert import export, target_of
from dlkit.word2vec.imported import import_file
from dlkit.word2vec.start import read_start

WORDS = ["</s>", "早饭", "吃饭", "hello"]
GRAMS = {"shortest": 1, "longest": 3, "buckets": 60}
UNKNOWN = ["早", "饭饭", "hell", "shell"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "artifacts"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(work) -> tuple[object, list[str]]:
    """What a generator of records returns, and what it says."""
    told = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            return end.value, told
        if isinstance(record, Noted | Warned):
            told.append(record.text)


def made_of(home, content, **options) -> tuple[Path, list[str]]:
    (home / "model.bin").write_bytes(content)
    saved, told = done(import_file(str(home / "model.bin"), **options))
    return saved.path, told


def exported(path, **options) -> tuple[bytes, list[str]]:
    target = target_of("out.bin", "fasttext-bin")
    _, told = done(export(target, io.BytesIO(), source=str(path), force=True, **options))
    return Path("out.bin").read_bytes(), told


class FastText:
    """What fastText makes of a file: read and composed by its source, one word at a time."""

    def __init__(self, content: bytes) -> None:
        names = ("dim", "ws", "epoch", "min", "neg", "ngrams", "loss", "model", "bucket", "minn")
        self.magic, self.version, *settings = struct.unpack_from("<ii12id", content)
        self.settings = dict(zip((*names, "maxn", "rate", "t"), settings, strict=True))
        size, words, labels, self.tokens, pruned = struct.unpack_from("<iiiqq", content, 64)
        assert (size, labels, pruned) == (words, 0, -1)
        place, self.counts, self.words = 92, [], []
        for _ in range(words):
            end = content.index(b"\0", place)
            self.words.append(content[place:end].decode())
            count, kind = struct.unpack_from("<qb", content, end + 1)
            assert kind == 0
            self.counts.append(count)
            place = end + 10
        matrices = []
        for _ in range(2):
            quantised, rows, dim = struct.unpack_from("<?qq", content, place)
            assert not quantised
            place += 17
            matrices.append(np.frombuffer(content, "<f4", rows * dim, place).reshape(rows, dim))
            place += rows * dim * 4
        assert place == len(content)
        self.inputs, self.outputs = matrices

    def vector(self, word: str) -> np.ndarray:
        rows = [self.words.index(word)] if word in self.words else []
        if word != "</s>" and self.settings["maxn"]:
            grams = buckets(
                word,
                shortest=max(1, self.settings["minn"]),
                longest=self.settings["maxn"],
                buckets=self.settings["bucket"],
            )
            rows += [len(self.words) + bucket for bucket in grams]
        if not rows:
            return np.zeros(self.settings["dim"])
        return self.inputs[rows].astype(np.float64).mean(axis=0)


def trained(*, loss="negative-sampling", rows=True, largest=None, document=None) -> Path:
    """An artifact as training with n-grams leaves it."""
    draw = np.random.default_rng(0).standard_normal
    asked = [buckets(word, **GRAMS) for word in WORDS]
    used = np.array(sorted({bucket for each in asked for bucket in each}), np.int32)
    ngrams = draw((len(used), 5)).astype(np.float32)
    own = draw((len(WORDS), 5)).astype(np.float32)
    matrix = np.array(
        [
            np.concatenate([[own[row]], ngrams[np.searchsorted(used, each)]]).mean(axis=0)
            for row, each in enumerate(asked)
        ]
    )
    if largest is not None:
        matrix[1] = largest
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1).astype(np.float32)
    files = {
        "vocab.txt": "".join(
            f"{w}\t{c}\n" for w, c in zip(WORDS, (9, 5, 2, 1), strict=True)
        ).encode(),
        "vectors.safetensors": write_tensors({"vectors": matrix, "norms": norms}),
        "outputs.safetensors": write_tensors({"outputs": -own}),
        "subwords.safetensors": write_tensors({"buckets": used, "vectors": ngrams}),
    }
    if rows:
        files["rows.safetensors"] = write_tensors({"rows": own})
    document = {
        "kind": "word-vectors",
        "model": {"name": "cbow", "loss": loss, "window": 7, "negative": 3, "sample": 0.01},
        "dim": 5,
        "words": len(WORDS),
        "subwords": GRAMS,
        "data": {"raw_words": 321},
        "text": {"tokens": "zh", "lowercase": False, "drop_punctuation": False},
    } | (document or {})
    with reserve("word2vec", "trained", default="trained") as run:
        return run.commit(document, files)


def test_a_model_of_fasttext_is_imported_and_exported_byte_for_byte(home, fasttext):
    path, _ = made_of(home, fasttext.wrote)
    vectors = open_vectors(path, verify=True)
    assert np.allclose(vectors.matrix, list(fasttext.says.values()), rtol=3e-7, atol=1e-8)
    for word, said in fasttext.says_of_unknown.items():
        assert np.allclose(vectors.subwords.vector(word), said, rtol=3e-7, atol=1e-8)
    content, told = exported(path)
    assert content == fasttext.wrote
    assert told == []
    assert "fastText trained them (skipgram, negative-sampling)" in (path / "README.md").read_text()


def test_an_exported_model_gives_the_vectors_of_the_artifact(home):
    path = trained()
    vectors = open_vectors(path)
    content, told = exported(path)
    model = FastText(content)
    assert (model.magic, model.version) == (793712314, 12)
    assert model.settings == {
        "dim": 5, "ws": 7, "epoch": 5, "min": 1, "neg": 3, "ngrams": 1, "loss": 2, "model": 1,
        "bucket": 60, "minn": 1, "maxn": 3, "rate": 100, "t": 0.01,
    }  # fmt: skip
    assert (model.words, model.counts, model.tokens) == (WORDS, [9, 5, 2, 1], 321)
    for row, word in enumerate(WORDS):
        assert np.allclose(model.vector(word), vectors.matrix[row], rtol=1e-5, atol=1e-6)
    own = read_tensors(path / "rows.safetensors")["rows"]
    assert (model.inputs[1:4] == own[1:]).all()
    # The end of a line has no n-grams: its own row is its vector.
    assert np.allclose(model.inputs[0], vectors.matrix[0])
    assert (model.outputs == -own).all()
    assert len(told) == 1


def test_unknown_words_have_the_direction_that_they_have_here_and_may_be_shorter(home):
    path = trained()
    subwords = open_vectors(path).subwords
    content, told = exported(path)
    model = FastText(content)
    assert f"{60 - len(subwords.used)} of 60 buckets are zeros" in told[0]
    shorter = 0
    for word in UNKNOWN:
        asked = buckets(word, **GRAMS)
        known = np.isin(asked, subwords.used).sum()
        assert known > 0
        shorter += known < len(asked)
        expected = subwords.vector(word) * known / len(asked)
        assert np.allclose(model.vector(word), expected, rtol=1e-5, atol=1e-6)
    assert shorter > 0


def test_own_rows_that_were_not_kept_are_computed_back(home):
    path = trained(rows=False)
    content, told = exported(path)
    assert any("own rows of 3 words" in text for text in told)
    model = FastText(content)
    vectors = open_vectors(path)
    for row, word in enumerate(WORDS):
        assert np.allclose(model.vector(word), vectors.matrix[row], rtol=1e-5, atol=1e-6)


def test_an_own_row_beyond_float32_is_refused(home):
    path = trained(rows=False, largest=1e38)
    with pytest.raises(DlkitError, match="the own row of"):
        exported(path)
    assert not (home / "out.bin").exists()


def test_vectors_without_ngrams_and_counts_become_a_model_of_own_rows(home):
    (home / "v.txt").write_text("2 3\n早饭 1 2 3\nNew York 4 5 6\n", encoding="utf-8")
    target = target_of("out.bin", "fasttext-bin")
    _, told = done(export(target, io.BytesIO(), file="v.txt"))
    model = FastText((home / "out.bin").read_bytes())
    assert (model.words, model.counts) == (["早饭", "New York"], [0, 0])
    assert model.inputs.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert not model.outputs.any()
    assert not model.vector("unknown").any()
    assert any("counts are not known" in text for text in told)
    assert any("no output matrix" in text for text in told)


def exported_of_file(home, content, **options) -> tuple[FastText, list[str]]:
    (home / "model.bin").write_bytes(content)
    target = target_of("out.bin", "fasttext-bin")
    work = export(target, io.BytesIO(), file="model.bin", force=True, **options)
    _, told = done(work)
    return FastText((home / "out.bin").read_bytes()), told


def test_a_model_is_exported_without_an_artifact_byte_for_byte(home, fasttext):
    _, told = exported_of_file(home, fasttext.wrote)
    assert (home / "out.bin").read_bytes() == fasttext.wrote
    assert not any("output" in text or "own rows" in text for text in told)
    grams = np.random.default_rng(0).standard_normal((9, 2))
    settings = {"minn": 1, "maxn": 2, "loss": 3, "model": 1, "tokens": 77}
    content = fasttext.bytes([("a", 5), ("b", 2)], [[1, 2], [3, 4]], grams, **settings)
    exported_of_file(home, content)
    assert (home / "out.bin").read_bytes() == content


def test_the_first_words_of_a_model_keep_its_outputs_and_settings(home, fasttext):
    model, _ = exported_of_file(home, fasttext.wrote, restrict=2)
    whole = FastText(fasttext.wrote)
    assert model.words == whole.words[:2]
    assert model.settings == whole.settings
    assert model.tokens == whole.tokens
    assert (model.outputs == whole.outputs[:2]).all()
    assert (model.inputs == np.delete(whole.inputs, np.s_[2:6], 0)).all()
    assert model.outputs.any()


def test_outputs_of_hierarchical_softmax_stay_behind_and_it_is_said(home, fasttext):
    content, told = exported(trained(loss="hierarchical-softmax"))
    model = FastText(content)
    assert model.settings["loss"] == 1
    assert not model.outputs.any()
    assert any("hierarchical softmax" in text for text in told)
    path, told = made_of(home, fasttext.bytes([("a", 1)], [[1.0]], outputs=[[2.0]], loss=1))
    assert not (path / "outputs.safetensors").exists()
    assert any("hierarchical softmax" in text for text in told)


def test_the_first_words_alone_are_exported(home):
    content, _ = exported(trained(), restrict=2)
    model = FastText(content)
    assert model.words == WORDS[:2]
    assert len(model.outputs) == 2


def test_words_that_are_not_utf8_keep_their_vectors_both_ways(home, fasttext):
    words, draw = [("ab", 2), (b"caf\xe9", 1)], np.random.default_rng(0).standard_normal
    content = fasttext.bytes(words, draw((2, 3)), draw((9, 3)), minn=1, maxn=3)
    with pytest.raises(DlkitError, match="not UTF-8") as caught:
        made_of(home, content)
    assert "--lossy" in caught.value.hint
    path, _ = made_of(home, content, lossy=True)
    back, told = exported(path)
    assert any("own rows of 1 words" in text for text in told)
    vectors, model = open_vectors(path), FastText(back)
    assert model.words[1] == "caf\\xe9"
    for row, word in enumerate(model.words):
        assert np.allclose(model.vector(word), vectors.matrix[row], rtol=1e-5, atol=1e-6)


def test_half_precision_rounds_everything_that_is_kept(home, fasttext):
    path, _ = made_of(home, fasttext.wrote, dtype="float16")
    vectors = open_vectors(path, verify=True)
    for file in ("vectors", "rows", "subwords", "outputs"):
        tensors = read_tensors(path / f"{file}.safetensors")
        assert all(
            tensor.dtype == np.float16
            for name, tensor in tensors.items()
            if name not in ("norms", "buckets")
        )
    model = FastText(exported(path)[0])
    for row, word in enumerate(model.words):
        assert np.allclose(vectors.matrix[row], fasttext.says[word], atol=3e-4)
        assert np.allclose(model.vector(word), vectors.matrix[row], atol=3e-4)


def test_buckets_of_chance_that_are_no_numbers_are_left_out_and_counted(home, fasttext):
    asked = set(buckets("ab", shortest=2, longest=2, buckets=50))
    free = next(bucket for bucket in range(50) if bucket not in asked)
    ngrams = np.ones((50, 2))
    ngrams[free] = np.nan
    path, told = made_of(home, fasttext.bytes([("ab", 1)], [[1, 1]], ngrams, minn=2, maxn=2))
    assert any("1 of 50 buckets" in text for text in told)
    assert free not in open_vectors(path, verify=True).subwords.used
    assert not FastText(exported(path)[0]).inputs[1 + free].any()


def test_outputs_that_are_no_numbers_are_left_out_and_an_own_row_beyond_float16_is_refused(
    home, fasttext
):
    bad = fasttext.bytes([("a", 1)], [[1.0]], outputs=[[np.nan]])
    path, told = made_of(home, bad)
    assert not (path / "outputs.safetensors").exists()
    assert any("output matrix of model.bin" in text for text in told)
    wide = fasttext.bytes([("a", 1)], [[70_000.0]], np.full((3, 1), -70_000.0), minn=2, maxn=2)
    made_of(home, wide)
    with pytest.raises(DlkitError, match=r"own row of word 1 \('a'\)"):
        made_of(home, wide, dtype="float16")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fasttext", {"epochs": 2**31}),
        ("fasttext", {"sample": "much"}),
        ("fasttext", {"window": [5]}),
        ("fasttext", [1]),
        ("fasttext", {"tokens": -1}),
        ("model", {"window": "wide"}),
        ("data", "none"),
    ],
)
def test_settings_that_no_model_can_have_are_damage(home, key, value):
    path = trained(document={key: value})
    with pytest.raises(DlkitError, match=r"artifact.json") as caught:
        exported(path)
    assert caught.value.code == DAMAGED
    assert not (home / "out.bin").exists()


@pytest.mark.parametrize("output", ["m.bin.gz", "-"])
def test_a_model_goes_to_a_plain_file_only(output):
    with pytest.raises(DlkitError) as caught:
        target_of(output, "fasttext-bin")
    assert caught.value.code == USAGE
    assert target_of("m.bin", "fasttext-bin").layout == "fasttext-bin"
    assert target_of("m.bin", None).layout == "binary"


def test_outputs_and_types_are_no_options_of_a_model(home):
    target = target_of("out.bin", "fasttext-bin")
    for options in ({"outputs": True}, {"dtype": "float16"}):
        with pytest.raises(DlkitError) as caught:
            done(export(target, io.BytesIO(), source=str(trained()), **options))
        assert caught.value.code == USAGE
    assert not (home / "out.bin").exists()


def test_a_classifier_is_refused_and_leaves_nothing(home, fasttext):
    content = fasttext.bytes([("a", 1)], [[1.0]], model=3, labels=[("__label__x", 1)])
    with pytest.raises(DlkitError) as caught:
        made_of(home, content)
    assert caught.value.code == FAILED
    assert "classifier (1 labels)" in caught.value.message
    assert [path.name for path in home.rglob("*.safetensors")] == []


def test_training_begins_with_the_own_rows_and_those_of_the_ngrams(home, fasttext):
    (home / "model.bin").write_bytes(fasttext.wrote)
    model = FastText(fasttext.wrote)

    def start(**options):
        config = Word2vecConfig(initial=str(home / "model.bin"), dim=3, **options)
        return done(read_start(config))[0]

    begun = start(minn=1, maxn=3, buckets=8, freeze=True)
    assert begun.own
    assert (begun.rows == model.inputs[:6]).all()
    assert (begun.ngrams == model.inputs[6:]).all()
    assert begun.buckets.tolist() == list(range(8))
    plain = start()
    assert plain.ngrams is None
    assert np.allclose(plain.rows, list(fasttext.says.values()), rtol=3e-7, atol=1e-8)
    with pytest.raises(DlkitError) as caught:
        start(minn=2, maxn=3, buckets=8)
    assert caught.value.hint == "--minn 1 --maxn 3 --buckets 8"


def test_the_commands_take_and_give_a_model(dlkit, fasttext):
    (dlkit.folder / "m.bin").write_bytes(fasttext.wrote)
    told = json.loads(dlkit("word2vec", "import", "m.bin", "--json", "--quiet").stdout)
    assert (told["artifact"], told["vocabulary"], told["buckets"]) == ("word2vec/m", 6, 8)
    answers = [
        dlkit("similar", "早饭饭", "hello", "-k", "2", *where).stdout
        for where in (["--vectors", "m.bin"], ["--from", "m"])
    ]
    assert answers[0] == answers[1]
    assert answers[0].count("早饭饭\t") == 2
    dlkit("word2vec", "export", "back.bin", "--to", "fasttext-bin", "--from", "m")
    assert (dlkit.folder / "back.bin").read_bytes() == fasttext.wrote
    done = dlkit("word2vec", "export", "m.vec", "--from", "m")
    assert "--to fasttext-bin" in done.stderr
    (dlkit.folder / "cut.bin").write_bytes(fasttext.wrote[:300])
    done = dlkit("word2vec", "import", "cut.bin", check=DAMAGED)
    assert done.stderr.count("\n") == 2
    assert dlkit("artifacts", "list").stdout.count("\n") == 1
