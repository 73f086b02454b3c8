"""Whole-process times of ``dlkit similar`` beside gensim's KeyedVectors on the same vectors.

    python tests/benchmarks/bench_similar.py --peer-python /path/to/python/with/gensim

Random vectors, 100,000 x 300 unless told otherwise, are saved as an artifact, as a word2vec binary
and text file, and by gensim's own ``save``. Then every way of asking is run in turn, ``--runs``
times after one run that is not counted, so that all find their files in the page cache and share
whatever else the machine does. The answers must be the same words. Prints a table and one line of
JSON: medians of wall seconds, and the median of the ratios of paired runs.

gensim runs as it comes; with ``--one-thread`` its matrix products get one thread, as dlkit's do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PEER_SAVES = """
import sys
from gensim.models import KeyedVectors
KeyedVectors.load_word2vec_format(sys.argv[1], binary=True).save(sys.argv[2])
"""
PEER_ASKS = """
import sys
from gensim.models import KeyedVectors
kind, path, words = sys.argv[1], sys.argv[2], sys.argv[3]
if kind == "mapped":
    vectors = KeyedVectors.load(path, mmap="r")
else:
    vectors = KeyedVectors.load_word2vec_format(path, binary=kind == "binary")
for word in open(words, encoding="utf-8").read().split():
    for other, similarity in vectors.most_similar(word, topn=10):
        print(word, other, similarity, sep="\\t")
"""


def prepare(folder: Path, words: int, dim: int) -> tuple[list[str], np.ndarray]:
    """Write the artifact and the foreign files; return the vocabulary and the matrix."""
    from dlkit.artifacts.runs import reserve
    from dlkit.artifacts.tensors import write_tensors
    from dlkit.vectors.store import row_norms

    rng = np.random.default_rng(0)
    vocabulary = [f"{chr(0x4E00 + row % 5000)}{row:x}" for row in range(words)]
    matrix = rng.standard_normal((words, dim), dtype=np.float32)
    document = {
        "kind": "word-vectors",
        "words": words,
        "dim": dim,
        "text": {"tokens": "whitespace", "lowercase": False, "drop_punctuation": False},
    }
    lines = "".join(f"{word}\t{words - row}\n" for row, word in enumerate(vocabulary))
    tensors = write_tensors({"vectors": matrix, "norms": row_norms(matrix)})
    with reserve("word2vec", "bench", default="bench") as run:
        run.commit(document, {"vocab.txt": lines.encode(), "vectors.safetensors": tensors})
    with (folder / "v.bin").open("wb") as binary, (folder / "v.txt").open("wb") as text:
        for file in (binary, text):
            file.write(b"%d %d\n" % (words, dim))
        for word, row in zip(vocabulary, matrix, strict=True):
            binary.write(word.encode() + b" " + row.tobytes() + b"\n")
            text.write(f"{word} {' '.join(map('{:.6f}'.format, row.tolist()))} \n".encode())
    return vocabulary, matrix


def commands(folder: Path, peer: str | None, *, text: bool) -> dict[str, tuple[list[str], str]]:
    """For each way of asking its command, and the file of the words that it reads."""
    one, many = str(folder / "one"), str(folder / "many")
    similar = [sys.executable, "-m", "dlkit", "similar", "-", "--quiet"]
    ways = {
        "dlkit artifact": ([*similar, "--from", "bench"], one),
        "dlkit artifact, 1000 words": ([*similar, "--from", "bench"], many),
        "dlkit binary": ([*similar, "--vectors", str(folder / "v.bin")], one),
    }
    if text:
        ways["dlkit text"] = ([*similar, "--vectors", str(folder / "v.txt")], one)
    if peer is not None:
        asks = [peer, "-c", PEER_ASKS]
        ways |= {
            "gensim mapped": ([*asks, "mapped", str(folder / "v.kv"), one], one),
            "gensim mapped, 1000 words": ([*asks, "mapped", str(folder / "v.kv"), many], many),
            "gensim binary": ([*asks, "binary", str(folder / "v.bin"), one], one),
        }
        if text:
            ways["gensim text"] = ([*asks, "text", str(folder / "v.txt"), one], one)
    return ways


PAIRS = {
    "dlkit artifact": "gensim mapped",
    "dlkit artifact, 1000 words": "gensim mapped, 1000 words",
    "dlkit binary": "gensim binary",
    "dlkit text": "gensim text",
}


def timed(command: list[str], stdin: str, env: dict[str, str]) -> tuple[float, list[list[str]]]:
    """Wall seconds of a process, and its rows."""
    with Path(stdin).open("rb") as file:
        begun = time.perf_counter()
        done = subprocess.run(command, stdin=file, env=env, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - begun
    return seconds, [line.split("\t") for line in done.stdout.decode().splitlines()]


def same_words(ours: list[list[str]], theirs: list[list[str]], text: bool) -> bool:
    """Whether two tools gave the same answers; nearly equal neighbours may change places."""
    if len(ours) != len(theirs):
        return False
    tolerance = 1e-5 if text else 2e-6
    return all(
        a[0] == b[0] and abs(float(a[2]) - float(b[2])) < tolerance
        for a, b in zip(ours, theirs, strict=True)
    ) and sum(a[1] == b[1] for a, b in zip(ours, theirs, strict=True)) >= 0.99 * len(ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="an interpreter that has gensim")
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--text", action="store_true", help="text files too, which take seconds")
    parser.add_argument("--one-thread", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DLKIT_HOME"] = str(folder / "artifacts")
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        vocabulary, _ = prepare(folder, options.words, options.dim)
        (folder / "one").write_text(vocabulary[500 % options.words] + "\n", encoding="utf-8")
        (folder / "many").write_text("\n".join(vocabulary[:1000]) + "\n", encoding="utf-8")
        env = dict(os.environ)
        if options.peer_python:
            subprocess.run(
                [options.peer_python, "-c", PEER_SAVES, folder / "v.bin", folder / "v.kv"],
                check=True,
            )
        ways = commands(folder, options.peer_python, text=options.text)
        seconds, answers = measure(ways, options.runs, env, one_thread=options.one_thread)
    report(seconds, answers, vars(options))


def measure(ways, runs: int, env: dict[str, str], *, one_thread: bool):
    """Wall seconds of each way, run after run in turn, and its answers."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    answers: dict[str, list[list[str]]] = {}
    limited = env | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for run in range(runs + 1):
        for way, (command, stdin) in ways.items():
            peers_env = limited if one_thread else env
            taken, answers[way] = timed(
                command, stdin, peers_env if way.startswith("gensim") else env
            )
            if run:
                seconds[way].append(taken)
    return seconds, answers


def report(seconds, answers, options: dict[str, object]) -> None:
    """The table and the JSON line."""
    result: dict[str, object] = {"options": options, "machine": platform.processor(),
                                 "cores": os.cpu_count(), "seconds": {}, "ratios": {}}  # fmt: skip
    print(f"{'':32} {'median s':>9} {'least s':>9} {'x gensim':>9}  same answers")
    for way, taken in seconds.items():
        middle, least = statistics.median(taken), min(taken)
        result["seconds"][way] = {"median": middle, "least": least}
        peer = PAIRS.get(way)
        told = ""
        if peer in seconds:
            ratio = statistics.median(b / a for a, b in zip(taken, seconds[peer], strict=True))
            same = same_words(answers[way], answers[peer], "text" in way)
            result["ratios"][way] = {"peer": peer, "times_faster": ratio, "same_answers": same}
            told = f" {ratio:9.1f}  {'yes' if same else 'NO'}"
        print(f"{way:32} {middle:9.3f} {least:9.3f}{told}")
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
