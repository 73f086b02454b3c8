"""``dlkit similar`` as a user and as a script sees it."""

from __future__ import annotations

import gzip
import json
import os
import select
import signal
import subprocess
import sys
import time
import unicodedata

import numpy as np
import pytest

from dlkit.errors import FAILED, NOT_FOUND, USAGE


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_pipe_gets_query_word_similarity_and_nothing_else(dlkit, small):
    done = dlkit("similar", "米饭", "-k", "2")
    (query, word, similarity), second = rows(done.stdout)
    assert (query, word) == ("米饭", "吃饭")
    assert second[1] == "apple"
    vectors = np.float32([[0, 0, 1, 0.1], [0, 0, 1, 0.3]]).astype(np.float64)
    cosine = vectors[0] @ vectors[1] / np.prod(np.linalg.norm(vectors, axis=1))
    assert similarity == str(np.float32(cosine))  # shortest digits of a float32
    assert done.stderr == "using word2vec/small: 15 words x 4\n"
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


def test_an_analogy_is_one_question(dlkit, small):
    done = dlkit("similar", "国王", "-男人", "+女人", "-k1")
    assert rows(done.stdout)[0][:2] == ["国王 -男人 +女人", "女王"]
    assert rows(dlkit("similar", "-男人", "国王", "女人", "-k1").stdout)[0][1] == "女王"


def test_plain_words_are_a_question_each(dlkit, small):
    found = objects(dlkit("similar", "米饭", "国王", "--json", "-k", "3").stdout)
    assert [each["query"] for each in found] == ["米饭", "国王"]
    assert all(len(each["neighbors"]) == 3 for each in found)
    assert list(found[0]["neighbors"][0]) == ["word", "similarity"]


def test_the_header_is_written_once(dlkit, small):
    done = dlkit("similar", "米饭", "国王", "--header", "-k1")
    assert rows(done.stdout)[0] == ["query", "word", "similarity"]
    assert len(rows(done.stdout)) == 3


def test_pairs_and_odd_ones_out(dlkit, small):
    assert objects(dlkit("similar", "--pair", "国王", "男人", "--json").stdout) == [
        {"query": ["国王", "男人"], "similarity": pytest.approx(0.70358, abs=1e-4)}
    ]
    done = dlkit("similar", "--odd-one-out", "米饭", "吃饭", "国王", "--json")
    assert objects(done.stdout) == [{"query": ["米饭", "吃饭", "国王"], "odd": "国王"}]
    done = dlkit("similar", "--pair", "-", "--header", stdin="国王 男人\n米饭\tzero\n")
    assert rows(done.stdout)[0] == ["first", "second", "similarity"]
    assert rows(done.stdout)[2] == ["米饭", "zero", "0.0"]
    done = dlkit("similar", "--odd-one-out", "-", stdin="米饭 吃饭 国王\n")
    assert rows(done.stdout) == [["米饭 吃饭 国王", "国王"]]


@pytest.mark.parametrize("word", ["</s>", "<unk>", "[/s]"])
@pytest.mark.parametrize("form", ["human", "tsv", "json"])
def test_words_that_look_like_markup_are_printed_as_they_are(dlkit, small, word, form):
    assert word in dlkit("similar", "Paris", word, "--format", form, "-k15").stdout


def test_words_with_a_leading_dash_are_asked_for_literally(dlkit, small):
    for arguments in (["--word=-x"], ["--word", "-x"], ["--", "-x"]):
        assert rows(dlkit("similar", "-k1", *arguments).stdout)[0][:2] == ["-x", "--json"]
    assert rows(dlkit("similar", "-k1", "--", "-", "--json").stdout)[1][0] == "--json"
    found = rows(dlkit("similar", "-", "-k1", stdin="-x\n-\n--json\n").stdout)
    assert [each[0] for each in found] == ["-x", "-", "--json"]


def test_an_unknown_word_is_an_error_with_suggestions(dlkit, small):
    done = dlkit("similar", "饭", check=NOT_FOUND)
    assert done.stdout == ""
    assert done.stderr.splitlines()[1:] == [
        "error: '饭' is not in the vocabulary of word2vec/small (15 words)",
        "hint: did you mean 米饭, 吃饭?",
    ]
    done = dlkit("similar", "paris", "--json", check=NOT_FOUND)
    assert objects(done.stdout)[0]["suggestions"] == ["Paris"]


def test_in_json_one_question_is_refused_like_many(dlkit, small):
    for arguments, stdin in ((["paris"], ""), (["-"], "paris\n")):
        done = dlkit("similar", *arguments, "--json", "--quiet", stdin=stdin, check=NOT_FOUND)
        (refused,) = objects(done.stdout)
        assert "not in the vocabulary" in refused["error"]
        assert done.stderr.splitlines() == [
            "error: the question has no answer", "hint: did you mean Paris?",
        ]  # fmt: skip


@pytest.mark.parametrize("kind", ["--pair", "--odd-one-out"])
def test_in_json_the_query_has_one_shape_answered_or_refused(dlkit, small, kind):
    words = ["米饭", "吃饭"] if kind == "--pair" else ["米饭", "吃饭", "国王"]
    unknown = ["饭", *words[1:]]
    for asked, code in ((words, 0), (unknown, NOT_FOUND)):
        found = objects(dlkit("similar", kind, *asked, "--json", check=code).stdout)
        assert [each["query"] for each in found] == [asked]
    stdin = f"{' '.join(unknown)}\n{chr(9).join(words)}\n\n米饭 -\tx\n".encode() + b"\xff\n"
    found = objects(dlkit("similar", kind, "-", "--json", stdin=stdin).stdout)
    refused = ["米饭 -", "x"]  # two words are a pair, of which one is unknown
    assert [each["query"] for each in found] == [unknown, words, [], refused, ["\\xff"]]


@pytest.mark.parametrize(("typed", "option"), [("-h", "--help"), ("-q", "--quiet")])
def test_short_options_of_elsewhere_are_minus_words_and_the_hint_says_so(
    dlkit, small, make_artifact, typed, option
):
    done = dlkit("similar", "米饭", typed, check=NOT_FOUND)
    assert f"hint: {typed} is a minus word here; the option is {option}" in done.stderr
    done = dlkit("similar", "-", "--expressions", stdin=f"米饭 {typed}\n", check=NOT_FOUND)
    assert option not in done.stderr
    make_artifact("letters", words={"a": [1, 0], typed[1:]: [0, 1], "c": [-1, 1]})
    assert rows(dlkit("similar", "a", typed).stdout) == [[f"a {typed}", "c", "-1.0"]]


def test_the_number_of_neighbours_by_its_name_elsewhere(dlkit, small):
    for typed in (["--topn", "5"], ["--topn=5"], ["--k", "5"]):
        assert "hint: -k N" in dlkit("similar", "米饭", *typed, check=USAGE).stderr


def test_a_word_read_otherwise_than_typed_is_told_of_once(dlkit, make_artifact):
    words = {"酒店": [1, 0], "apple": [0, 1], "thé": [1, 1], "café": [-1, 1]}
    text = {"tokens": "zh", "lowercase": True, "drop_punctuation": True}
    make_artifact("folded", words=words, text=text)

    def notes(*arguments, **options):
        stderr = dlkit("similar", "--from", "folded", *arguments, **options).stderr
        return stderr.splitlines()

    assert notes("--", "-酒店") == ["'-酒店' is read as '酒店'"]
    assert notes("--quiet", "--", "-酒店") == []
    assert notes("酒店", "cafe\u0301") == []  # composed: it looks the same
    stdin = "APPLE\n酒店\nAPPLE\n《Apple》\n"
    expected = ["'APPLE' is read as 'apple'", "'《Apple》' is read as 'apple'"]
    assert notes("-", stdin=stdin) == expected
    assert notes("-", "--json", stdin=stdin) == expected
    assert notes("酒店", "-APPLE") == ["'APPLE' is read as 'apple'"]
    assert notes("--pair", "酒店", "APPLE") == ["'APPLE' is read as 'apple'"]
    assert notes("--odd-one-out", "酒店", "APPLE", "thé") == ["'APPLE' is read as 'apple'"]


def test_in_a_batch_each_line_is_answered_or_refused(dlkit, small):
    stdin = "米饭\n\n饭\n".encode() + b"\xff\xfe\n" + "国王".encode()
    done = dlkit("similar", "-", "-k1", "--json", stdin=stdin)
    found = objects(done.stdout)
    assert [each["query"] for each in found] == ["米饭", "", "饭", "\\xff\\xfe", "国王"]
    assert ["neighbors" in each for each in found] == [True, False, False, False, True]
    assert found[2]["suggestions"] == ["米饭", "吃饭"]
    assert [each.get("line") for each in found] == [None, 2, 3, 4, None]
    done = dlkit("similar", "-", "-k1", stdin=stdin)
    assert len(rows(done.stdout)) == 2
    assert [f"line {number}: " in done.stderr for number in (1, 2, 3, 4, 5)] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_the_exit_code_is_3_if_all_failed_and_with_strict_if_any(dlkit, small):
    dlkit("similar", "米饭", "饭", check=0)
    dlkit("similar", "米饭", "饭", "--strict", check=NOT_FOUND)
    done = dlkit("similar", "饭", "面", check=NOT_FOUND)
    assert "2 of 2 questions have no answer" in done.stderr
    dlkit("similar", "-", stdin="饭\n\n", check=NOT_FOUND)
    dlkit("similar", "-", stdin="", check=FAILED)


def test_the_first_answer_leaves_before_the_second_question_arrives(dlkit, small):
    process = dlkit.start("similar", "-", "-k1", stdin=subprocess.PIPE)
    with process:
        for word in ("米饭", "国王", "女人"):
            process.stdin.write(f"{word}\n".encode())
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 30)[0], "no answer came"
            assert process.stdout.readline().decode().split("\t")[0] == word
        process.stdin.close()
        assert process.wait(30) == 0


def test_expressions_come_from_stdin_where_asked_for(dlkit, small):
    done = dlkit("similar", "-", "--expressions", "-k1", stdin="国王 -男人 +女人\n米饭\n")
    assert [row[:2] for row in rows(done.stdout)] == [
        ["国王 -男人 +女人", "女王"],
        ["米饭", "吃饭"],
    ]


def test_a_question_of_zeros_is_refused_without_nan(dlkit, small):
    assert "zeros" in dlkit("similar", "zero", check=NOT_FOUND).stderr
    assert "cancel out" in dlkit("similar", "国王", "-国王", check=NOT_FOUND).stderr
    assert ["国王", "zero", "0.0"] in rows(dlkit("similar", "国王", "-k15").stdout)


def test_a_lower_cased_artifact_lowers_the_question(dlkit, make_artifact):
    make_artifact("lower", text={"tokens": "whitespace", "lowercase": True})
    assert rows(dlkit("similar", "APPLE", "-k1").stdout)[0][:2] == ["APPLE", "米饭"]


def test_a_character_artifact_suggests_the_characters_of_a_word(dlkit, make_artifact):
    make_artifact("chars", words={"饭": [1, 0], "天": [0, 1], "吃": [1, 1]})
    done = dlkit("similar", "吃饭", check=NOT_FOUND)
    assert "did you mean 饭, 吃?" in done.stderr


def test_decomposed_accents_find_the_composed_word(dlkit, make_artifact):
    make_artifact("accents", words={"café": [1, 0], "thé": [1, 1]})
    assert rows(dlkit("similar", "cafe\u0301").stdout)[0][1] == "thé"


def test_the_newest_artifact_is_taken_and_from_names_another(dlkit, make_artifact):
    old = make_artifact("old")
    make_artifact("new")
    os.utime(old / "MANIFEST")
    assert "using word2vec/new" in dlkit("similar", "米饭").stderr
    for reference in ("old", "word2vec/old", "word2vec/old/", dlkit.home / "word2vec" / "old"):
        done = dlkit("similar", "米饭", "--from", reference)
        assert done.stderr == ""
        assert done.stdout
    assert dlkit("similar", "米饭", "--quiet").stderr == ""
    done = dlkit("similar", "米饭", "--from", "older", check=NOT_FOUND)
    assert "hint: did you mean word2vec/old?" in done.stderr
    done = dlkit("similar", "米饭", "--from", "中文名", check=NOT_FOUND)
    assert "hint: dlkit artifacts list" in done.stderr


def test_without_any_artifact_the_command_that_makes_one_is_named(dlkit):
    for source in ([], ["--from", "中文名"]):
        done = dlkit("similar", "米饭", *source, check=NOT_FOUND)
        assert "hint: dlkit word2vec train CORPUS" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--bogus", "a"], ["-k", "0", "a"], ["-k", "x", "a"], ["--restrict", "0", "a"],
        ["--format", "xml", "a"], ["", "a"], ["a", "-"], ["--pair", "a"], ["--pair", "a", "b", "c"],
        ["--odd-one-out", "a", "b"], ["--pair", "--odd-one-out", "a", "b", "c"],
        ["--from", "x", "--vectors", "y", "a"], ["--from"], ["--json=yes", "a"],
    ],
)  # fmt: skip
def test_usage_errors_exit_2_with_one_line(dlkit, small, arguments):
    done = dlkit("similar", *arguments, check=USAGE)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 2


def test_a_closed_stdin_is_a_usage_error(dlkit, small):
    command = f"{sys.executable} -m dlkit similar - <&-"
    done = subprocess.run(
        ["bash", "-c", command], env=dlkit.environment, cwd=dlkit.folder, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == USAGE
    assert b"stdin is closed" in done.stderr


def test_a_reader_that_leaves_is_no_error(dlkit, small):
    command = f"yes 米饭 | {sys.executable} -m dlkit similar - | head -n 1; echo ${{PIPESTATUS[1]}}"
    done = subprocess.run(
        ["bash", "-c", command], env=dlkit.environment, cwd=dlkit.folder, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.decode().splitlines()[1] == "141"
    assert b"error" not in done.stderr


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1"}, {"COLUMNS": "40"}, {"LC_ALL": "C"}, {"LC_ALL": "C", "LANG": "C"}]
)
def test_the_environment_changes_no_byte_in_a_pipe(dlkit, small, env):
    plain = dlkit("similar", "米饭", "</s>")
    assert dlkit("similar", "米饭", "</s>", env=env).stdout == plain.stdout
    narrow = dlkit("similar", "米饭", "--format", "human", env=env).stdout
    assert "\x1b" not in narrow
    assert "吃饭" in narrow


def test_the_order_of_options_and_words_does_not_matter(dlkit, small):
    expected = dlkit("similar", "国王", "-男人", "+女人", "--json", "-k", "2").stdout
    for arguments in (
        ["--json", "-k2", "国王", "-男人", "+女人"],
        ["国王", "--json", "-男人", "-k", "2", "+女人"],
    ):
        assert dlkit("similar", *arguments).stdout == expected


def test_files_of_other_tools_are_read(dlkit):
    text = "3 2\n饭 1 0 \nNew York 1 1 \n[/s] 0 1 \n"
    for name, content in (("v.vec", text.encode()), ("v.gz", gzip.compress(text.encode()))):
        (dlkit.folder / name).write_bytes(content)
        done = dlkit("similar", "饭", "New York", "--vectors", name, "-k1")
        assert rows(done.stdout) == [
            ["饭", "New York", str(np.float32(np.sqrt(0.5)))],
            ["New York", "饭", str(np.float32(np.sqrt(0.5)))],
        ]
        assert name in done.stderr
        assert "3 x 2" in done.stderr
        assert dlkit("similar", "饭", "--vectors", name, "--quiet").stderr == ""


def test_an_impossible_header_fails_at_once(dlkit):
    (dlkit.folder / "bomb.vec").write_text("1000000000 1000000000\nthe 0.1\n")
    begun = time.monotonic()
    done = dlkit("similar", "the", "--vectors", "bomb.vec", check=1)
    assert time.monotonic() - begun < 5
    assert "1,000,000,000" in done.stderr


def test_help_shows_options_and_an_example(dlkit):
    done = dlkit("similar", "--help")
    for shown in ("--from", "--odd-one-out", "-k", "--restrict", "dlkit similar 国王 -男人 +女人"):
        assert shown in done.stdout


def test_completion_of_from_names_artifacts(dlkit, small):
    for start, full in (("s", "small"), ("word2vec/s", "word2vec/small")):
        env = {"_DLKIT_COMPLETE": "complete_bash", "COMP_WORDS": f"dlkit similar --from {start}",
               "COMP_CWORD": "3"}  # fmt: skip
        assert full in dlkit(env=env, check=None).stdout.split()


def test_nothing_heavy_is_imported(dlkit, small):
    program = (
        "import sys; from dlkit.app import run; code = run(sys.argv[1:]); "
        "heavy = {'torch', 'numba', 'pydantic', 'rich', 'pyarrow', 'scipy', 'datasets', 'yaml', "
        "'pandas', 'asyncio', 'unittest', 'numpy.typing', 'numpy.random', 'numpy.testing'}; "
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    (dlkit.folder / "v.vec").write_text("2 2\n饭 1 0\n面 1 1\n")
    for arguments in (
        ["国王", "-男人", "+女人", "-k", "3"],
        ["饭", "米饭"],
        ["米饭", "--json", "--verify"],
        ["饭", "--vectors", "v.vec"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, "similar", *arguments], env=dlkit.environment,
            cwd=dlkit.folder, capture_output=True, check=True,
        )  # fmt: skip
        assert done.stderr.decode().splitlines()[-1] == ""


@pytest.mark.parametrize("options", [(), ("--pair",), ("--expressions", "--json"), ("--strict",)])
def test_an_empty_stdin_has_no_questions_and_that_is_told(dlkit, small, options):
    done = dlkit("similar", "-", *options, "--from", "small", check=FAILED)
    assert done.stdout == ""
    assert done.stderr == "error: no questions in standard input\n"


def raw_controls(text: str) -> list[str]:
    return [each for each in text if unicodedata.category(each) == "Cc" and each not in "\t\n"]


@pytest.mark.parametrize("form", ["human", "tsv", "json"])
@pytest.mark.parametrize("control", ["\0", "\x1b[2J", "\x7f", "\x9b"])
def test_no_control_character_of_a_question_reaches_the_terminal(
    dlkit, subwords, make_artifact, form, control
):
    word = f"男{control}人"
    subwords()
    for source, check in (("ngrams", 0), ("small", NOT_FOUND)):
        if check:
            make_artifact()
        done = dlkit("similar", "-", "--from", source, "--format", form, stdin=word, check=check)
        assert raw_controls(done.stdout + done.stderr) == []
        assert "男" in done.stdout + done.stderr
    if form == "json":
        assert json.loads(done.stdout)["query"] == word


def test_a_minus_word_that_is_a_short_option_elsewhere_is_said(dlkit, make_artifact):
    make_artifact(words={"饭": [1, 0.2], "q": [0.3, 1], "好": [1, 1]})
    done = dlkit("similar", "饭", "-q", "--from", "small")
    assert done.stderr == "-q is a minus word here; the option is --quiet\n"
    assert dlkit("similar", "饭", "+q", "--from", "small").stderr == ""
    assert dlkit("similar", "饭", "-q", "--from", "small", "--quiet").stderr == ""


def started_and_waiting(dlkit, *arguments):
    """A command that waits for its second question: the first is answered."""
    process = dlkit.start(*arguments, stdin=subprocess.PIPE)
    process.stdin.write("男人\n".encode())
    process.stdin.flush()
    assert process.stdout.readline()
    return process


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_waiting_for_questions_and_is_told(dlkit, small, name):
    process = started_and_waiting(dlkit, "similar", "-", "-k1", "--from", "small")
    process.send_signal(signal.Signals[name])
    with process.stdin, process.stdout, process.stderr:
        assert process.wait(timeout=20) == 128 + signal.Signals[name]
        assert process.stderr.read().decode() == f"error: stopped by {name}\n"
