"""`dlkit word2vec phrases` and `vocabulary` as people use them: pipes, files, lists, refusals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

LINES = ["I love new york", "", "new york is new", "rare \\n words stay", "in new york"] * 4
SMALL = ("--dim", "8", "--threads", "1", "--sample", "0", "--epochs", "2", "--progress", "off")
# By the formula: 60 words; new 16, york 12, both 12; (12 - 3) / (16 * 12) * 60 = 2.8125.
LOW = ("--threshold", "2.6", "--min-count", "3")


@pytest.fixture
def corpus(tmp_path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def train(dlkit, *arguments, **options) -> Path:
    done = dlkit("word2vec", "train", *arguments, *SMALL, "--json", **options)
    return Path(json.loads(done.stdout)["path"])


def test_the_text_comes_out_line_for_line_with_its_phrases(dlkit, corpus):
    done = dlkit("word2vec", "phrases", corpus, *LOW)
    lines = done.stdout.split("\n")
    assert lines.pop() == ""
    assert [line.replace("_", " ") for line in lines] == LINES
    assert [line.count("new_york") for line in lines] == [1, 0, 1, 0, 1] * 4
    assert "rare \\n words" not in done.stdout  # four times in sixteen lines
    assert dlkit("word2vec", "phrases", "-", *LOW, stdin=corpus.read_bytes()).stdout == (
        done.stdout
    )


def test_several_files_tables_and_blank_rows(dlkit, tmp_path, corpus):
    (tmp_path / "table.csv").write_text('id,text\n1,"in new york"\n2,\n3,"a, b"\n')
    done = dlkit("word2vec", "phrases", "corpus.txt", "table.csv", *LOW)
    assert done.stdout.endswith("in new_york\na, b\n")
    assert "1 row without text" in done.stderr


def test_phrases_feed_training_through_a_pipe(dlkit, corpus):
    first = dlkit.start("word2vec", "phrases", corpus, *LOW, stderr=subprocess.DEVNULL)
    second = dlkit.start(
        "word2vec", "train", "-", *SMALL, "--min-count", "4", "--name", "piped",
        stdin=first.stdout, stderr=subprocess.PIPE,
    )  # fmt: skip
    first.stdout.close()
    with first, second:
        _, told = second.communicate(timeout=120)
        assert (first.wait(timeout=60), second.returncode) == (0, 0), told
    words = (dlkit.home / "word2vec" / "piped" / "vocab.txt").read_text(encoding="utf-8")
    assert "new_york\t12\n" in words
    assert "new\t4\n" in words


def test_the_list_has_scores_and_counts(dlkit, corpus):
    columns = ["phrase", "score", "count", "first", "first_count", "last", "last_count", "pass"]
    done = dlkit("word2vec", "phrases", corpus, *LOW, "--list", "--header")
    header, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert header == columns
    assert ["new_york", "2.8125", "12", "new", "16", "york", "12", "1"] in rows
    scores = [float(row[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    done = dlkit("word2vec", "phrases", corpus, *LOW, "--list", "--json")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(each) for each in objects] == [columns] * len(rows)
    assert [each["phrase"].replace("\\", "\\\\") for each in objects] == [row[0] for row in rows]


def test_passes_connectors_and_npmi(dlkit, tmp_path):
    (tmp_path / "of.txt").write_text("of\nthe\n")
    (tmp_path / "bank.txt").write_text("the bank of the west side\nbank of the west\nof it\n" * 5)
    options = ("--score", "npmi", "--threshold", "0.6,0.5", "--connectors", "of.txt")
    done = dlkit("word2vec", "phrases", "bank.txt", *options)
    assert done.stdout == ("the bank_of_the_west_side\nbank_of_the_west\nof it\n" * 5)
    assert "pass 2: 1 phrase above 0.5, joined 5 times" in done.stderr


def test_a_file_is_written_whole_and_only_replaced_by_force(dlkit, tmp_path, corpus):
    expected = dlkit("word2vec", "phrases", corpus, *LOW).stdout
    done = dlkit("word2vec", "phrases", corpus, *LOW, "--out", "new.txt", "--json")
    assert (tmp_path / "new.txt").read_text(encoding="utf-8") == expected
    row = json.loads(done.stdout)
    assert (row["path"], row["lines"], row["words"]) == ("new.txt", 20, 60)
    again = ("--out", "new.txt", "--force", "--format", "human")
    told = dlkit("word2vec", "phrases", corpus, *again).stdout.splitlines()
    assert told[0].split() == ["result", "value"]  # a line a fact, as other commands do
    assert any(line.split() == ["path", "new.txt"] for line in told)
    assert row["joined"] == expected.count("_") == 24
    refused = dlkit("word2vec", "phrases", corpus, "--out", "new.txt", check=2)
    assert "--force" in refused.stderr
    assert "reading" not in refused.stderr
    dlkit("word2vec", "phrases", corpus, *LOW, "--out", corpus, "--force")
    assert corpus.read_text(encoding="utf-8") == expected


def test_a_failed_run_leaves_no_file(dlkit, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"a b\n\xff")
    dlkit("word2vec", "phrases", "bad.txt", "--out", "new.txt", check=1)
    dlkit("word2vec", "phrases", "bad.txt", "--out", "no/new.txt", check=1)
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.txt", "artifacts"}


def test_options_that_do_not_go_together_are_refused(dlkit, corpus):
    for options, told in [
        (("--json",), "--list"),
        (("--list", "--out", "x.txt"), "--out"),
        (("--threshold", "2", "--score", "npmi"), "-1 to 1"),
        (("--joiner", "a b"), "--joiner"),
        (("--tokens", "words"), "--tokens"),
    ]:
        assert told in dlkit("word2vec", "phrases", corpus, *options, check=2).stderr


def test_a_reader_that_leaves_ends_it_quietly(dlkit, tmp_path):
    (tmp_path / "long.txt").write_text("a b c d e f g h\n" * 200_000)
    with dlkit.start("word2vec", "phrases", "long.txt", "--quiet") as process:
        assert process.stdout.readline().startswith(b"a")
        process.stdout.close()
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE
        assert process.stderr.read() == b""


def test_a_signal_stops_it_and_leaves_nothing(dlkit, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    options = {"stdin": subprocess.PIPE, "env": {"TMPDIR": str(scratch)}}
    with dlkit.start("word2vec", "phrases", "-", "--out", "new.txt", **options) as process:
        process.stdin.write(b"a b c\n" * 100_000)
        process.stdin.flush()
        while not list(scratch.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert list(scratch.iterdir()) == []
    assert not list(tmp_path.glob("*new.txt*"))


def test_a_vocabulary_is_words_with_falling_counts(dlkit, corpus):
    done = dlkit("word2vec", "vocabulary", corpus, "--min-count", "4")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[:3] == [["new", "16"], ["york", "12"], ["I", "4"]]
    assert ["\\n", "4"] in rows  # as in vocab.txt, a backslash is itself
    done = dlkit("word2vec", "vocabulary", corpus, "--max-vocab", "1", "--json")
    assert json.loads(done.stdout) == {"word": "new", "count": 16}
    done = dlkit("word2vec", "vocabulary", "-", "--header", stdin="饭 a 饭 b 饭 饭 饭\n")
    assert done.stdout == "word\tcount\n饭\t5\n"
    assert "2 rarer ones dropped" in done.stderr


def test_a_vocabulary_for_word2vec_c_begins_with_its_line_end(dlkit, tmp_path):
    done = dlkit(
        "word2vec", "vocabulary", "-", "--to", "word2vec", "--min-count", "1",
        stdin="b a b\n\nb 饭 </s>\n",
    )  # fmt: skip
    assert done.stdout == "</s> 3\nb 3\na 1\n饭 1\n"
    assert "--to" in dlkit("word2vec", "vocabulary", "-", "--to", "glove", check=2).stderr


@pytest.mark.parametrize("to", [(), ("--to", "word2vec")])
def test_training_with_the_corpus_own_vocabulary_gives_the_same_bits(dlkit, tmp_path, corpus, to):
    words = dlkit("word2vec", "vocabulary", corpus, "--min-count", "4", *to).stdout
    (tmp_path / "words.txt").write_text(words, encoding="utf-8")
    plain = train(dlkit, corpus, "--min-count", "4")
    fixed = train(dlkit, corpus, "--min-count", "4", "--vocabulary", "words.txt")
    for name in ("vectors.safetensors", "outputs.safetensors", "vocab.txt"):
        assert (plain / name).read_bytes() == (fixed / name).read_bytes()


def test_a_given_vocabulary_is_found_again_from_anywhere(dlkit, tmp_path, corpus):
    (tmp_path / "words.txt").write_text("york 3\nnew 900\nelsewhere 10\n")
    options = ("--vocabulary", "words.txt", "--min-count", "3")
    first = train(dlkit, corpus, *options)
    assert (first / "vocab.txt").read_text() == "new\t900\nelsewhere\t10\nyork\t3\n"
    config = yaml.safe_load((first / "config.yaml").read_text(encoding="utf-8"))
    assert config["text"]["vocabulary"] == str(tmp_path / "words.txt")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    again = train(dlkit, "-r", first / "config.yaml", "--name", "again")
    assert (again / "vectors.safetensors").read_bytes() == (
        first / "vectors.safetensors"
    ).read_bytes()
    # In a recipe, a relative path is relative to the recipe.
    (folder / "own.txt").write_text("new\nyork\n")
    (folder / "own.yaml").write_text(
        f"data: {corpus}\ntext: {{vocabulary: own.txt, min_count: 1}}\n"
    )
    own = train(dlkit, "-r", folder / "own.yaml")
    assert (own / "vocab.txt").read_text() == "new\t16\nyork\t12\n"


def test_a_vocabulary_that_is_damaged_is_an_error_before_training(dlkit, tmp_path, corpus):
    (tmp_path / "words.txt").write_text("new 3\nyork\n")
    done = dlkit("word2vec", "train", corpus, "--vocabulary", "words.txt", check=1)
    assert "words.txt: line 2 has no count" in done.stderr
    assert not list(dlkit.home.rglob("artifact.json"))


def test_phrases_need_no_torch(dlkit, corpus):
    code = (
        "import sys; sys.modules['torch'] = None; from dlkit.app import run; "
        "sys.exit(run(sys.argv[1:]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, "word2vec", "phrases", str(corpus)],
        env=dlkit.environment,
        check=True,
        capture_output=True,
    )
