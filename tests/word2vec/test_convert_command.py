"""The real command both ways: what is exported, imported and asked for is the same."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.errors import USAGE, DlkitError
from dlkit.word2vec.convert import target_of

WORDS = ["的", "早餐", "午餐", "Hotel", "café", "a\u00a0b", "-", "</s>", "語" * 33 + "x", "zero"]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 6)).astype(np.float32)
MATRIX[2] *= 1e-20
MATRIX[3] *= 1e20
MATRIX[-1] = 0
FILES = ["v.vec", "v.bin", "v.npy", "v.tsv", "v.txt.gz"]


@pytest.fixture
def source(dlkit, monkeypatch):
    """An artifact as training leaves it, with counts and an output matrix."""
    monkeypatch.setenv("DLKIT_HOME", str(dlkit.home))
    counts = [1000 - row for row in range(len(WORDS))]
    norms = np.linalg.norm(MATRIX.astype(np.float64), axis=1).astype(np.float32)
    files = {
        "vocab.txt": "".join(f"{w}\t{c}\n" for w, c in zip(WORDS, counts, strict=True)).encode(),
        "vectors.safetensors": write_tensors({"vectors": MATRIX, "norms": norms}),
        "outputs.safetensors": write_tensors({"outputs": -MATRIX}),
    }
    document = {
        "kind": "word-vectors",
        "dim": MATRIX.shape[1],
        "words": len(WORDS),
        "text": {"tokens": "zh", "lowercase": False, "drop_punctuation": False},
    }
    with reserve("word2vec", "source", default="source") as run:
        return run.commit(document, files)


def bits(path, tensor="vectors"):
    return read_tensors(path / "vectors.safetensors")[tensor].view(np.uint32)


def imported(dlkit, file, *arguments):
    done = dlkit("word2vec", "import", file, "--json", "--quiet", *arguments)
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("output", "layout", "expected"),
    [
        ("a/v.txt", None, (("a/v.txt",), "text", False)),
        ("v.vec.gz", None, (("v.vec.gz",), "fasttext", True)),
        ("v.bin", None, (("v.bin",), "binary", False)),
        ("v.1.npy", None, (("v.1.npy", "v.1.vocab.txt"), "numpy", False)),
        ("v.tsv", None, (("v.tsv", "v.metadata.tsv"), "projector", False)),
        ("glove.6B.100d.txt", "glove", (("glove.6B.100d.txt",), "glove", False)),
        ("anything", "binary", (("anything",), "binary", False)),
        ("-", "text", ((), "text", False)),
        ("-", None, "standard output takes a text format"),
        ("-", "binary", "not binary"),
        ("-", "numpy", "not numpy"),
        ("v.foo", None, "v.foo"),
        ("v.gz", None, "v.gz"),
        ("v.npy.gz", None, "v.npy.gz"),
        ("v.tsv.gz", None, "v.tsv.gz"),
        ("v.vec", "nonsense", "'nonsense'"),
    ],
)
def test_the_suffix_tells_the_format_where_it_can(output, layout, expected):
    if isinstance(expected, str):
        with pytest.raises(DlkitError) as caught:
            target_of(output, layout)
        assert expected in caught.value.message
        assert caught.value.hint
        assert caught.value.code == USAGE
    else:
        paths, *rest = target_of(output, layout)
        assert (tuple(map(str, paths)), *rest) == expected


@pytest.mark.parametrize("file", FILES)
def test_every_format_comes_back_bit_for_bit(dlkit, source, file):
    told = json.loads(dlkit("word2vec", "export", file, "--json", "--quiet").stdout)
    written = [dlkit.folder / told[key] for key in ("file", "words_file") if told[key]]
    assert told["bytes"] == sum(path.stat().st_size for path in written)
    assert (told["words"], told["dim"]) == MATRIX.shape
    back = imported(dlkit, file, "--name", "back")
    assert back["artifact"] == "word2vec/back"
    assert (bits(dlkit.home / "word2vec" / "back") == bits(source)).all()
    norms = bits(dlkit.home / "word2vec" / "back", "norms").view(np.float32)
    assert np.allclose(norms, bits(source, "norms").view(np.float32))
    vocabulary = (dlkit.home / "word2vec" / "back" / "vocab.txt").read_text(encoding="utf-8")
    assert [line.split("\t")[0] for line in vocabulary.splitlines()] == WORDS


@pytest.mark.parametrize("file", ["v.vec", "v.npy"])
def test_an_imported_artifact_answers_as_its_file_does(dlkit, source, file):
    dlkit("word2vec", "export", file, "--quiet")
    imported(dlkit, file, "--name", "back")
    asked = "的 -Hotel +午餐\ncafe\u0301\n早餐\n</s>\n"
    answers = [
        dlkit("similar", "-", "--expressions", "-k", "4", *where, stdin=asked).stdout
        for where in (["--from", "back"], ["--vectors", file], ["--from", "source"])
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].count("\n") == 16


def test_counts_are_kept_where_the_format_has_them_and_else_said_to_be_unknown(dlkit, source):
    for file, counted in (("v.npy", False), ("v.tsv", False), ("v.bin", True)):
        dlkit("word2vec", "export", file, "--quiet")
        done = dlkit("word2vec", "import", file, "--name", file)
        assert ("no counts" in done.stderr) == counted
        facts = dict(
            line.split("\t")
            for line in dlkit("artifacts", "show", f"word2vec/{file}").stdout.splitlines()
        )
        assert (facts.get("counts") == "unknown") == counted
        vocabulary = (dlkit.home / "word2vec" / file / "vocab.txt").read_text(encoding="utf-8")
        counts = [int(line.split("\t")[1]) for line in vocabulary.splitlines()]
        assert counts == ([0] * 10 if counted else [1000 - row for row in range(10)])
    dlkit("word2vec", "export", "two.tsv", "--vectors", "v.npy", "--restrict", "2")
    told = (dlkit.folder / "two.metadata.tsv").read_text(encoding="utf-8")
    assert told == "word\tcount\n的\t1000\n早餐\t999\n"
    # An artifact without counts has none to export.
    dlkit("word2vec", "export", "w.npy", "--from", "v.bin")
    assert (dlkit.folder / "w.vocab.txt").read_text(encoding="utf-8").splitlines() == WORDS


def test_stdout_takes_the_text_formats_and_nothing_else_goes_there(dlkit, source):
    done = dlkit("word2vec", "export", "-", "--to", "glove", "--restrict", "2")
    lines = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == WORDS[:2]
    assert np.float32(lines[1].split(" ")[1:]).tolist() == MATRIX[1].tolist()
    whole = dlkit("word2vec", "export", "-", "--to", "text", "--quiet").stdout
    assert whole.startswith("10 6\n的 ")
    dlkit("word2vec", "export", "v.txt")
    assert (dlkit.folder / "v.txt").read_text(encoding="utf-8") == whole
    done = dlkit("word2vec", "import", "-", "--name", "piped", stdin=whole)
    assert (bits(dlkit.home / "word2vec" / "piped") == bits(source)).all()


def test_the_output_matrix_is_exported_where_there_is_one(dlkit, source):
    dlkit("word2vec", "export", "v.npy", "--outputs", "--quiet")
    imported(dlkit, "v.npy", "--name", "out")
    assert (bits(dlkit.home / "word2vec" / "out") == (-MATRIX).view(np.uint32)).all()
    done = dlkit("word2vec", "export", "x.npy", "--outputs", "--from", "out", check=3)
    assert "no output matrix" in done.stderr
    assert not (dlkit.folder / "x.npy").exists()


def test_half_precision_is_stored_and_asked_for(dlkit, source):
    dlkit("word2vec", "export", "v.bin", "--restrict", "2", "--quiet")
    assert imported(dlkit, "v.bin", "--dtype", "float16", "--name", "half")["dtype"] == "float16"
    tensors = read_tensors(dlkit.home / "word2vec" / "half" / "vectors.safetensors")
    assert tensors["vectors"].dtype == np.float16
    assert (tensors["vectors"] == MATRIX[:2].astype(np.float16)).all()
    assert tensors["norms"].dtype == np.float32
    half = MATRIX[:2].astype(np.float16).astype(np.float64)
    cosine = half[0] @ half[1] / np.linalg.norm(half[0]) / np.linalg.norm(half[1])
    for arguments in (["早餐", "-k", "1"], ["--pair", "早餐", "的"]):
        answer = dlkit("similar", *arguments, "--from", "half").stdout.split("\t")
        assert np.float32(answer[-1]) == np.float32(cosine)
    dlkit("artifacts", "verify", "half")
    dlkit("word2vec", "export", "h.npy", "--from", "half", "--dtype", "float16", "--quiet")
    assert imported(dlkit, "h.npy", "--dtype", "float16")["vocabulary"] == 2
    again = dlkit.home / "word2vec" / "h" / "vectors.safetensors"
    assert again.read_bytes() == again.parents[1].joinpath("half", again.name).read_bytes()


def test_mistakes_are_told_before_the_work_and_leave_nothing(dlkit, source):
    (dlkit.folder / "there.vec").write_bytes(b"mine")
    (dlkit.folder / "spaces.txt").write_text("a 1 2.5\nNew York 1 2\nb 3 4\n", encoding="utf-8")
    (dlkit.folder / "bytes.txt").write_bytes(b"a 1 2.5\nb\xe8\xaa 1 2\n")
    (dlkit.folder / "tab.txt").write_bytes(b"2 2\na 1 2.5\nb\tc 1 2\n")
    before = sorted(path.name for path in dlkit.folder.iterdir())
    for arguments, code, message in (
        (["export", "there.vec"], 2, "--force"),
        (["export", "v.vec", "--dtype", "float16"], 2, "numpy"),
        (["export", "v.npy", "--dtype", "float16"], 1, "row 4"),
        (["export", "v.vec", "--restrict", "0"], 2, "--restrict"),
        (["export", "no/v.vec"], 1, "mkdir -p no"),
        (["export", "v.vec", "--vectors", "spaces.txt"], 1, "'New York' (row 2)"),
        (["export", "v.vec", "--vectors", "tab.txt", "--from", "source"], 2, "--vectors"),
        (["import", "bytes.txt"], 1, "--lossy"),
        (["import", "tab.txt"], 1, "holds a tab"),
        (["import", "spaces.txt", "--format", "nonsense"], 2, "nonsense"),
        (["import", "spaces.txt", "--format", "text"], 1, "first line"),
        (["import", "spaces.txt", "--name", "a/b"], 2, "a/b"),
    ):
        done = dlkit("word2vec", *arguments, check=code)
        assert message in done.stderr, done.stderr
        assert done.stdout == ""
    assert sorted(path.name for path in dlkit.folder.iterdir()) == before
    assert dlkit("artifacts", "list").stdout.count("\n") == 1
    dlkit("word2vec", "export", "there.vec", "--force")
    assert (dlkit.folder / "there.vec").read_bytes().startswith(b"10 6\n")
    assert imported(dlkit, "bytes.txt", "--lossy")["not_utf8"] == 1
    assert "a\\xe8\\xaa" not in dlkit("similar", "a", "--from", "bytes").stdout
    assert imported(dlkit, "spaces.txt")["vocabulary"] == 3


def test_lower_cased_words_are_found_by_other_case_where_asked(dlkit):
    (dlkit.folder / "v.txt").write_text("paris 1 2.5\nrome 1 2\n", encoding="utf-8")
    imported(dlkit, "v.txt", "--lowercase")
    assert dlkit("similar", "Paris", "--from", "v").stdout.startswith("Paris\trome\t")
    imported(dlkit, "v.txt", "--name", "as-is")
    dlkit("similar", "Paris", "--from", "as-is", check=3)


def test_the_same_file_gives_the_same_artifact_and_the_same_vectors_the_same_bytes(dlkit, source):
    dlkit("word2vec", "export", "v.vec.gz")
    first = (dlkit.folder / "v.vec.gz").read_bytes()
    dlkit("word2vec", "export", "v.vec.gz", "--force")
    assert (dlkit.folder / "v.vec.gz").read_bytes() == first
    imported(dlkit, "v.vec.gz")
    imported(dlkit, "v.vec.gz")
    digests = {dlkit("artifacts", "show", "--digest", each).stdout for each in ("v", "v-2")}
    assert len(digests) == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", ["export", "import"])
def test_a_signal_leaves_nothing_half_written(dlkit, tmp_path, verb, signum):
    header = b"200000 300\n"
    row = b"1.2345678 " * 300
    pipe = ["v.vec", "--vectors", "/dev/stdin"] if verb == "export" else ["-"]
    work = dlkit.start("word2vec", verb, *pipe, stdin=subprocess.PIPE)
    work.stdin.write(header + b"".join(b"w%d %s\n" % (n, row) for n in range(6000)))
    work.stdin.flush()
    time.sleep(1)
    work.send_signal(signum)
    deadline = time.monotonic() + 20
    number = 6000
    while work.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(BrokenPipeError):
            work.stdin.write(b"".join(b"w%d %s\n" % (number + n, row) for n in range(500)))
            number += 500
    with contextlib.suppress(BrokenPipeError):
        work.stdin.close()
    with work.stdout, work.stderr:
        assert work.wait(timeout=20) == 128 + signum
        told = work.stderr.read().decode()
    assert "stopped by a signal" in told
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir() if path.name != "artifacts"] == []
    assert dlkit("artifacts", "list").stdout == ""


def test_a_reader_that_leaves_ends_the_export_quietly(dlkit, source):
    work = dlkit.start("word2vec", "export", "-", "--to", "text", "--quiet")
    work.stdout.close()
    with work.stderr:
        assert work.wait(timeout=30) == 141
        assert work.stderr.read() == b""
