"""`dlkit classify train` on texts against fastText and scikit-learn: whole processes, in pairs.

    python -m tests.benchmarks.bench_classify --only text                     builtin:reviews
    python -m tests.benchmarks.bench_classify --data FOLDER --peer-python PYTHON
    python -m tests.benchmarks.bench_classify --data FILE.csv --options "--label-column cat"

Ours reads the data as they are, cuts them into words, learns with its defaults and saves an
artifact. The peers are given the same training texts, cut into the same words before their clock
starts, in a file of fastText's format, shuffled; they learn and save nothing.

fastText      supervised, wordNgrams 2, lr 0.5 (as in its tutorial; at its default, 0.1, it comes to
              85.6 % on IMDb, at 0.5 to 89.7), else its defaults, as many threads
scikit-learn  TfidfVectorizer of one and two words and LogisticRegression, its defaults (solver
              lbfgs); of several classes 1,000 iterations
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import machine, median, paired, run, spread

FASTTEXT = """
import sys, time
import fasttext
begun = time.perf_counter()
files, threads = sys.argv[1], int(sys.argv[2])
model = fasttext.train_supervised(input=files, wordNgrams=2, lr=0.5, thread=threads, verbose=0)
print("training", time.perf_counter() - begun)
if len(sys.argv) > 3:
    lines = [line.split(" ", 1) for line in open(sys.argv[3], encoding="utf-8").read().splitlines()]
    found = model.f.multilinePredict([line[1] + "\\n" for line in lines], 1, -1.0, "strict")
    print("accuracy", sum(a[0] == b[0] for a, b in zip(found[0], lines)) / len(lines))
"""

SKLEARN = """
import sys, time
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
def read(path):
    lines = [line.split(" ", 1) for line in open(path, encoding="utf-8").read().splitlines()]
    return [line[0] for line in lines], [line[1] for line in lines]
begun = time.perf_counter()
labels, texts = read(sys.argv[1])
words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\\S+", lowercase=False)
model = LogisticRegression(max_iter=100 if len(set(labels)) == 2 else 1000)
model.fit(words.fit_transform(texts), labels)
print("training", time.perf_counter() - begun)
if len(sys.argv) > 3:
    labels, texts = read(sys.argv[3])
    print("accuracy", model.score(words.transform(texts), labels))
"""


def finish(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def export(entry: str, options: list[str], folder: Path) -> dict[str, object]:
    """Training and test texts as files for the peers, one a line: label, words."""
    from dlkit.classify.config import ClassifyConfig
    from dlkit.config.resolve import resolve
    from dlkit.data.gram_counts import Rules, cutter
    from dlkit.data.loading import load
    from dlkit.data.segment import SAMPLE, choose

    reader = argparse.ArgumentParser()
    reader.add_argument("--label-column")
    reader.add_argument("--text-column")
    reader.add_argument("--skip-bad", action="store_true", default=None)
    given = vars(reader.parse_known_args(options)[0]).items()
    named = {f"input.{key}": value for key, value in given if value is not None}
    config = resolve(ClassifyConfig, options={"data": (entry,), **named})
    samples = finish(load(config.data, config.input, seed=1))
    tokens, _ = choose("\n".join(samples.train.texts[:1000])[:SAMPLE])
    cut = cutter(Rules(tokens, lowercase=True, words=(1, 2), characters=None, buckets=1))
    for name in ("train", "test"):
        split = samples.splits[name]
        lines = [
            f"__label__{label} {' '.join(cut(text))}\n"
            for label, text in zip(split.labels.tolist(), split.texts, strict=True)
        ]
        # fastText learns from the lines in their order; where a class comes after the other it
        # would end with the last.
        random.Random(0).shuffle(lines)
        (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    return {
        "train": len(samples.train), "test": len(samples.test), "classes": len(samples.classes),
        "tokens": tokens,
    }  # fmt: skip


def told(output: str) -> dict[str, float]:
    return {key: float(value) for key, value in map(str.split, output.splitlines())}


def texts(entry: str, options: argparse.Namespace) -> dict[str, object]:
    """Seconds of whole processes in pairs, and the accuracy on the same test texts."""
    given = shlex.split(options.options)
    threads = options.threads
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        facts = export(entry, given, folder)
        env = {"DLKIT_HOME": name, "OMP_NUM_THREADS": str(threads)}
        train = [
            sys.executable, "-m", "dlkit", "classify", "train", entry, *given, "--quiet",
            "--threads", str(threads), "--name",
        ]  # fmt: skip
        count = iter(range(1000))

        def ours() -> float:
            return run([*train, f"a{next(count)}"], env).seconds

        row: dict[str, object] = {"data": entry, **facts}
        files = str(folder / "train.txt"), str(threads)
        for peer, script in (("fasttext", FASTTEXT), ("scikit_learn", SKLEARN)):
            command = [options.peer_python, "-c", script, *files]
            inside: list[float] = []

            def theirs(command=command, inside=inside) -> float:
                made = run(command, env)
                inside.append(told(made.output)["training"])
                return made.seconds

            module = "fasttext" if peer == "fasttext" else "sklearn"
            look = [options.peer_python, "-c", f"import {module}"]
            if subprocess.run(look, check=False, capture_output=True).returncode:
                row[peer] = "not installed"
                continue
            own, other = paired(ours, theirs, options.runs)
            judged = run([*command, str(folder / "test.txt")], env)
            row[peer] = {
                "ours_seconds": spread(own),
                "seconds": spread(other),
                "ratio": spread([a / b for a, b in zip(own, other, strict=True)]),
                "pairs": len(own),
                "training_seconds": median(inside[1:]),
                "accuracy": told(judged.output)["accuracy"],
            }
        ours()
        judge = [sys.executable, "-m", "dlkit", "classify", "eval", "--json", "--quiet"]
        answer = run(judge, env)
        row["accuracy"] = json.loads(answer.output.splitlines()[0])["accuracy"]
        last = max((folder / "classify").glob("a*"), key=lambda path: path.stat().st_mtime)
        row["training_seconds"] = json.loads((last / "run.json").read_text())["seconds"]
        row["artifact_bytes"] = sum(path.stat().st_size for path in last.rglob("*"))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["text"], default="text")
    parser.add_argument("--data", default="builtin:reviews", help="what dlkit classify reads")
    parser.add_argument("--options", default="", help="options of dlkit that name columns")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps({"machine": machine(), "text": texts(options.data, options)}, indent=1))


if __name__ == "__main__":
    main()
