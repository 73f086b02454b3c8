"""Ranks, closer words, sets, weights, products, and limits on answers, by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from dlkit.errors import FAILED, NOT_FOUND, USAGE

DRAWN = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
# A word that reads like another with a weight, and one with a space.
NAMES = ["饭", "0.5*饭", "New York", *(f"w{row}" for row in range(3, 40))]
WORDS = dict(zip(NAMES, DRAWN.tolist(), strict=True))


@pytest.fixture
def drawn(make_artifact):
    return make_artifact(words=WORDS)


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def unit(word: str) -> np.ndarray:
    vector = np.float64(np.float32(WORDS[word]))
    return vector / np.linalg.norm(vector)


def order(target, without=()) -> list[tuple[str, float]]:
    """All words by their cosine with ``target``, by plain arithmetic."""
    target = target / np.linalg.norm(target)
    found = [(word, float(unit(word) @ target)) for word in NAMES if word not in without]
    return sorted(found, key=lambda each: -each[1])


def neighbours(done) -> list[tuple[str, float]]:
    return [(word, float(score)) for _, word, score in rows(done.stdout)]


def same(found, expected) -> None:
    assert [word for word, _ in found] == [word for word, _ in expected]
    assert [score for _, score in found] == pytest.approx([s for _, s in expected], abs=1e-6)


def test_rank_tells_the_place_of_a_word_among_anothers_neighbours(dlkit, drawn):
    by_nearness = order(unit("w5"), {"w5"})
    for place in (0, 3, 38):
        word, similarity = by_nearness[place]
        (found,) = rows(dlkit("similar", "--rank", "w5", word).stdout)
        assert found[:3] == ["w5", word, str(place + 1)]
        assert float(found[3]) == pytest.approx(similarity, abs=1e-6)
    done = dlkit("similar", "--rank", "-", "--header", stdin=f"w5 {by_nearness[1][0]}\nw5 w5\n")
    assert rows(done.stdout)[0] == ["first", "second", "rank", "similarity"]
    assert [row[2] for row in rows(done.stdout)[1:]] == ["2", "1"]
    (found,) = objects(dlkit("similar", "--rank", "w5", "w6", "--json").stdout)
    assert found["query"] == ["w5", "w6"]
    assert isinstance(found["rank"], int)
    assert list(found) == ["query", "rank", "similarity"]


def test_rank_counts_only_words_that_may_be_answers(dlkit, drawn):
    expected = 1 + sum(
        row < 10 for row, word in enumerate(NAMES)
        if word != "w5" and unit(word) @ unit("w5") > unit("w30") @ unit("w5")
    )  # fmt: skip
    (found,) = rows(dlkit("similar", "--rank", "w5", "w30", "--restrict", "10").stdout)
    assert found[2] == str(expected)


def test_closer_than_gives_all_words_closer_than_the_second(dlkit, drawn):
    by_nearness = order(unit("w7"), {"w7"})
    word, similarity = by_nearness[25]
    done = dlkit("similar", "--closer-than", "w7", word, "--header")
    assert rows(done.stdout)[0] == ["first", "second", "word", "similarity"]
    assert {tuple(row[:2]) for row in rows(done.stdout)[1:]} == {("w7", word)}
    same([(row[2], float(row[3])) for row in rows(done.stdout)[1:]], by_nearness[:25])
    (found,) = objects(dlkit("similar", "--closer-than", "w7", word, "-k3", "--json").stdout)
    assert found["similarity"] == pytest.approx(similarity, abs=1e-6)
    same([tuple(each.values()) for each in found["closer"]], by_nearness[:3])
    done = dlkit("similar", "--closer-than", "w7", word, "--min-score", "0.5")
    assert len(rows(done.stdout)) == sum(s >= 0.5 for _, s in by_nearness[:25])
    done = dlkit("similar", "--closer-than", "w7", word, "--format", "human")
    assert done.stdout.splitlines()[0] == f"w7 {word}"
    assert dlkit("similar", "--closer-than", "w7", by_nearness[0][0]).stdout == ""


def test_sets_are_compared_by_their_means(dlkit, drawn):
    raw = {word: np.float64(np.float32(vector)) for word, vector in WORDS.items()}
    first = (raw["饭"] + raw["w3"]) / 2
    expected = first @ raw["w9"] / np.linalg.norm(first) / np.linalg.norm(raw["w9"])
    (found,) = rows(dlkit("similar", "--sets", "饭 w3", "w9").stdout)
    assert found[:2] == ["饭 w3", "w9"]
    assert float(found[2]) == pytest.approx(expected, abs=1e-6)
    done = dlkit("similar", "--sets", "-", "--json", stdin="饭 w3\tw9\nw3 w4\nw3\tnone w4\n")
    answered, *refused = objects(done.stdout)
    assert answered["query"] == [["饭", "w3"], ["w9"]]
    assert answered["similarity"] == pytest.approx(expected, abs=1e-6)
    assert [each["query"] for each in refused] == [[["w3", "w4"]], [["w3"], ["none", "w4"]]]
    assert [each["line"] for each in refused] == [2, 3]
    assert dlkit("similar", "--sets", "New York\tw3", "w9").stdout.startswith("New York w3\tw9\t")


def test_a_signed_word_has_a_weight(dlkit, drawn):
    expected = order(0.5 * unit("饭") - 2 * unit("w3") + unit("w4"), {"饭", "w3", "w4"})
    done = dlkit("similar", "+0.5*饭", "-2*w3", "w4", "-k", "all")
    assert rows(done.stdout)[0][0] == "+0.5*饭 -2*w3 w4"
    same(neighbours(done), expected)
    done = dlkit("similar", "-", "--expressions", "-k", "all", stdin="+.5*饭 -2*w3 w4\n")
    same(neighbours(done), expected)


def test_a_word_that_reads_like_one_with_a_weight_can_be_asked_for(dlkit, drawn):
    expected = order(unit("0.5*饭"), {"0.5*饭"})[:10]
    for asked in (["0.5*饭"], ["--word=0.5*饭"], ["+1*0.5*饭"]):
        same(neighbours(dlkit("similar", *asked)), expected)
    same(neighbours(dlkit("similar", "-", stdin="0.5*饭\n")), expected)
    expected = order(unit("0.5*饭") - unit("w3"), {"0.5*饭", "w3"})[:10]
    same(neighbours(dlkit("similar", "0.5*饭", "-w3")), expected)
    done = dlkit("similar", "2*饭", "-w3", check=NOT_FOUND)
    assert "hint: a weight needs a sign: +2*饭" in done.stderr


def test_products_of_cosines(dlkit, drawn):
    def shifted(word, other):
        return (1 + unit(word) @ unit(other)) / 2

    expected = [
        (word, shifted(word, "饭") * shifted(word, "w3") / (shifted(word, "w4") + 1e-6))
        for word in NAMES
        if word not in {"饭", "w3", "w4"}
    ]
    expected.sort(key=lambda each: -each[1])
    done = dlkit("similar", "饭", "+w3", "-w4", "--method", "mul", "-k", "all", "--header")
    head, *found = rows(done.stdout)
    assert head == ["query", "word", "score"]
    assert [row[1] for row in found] == [word for word, _ in expected]
    scores = [float(row[2]) for row in found]
    assert scores == pytest.approx([score for _, score in expected], rel=1e-6)
    stdin = "饭 +w3 -w4\n-w4\n"
    arguments = ["-", "--expressions", "--method", "mul", "-k2", "--json"]
    answered, refused = objects(dlkit("similar", *arguments, stdin=stdin).stdout)
    assert [each["word"] for each in answered["neighbors"]] == [word for word, _ in expected[:2]]
    assert list(answered["neighbors"][0]) == ["word", "score"]
    assert "plus" in refused["error"]
    done = dlkit("similar", "+2*饭", "-w4", "--method", "mul", check=USAGE)
    assert "weights" in done.stderr


def test_all_neighbours(dlkit, drawn):
    same(neighbours(dlkit("similar", "饭", "-k", "all")), order(unit("饭"), {"饭"}))


@pytest.mark.parametrize("score", ["0.25", "-0.1", "1"])
def test_the_least_score(dlkit, drawn, score):
    everything = order(unit("饭"), {"饭"})
    done = dlkit("similar", "饭", "-k", "all", "--min-score", score)
    same(neighbours(done), [each for each in everything if each[1] >= float(score)])
    same(neighbours(dlkit("similar", "饭", "-k4", f"--min-score={score}")), everything[:4]
         if score != "1" else [])  # fmt: skip


@pytest.mark.parametrize(
    ("ranks", "first", "stop"),
    [("5", 0, 5), ("5-9", 4, 9), ("31-", 30, 40), ("31-999", 30, 40), ("40-40", 39, 40)],
)
def test_answers_of_a_range_of_frequency_ranks(dlkit, drawn, ranks, first, stop):
    allowed = set(NAMES[first:stop])
    expected = [each for each in order(unit("饭"), {"饭"}) if each[0] in allowed][:10]
    same(neighbours(dlkit("similar", "饭", "--restrict", ranks)), expected)


def test_ranks_that_no_word_has_are_told(dlkit, drawn):
    done = dlkit("similar", "饭", "--restrict", "41-", check=NOT_FOUND)
    assert "--restrict 41-" in done.stderr
    assert "40 words" in done.stderr


def test_answers_from_a_list(dlkit, drawn):
    allowed = {"w8", "w20", "New York"}
    (dlkit.folder / "list.txt").write_text("\ufeffw8\t17\n\nw20\r\nNew York\nw8\n", "utf-8")
    expected = [each for each in order(unit("饭"), {"饭"}) if each[0] in allowed]
    done = dlkit("similar", "饭", "--among", "list.txt", "--from", "small")
    same(neighbours(done), expected)
    assert done.stderr == ""
    named = [f"--candidate={word}" for word in sorted(allowed)]
    same(neighbours(dlkit("similar", "饭", *named)), expected)
    done = dlkit("similar", "饭", "--among", "list.txt", "--candidate", "w9", "--candidate=饭")
    expected = [each for each in order(unit("饭"), {"饭"}) if each[0] in allowed | {"w9"}]
    same(neighbours(done), expected)
    done = dlkit("similar", "-", "--among", "list.txt", "--restrict", "10", stdin="饭\nw9\nw8\n")
    assert [row[:2] for row in rows(done.stdout)[2:4]] == [
        ["w9", word] for word, _ in order(unit("w9")) if word in {"w8", "New York"}
    ]
    assert [row[:2] for row in rows(done.stdout)[4:]] == [["w8", "New York"]]


def test_an_artifacts_vocabulary_is_a_list(dlkit, drawn):
    done = dlkit("similar", "饭", "--among", drawn / "vocab.txt", "-k", "all")
    assert len(rows(done.stdout)) == 39


def test_listed_words_that_are_unknown_are_counted_and_named(dlkit, drawn):
    (dlkit.folder / "list.txt").write_text("w8\nx1\nx2\nx3\nx4\nx5\nx6\n", "utf-8")
    done = dlkit("similar", "饭", "--among", "list.txt", "--from", "small")
    assert done.stderr == (
        "warning: 6 of the 7 words that may be answers are not in the vocabulary: x1, x2, x3, x4, "
        "x5, …\n"
    )
    assert dlkit("similar", "饭", "--among", "list.txt", "--quiet").stderr.startswith("warning: ")
    done = dlkit("similar", "饭", "--candidate", "x1", check=NOT_FOUND)
    assert done.stderr.splitlines()[-1] == (
        "error: no word that may be an answer is in the vocabulary of word2vec/small: x1"
    )
    dlkit("similar", "饭", "--candidate", "w30", "--restrict", "5", check=NOT_FOUND)


def test_answers_that_begin_alike(dlkit, drawn):
    everything = order(unit("饭"), {"饭"})
    expected = [each for each in everything if each[0].startswith("w1")]
    done = dlkit("similar", "饭", "--prefix", "w1", "-k", "all", "--from", "small")
    same(neighbours(done), expected)
    assert done.stderr == ""
    # The tenth to seventeenth words are w9 to w16; w1 is none.
    done = dlkit("similar", "饭", "--prefix=w1", "--restrict", "10-17", "--min-score=-1")
    same(neighbours(done), [each for each in expected if each[0] in NAMES[10:17]])
    named = [f"--candidate={word}" for word in ("w3", "w12", "w17")]
    done = dlkit("similar", "饭", "--prefix=w1", *named)
    same(neighbours(done), [each for each in expected if each[0] in {"w12", "w17"}])
    done = dlkit("similar", "-", "--prefix", "饭", "--json", stdin="w3\n饭\n")
    found = [each["neighbors"] for each in objects(done.stdout)]
    assert [[each["word"] for each in some] for some in found] == [["饭"], []]
    closer = dlkit("similar", "--closer-than", "饭", everything[20][0], "--prefix", "w2")
    assert [row[2] for row in rows(closer.stdout)] == [
        word for word, _ in everything[:20] if word.startswith("w2")
    ]


def test_a_prefix_is_read_as_the_vocabulary_spells(dlkit, make_artifact):
    words = {"école": [1, 0.1], "Éco": [1, 0.2], "饭后": [0.5, 1], "饭菜": [0.4, 1]}
    make_artifact(words={word.lower(): vector for word, vector in words.items()},
                  text={"lowercase": True, "drop_punctuation": True})  # fmt: skip
    for typed, told in (("e\u0301c", ""), ("ÉC", "--prefix 'ÉC' is read as 'éc'\n")):
        done = dlkit("similar", "饭后", "--prefix", typed, "--from", "small")
        assert {row[1] for row in rows(done.stdout)} == {"école", "éco"}
        assert done.stderr == told
    assert [row[1] for row in rows(dlkit("similar", "école", "--prefix", "饭").stdout)] == [
        "饭后", "饭菜",
    ]  # fmt: skip
    # Without its punctuation it would be the beginning of every word.
    done = dlkit("similar", "饭后", "--prefix", "……", check=NOT_FOUND)
    assert done.stderr.splitlines()[-1] == "error: no word of word2vec/small begins with '……'"


def test_a_prefix_that_no_answer_has_is_told(dlkit, drawn):
    done = dlkit("similar", "饭", "--prefix", "w9", "--restrict", "5", check=NOT_FOUND)
    assert "no word of word2vec/small with rank 5 begins with 'w9'" in done.stderr
    done = dlkit("similar", "饭", "--prefix", "w9", "--candidate", "w8", check=NOT_FOUND)
    assert "vocabulary of word2vec/small and begins with 'w9': w8" in done.stderr
    done = dlkit("similar", "饭", "--prefix", "x", "--prefix", "y", check=NOT_FOUND)
    assert done.stderr.splitlines()[-1] == (
        "error: no word of word2vec/small begins with 'x' or 'y'"
    )


def test_answers_begin_with_any_of_several_prefixes(dlkit, drawn):
    expected = [each for each in order(unit("饭"), {"饭"}) if each[0].startswith(("w1", "w2"))]
    done = dlkit("similar", "饭", "--prefix", "w2", "--prefix=w1", "--prefix=w15", "-k", "all")
    same(neighbours(done), expected)
    done = dlkit(
        "similar", "饭", "--prefix=w1", "--prefix=x", "--prefix=w2", "-k", "all", "--quiet"
    )
    same(neighbours(done), expected)
    assert done.stderr == "warning: no word of word2vec/small begins with 'x'\n"


def test_rank_with_a_prefix_counts_the_words_that_begin_so(dlkit, drawn):
    by_nearness = [word for word, _ in order(unit("w5"), {"w5"})]
    for word in ("w17", "w3"):  # one that begins so itself, and one that does not
        nearer = by_nearness[: by_nearness.index(word)]
        expected = 1 + sum(each.startswith("w1") for each in nearer)
        assert expected != 1 + len(nearer)
        (found,) = rows(dlkit("similar", "--rank", "w5", word, "--prefix", "w1").stdout)
        assert found[2] == str(expected)


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        (None, FAILED, "cannot be read"),
        (b"w8\n\xff\n", FAILED, "line 2 is not UTF-8 at byte 1"),
        (b"\n \n", USAGE, "has no words"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(dlkit, drawn, content, code, what):
    if content is not None:
        (dlkit.folder / "list.txt").write_bytes(content)
    done = dlkit("similar", "饭", "--among", "list.txt", check=code)
    assert "--among list.txt" in done.stderr
    assert what in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rank", "a"], ["--rank", "a", "b", "c"], ["--closer-than", "a"], ["--sets", "a b"],
        ["--sets", "a", "b", "c"], ["--sets", "a", " "], ["--rank", "--closer-than", "a", "b"],
        ["--rank", "a", "b", "-k", "3"], ["--pair", "a", "b", "--restrict", "5"],
        ["--sets", "a", "b", "--min-score", "0"], ["--closer-than", "a", "b", "--method", "mul"],
        ["--odd-one-out", "a", "b", "c", "--candidate", "d"], ["--pair", "-", "--expressions"],
        ["--rank", "+a", "b"], ["--method", "sub", "a"], ["--min-score", "x", "a"],
        ["--min-score", "nan", "a"], ["--restrict", "9-5", "a"], ["--restrict", "0-", "a"],
        ["-k", "al", "a"], ["--prefix=", "饭"], ["--prefix=a", "--prefix=", "饭"],
        ["--pair", "a", "b", "--prefix", "a"],
    ],
)  # fmt: skip
def test_usage_errors_exit_2_with_one_line(dlkit, drawn, arguments):
    done = dlkit("similar", *arguments, check=USAGE)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("kind", ["--rank", "--closer-than", "--sets"])
def test_each_line_is_answered_or_refused_in_one_shape(dlkit, drawn, kind):
    def shape(*words):
        return [[word] for word in words] if kind == "--sets" else list(words)

    stdin = b"w3\tw4\nw3\tnone\n\nw4\tw3\n\xff\tw3\n"
    done = dlkit("similar", kind, "-", "--json", stdin=stdin)
    found = objects(done.stdout)
    assert [each["query"] for each in found] == [
        shape("w3", "w4"), shape("w3", "none"), [], shape("w4", "w3"), shape("\\xff", "w3"),
    ]  # fmt: skip
    assert ["error" in each for each in found] == [False, True, True, False, True]
    done = dlkit("similar", kind, "-", stdin=stdin)
    assert done.stderr.count("error: line ") == 3


def test_nothing_heavy_is_imported(dlkit, drawn):
    program = (
        "import sys; from dlkit.app import run; code = run(sys.argv[1:]); "
        "heavy = {'torch', 'numba', 'pydantic', 'rich', 'pyarrow', 'scipy', 'datasets', 'yaml', "
        "'pandas', 'asyncio', 'unittest', 'numpy.typing', 'numpy.random', 'numpy.testing'}; "
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    for arguments in (
        ["--rank", "w3", "w4"],
        ["--closer-than", "w3", "w4"],
        ["--sets", "w3", "w4"],
        ["w3", "-w4", "--method", "mul", "--candidate", "w5"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, "similar", *arguments],
            env=dlkit.environment | {"DLKIT_HOME": os.environ["DLKIT_HOME"]},
            cwd=dlkit.folder, capture_output=True, check=True,
        )  # fmt: skip
        assert done.stderr.decode().splitlines()[-1] == ""
