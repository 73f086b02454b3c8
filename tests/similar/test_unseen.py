"""Words outside the vocabulary, answered from their n-grams by the real command."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from dlkit.artifacts import remembered
from dlkit.artifacts.manifest import decode
from dlkit.errors import DAMAGED, NOT_FOUND
from dlkit.vectors.subwords import buckets

WORDS = {
    "早饭": [1, 0, 0.1],
    "午饭": [1, 0.2, 0],
    "早餐": [0.9, 0.1, 0.1],
    "电脑": [0, 1, 0],
    "computer": [0, 1, 0.2],
    "computing": [0.1, 0.9, 0.3],
    "-x": [0, 0, 1],
}


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def vector_of(word: str) -> np.ndarray:
    """The mean, by plain arithmetic, as the fixture made the vectors of n-grams."""
    settings = {"shortest": 2, "longest": 3, "buckets": 10_000}
    made = []
    for bucket in buckets(word, **settings):
        owners = [
            vector
            for other, vector in WORDS.items()
            for each in buckets(other, **settings)
            if each == bucket
        ]
        if owners:
            made.append(np.mean(np.float32(owners), axis=0, dtype=np.float64))
    return np.mean(made, axis=0)


def cosine(a, b) -> float:
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_an_unseen_word_is_answered_from_its_ngrams_and_it_is_said(dlkit, subwords):
    subwords(words=WORDS)
    done = dlkit("similar", "早饭饭", "-k", "all")
    assert done.stderr.splitlines()[1:] == [
        "'早饭饭' is not in the vocabulary: answered from its n-grams"
    ]
    expected = {word: cosine(vector_of("早饭饭"), vector) for word, vector in WORDS.items()}
    found = {word: float(similarity) for _, word, similarity in rows(done.stdout)}
    assert found == pytest.approx(expected, abs=1e-6)
    assert list(found) == sorted(found, key=found.get, reverse=True)
    assert dlkit("similar", "早饭饭", "-k", "all", "--quiet").stderr == ""


def test_json_says_which_words_were_unseen(dlkit, subwords):
    subwords(words=WORDS)
    known, unseen = objects(dlkit("similar", "早饭", "早饭饭", "-k1", "--json").stdout)
    assert "from_ngrams" not in known
    assert unseen["from_ngrams"] == ["早饭饭"]
    assert unseen["query"] == "早饭饭"


def test_unseen_words_stand_in_every_kind_of_question(dlkit, subwords):
    subwords(words=WORDS)
    unseen = vector_of("computers")

    def ask(*arguments, **options):
        (found,) = objects(dlkit("similar", *arguments, "--json", **options).stdout)
        assert found["from_ngrams"] == ["computers"]
        return found

    found = ask("--pair", "computers", "电脑")
    assert found["similarity"] == pytest.approx(cosine(unseen, WORDS["电脑"]), abs=1e-6)
    found = ask("--sets", "computers 电脑", "早饭")
    mean = (unseen + WORDS["电脑"]) / 2
    assert found["similarity"] == pytest.approx(cosine(mean, WORDS["早饭"]), abs=1e-6)
    assert ask("--odd-one-out", "早饭", "computers", "午饭")["odd"] == "computers"
    similarities = {word: cosine(unseen, vector) for word, vector in WORDS.items()}
    best = max(similarities, key=similarities.get)
    assert ask("--rank", "computers", best)["rank"] == 1
    ask("--rank", best, "computers")
    assert len(ask("--closer-than", "computers", "早饭")["closer"]) == sum(
        similarity > similarities["早饭"] for similarity in similarities.values()
    )
    ask("computers", "-电脑", "+早饭")
    ask("电脑", "-0.5*computers")
    ask("电脑", "-computers", "+早饭", "--method", "mul")
    ask("-", stdin="computers\n")


def test_each_unseen_word_is_told_of_once(dlkit, subwords):
    subwords(words=WORDS)
    done = dlkit("similar", "-", "-k1", "--from", "ngrams", stdin="早饭饭\n早饭\n早饭饭\n")
    assert len(done.stderr.splitlines()) == 1
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "arguments",
    [["zzqy"], ["早饭饭", "--no-subwords"], ["早饭 午饭"]],
    ids=["no known n-gram", "--no-subwords", "not one word"],
)
def test_other_unseen_words_are_unknown_with_suggestions(dlkit, subwords, arguments):
    subwords(words=WORDS)
    done = dlkit("similar", *arguments, check=NOT_FOUND)
    assert done.stdout == ""
    assert f"'{arguments[0]}' is not in the vocabulary" in done.stderr
    if arguments[0] == "早饭饭":
        assert "hint: did you mean 早饭" in done.stderr


def test_ngrams_are_those_of_the_word_as_the_corpus_would_spell_it(dlkit, subwords):
    text = {"tokens": "whitespace", "lowercase": True, "drop_punctuation": False}
    subwords(words=WORDS, text=text)
    lower = dlkit("similar", "computers")
    upper = dlkit("similar", "COMPUTERS")
    assert [row[1:] for row in rows(lower.stdout)] == [row[1:] for row in rows(upper.stdout)]
    assert "answered from the n-grams of 'computers'" in upper.stderr


def changed(**arrays):
    def change(files, document):
        for name, array in arrays.items():
            if array is None:
                del files["subwords"][name]
            else:
                files["subwords"][name] = array(files["subwords"][name])

    return change


def says(value):
    return lambda files, document: document.update({"subwords": value})


def swap(used):
    used = used.copy()
    used[[0, 1]] = used[[1, 0]]
    return used


def twice(used):
    used = used.copy()
    used[1] = used[0]
    return used


@pytest.mark.parametrize(
    "change",
    [
        changed(buckets=swap),
        changed(buckets=twice),
        changed(buckets=lambda used: used + 10_000),
        changed(buckets=lambda used: used - 10_000),
        changed(buckets=lambda used: used[:-1]),
        changed(buckets=lambda used: used.reshape(-1, 1)),
        changed(buckets=lambda used: used.astype(np.int64)),
        changed(buckets=None),
        changed(vectors=None),
        changed(vectors=lambda vectors: vectors[:, :2]),
        changed(vectors=lambda vectors: vectors[:-1]),
        changed(vectors=lambda vectors: vectors.astype(np.float64)),
        changed(vectors=lambda vectors: vectors.reshape(-1)),
        says({"shortest": 2, "longest": 3}),
        says({"shortest": 0, "longest": 3, "buckets": 10_000}),
        says({"shortest": 4, "longest": 3, "buckets": 10_000}),
        says({"shortest": 2, "longest": 10**9, "buckets": 10_000}),
        says({"shortest": 2, "longest": 3, "buckets": 2**31}),
        says({"shortest": 2, "longest": 3, "buckets": True}),
        says({"shortest": 2, "longest": 3, "buckets": "10000"}),
        says([2, 3, 10_000]),
        lambda files, document: files.pop("subwords"),
    ],
)
def test_subwords_that_do_not_fit_are_damage_where_they_are_needed(dlkit, subwords, change):
    subwords(words=WORDS, change=change)
    done = dlkit("similar", "早饭饭", check=DAMAGED)
    assert done.stdout == ""
    assert "ngrams" in done.stderr
    dlkit("similar", "早饭", "--verify", check=DAMAGED)
    assert dlkit("similar", "早饭").stdout


def test_half_precision_is_read(dlkit, subwords):
    subwords(words=WORDS)
    full = rows(dlkit("similar", "早饭饭").stdout)
    half = changed(vectors=lambda vectors: vectors.astype(np.float16))
    subwords("half", words=WORDS, change=half)
    halved = rows(dlkit("similar", "早饭饭", "--from", "half").stdout)
    similarities = [[float(row[2]) for row in each] for each in (full, halved)]
    assert similarities[1] == pytest.approx(similarities[0], abs=2e-3)


def test_values_that_are_no_numbers_are_told(dlkit, subwords):
    subwords(words=WORDS, change=changed(vectors=lambda vectors: vectors * np.float32("nan")))
    assert "no finite numbers" in dlkit("similar", "早饭饭", check=None).stderr
    done = dlkit("similar", "早饭", "--verify", check=DAMAGED)
    assert "NaN" in done.stderr


def test_a_changed_byte_is_found(dlkit, subwords):
    path = subwords(words=WORDS) / "subwords.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    for arguments in (["早饭饭"], ["早饭"], ["早饭", "--verify"]):
        assert "SHA-256" in dlkit("similar", *arguments, check=DAMAGED).stderr


def test_a_large_table_is_hashed_once_and_remembered(dlkit, subwords, cache):
    def large(files, document):
        table = files["subwords"]
        more = np.setdiff1d(np.arange(200_000, dtype=np.int32), table["buckets"])
        used = np.concatenate([table["buckets"], more[more >= 10_000]])
        padding = np.ones((len(used) - len(table["vectors"]), 3), np.float32)
        files["subwords"] = {
            "buckets": used,
            "vectors": np.concatenate([table["vectors"], padding]),
        }
        document["subwords"]["buckets"] = 200_000

    path = subwords(words=WORDS, change=large) / "subwords.safetensors"
    dlkit("similar", "早饭")
    status = os.stat(path)
    note = cache / "dlkit" / "verified" / f"{status.st_dev:x}-{status.st_ino:x}"
    assert note.read_bytes().startswith(b"%d " % status.st_size)
    # A hash that is remembered of this very file is believed, until it is asked for again.
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert "SHA-256" in dlkit("similar", "早饭", check=DAMAGED).stderr
    entries = decode((path.parent / "MANIFEST").read_bytes(), where="MANIFEST")
    remembered.remember(os.stat(path), entries[path.name].sha256)
    dlkit("similar", "早饭")
    dlkit("similar", "早饭", "--verify", check=DAMAGED)
