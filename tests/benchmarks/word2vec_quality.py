"""Quality of word vectors beside gensim's, on the same text with the same settings.

    python -m tests.benchmarks.word2vec_quality CORPUS --pairs F.txt --analogies G.txt [--seeds 3]
        [--epochs 3] [--peer] [--c-tool PROGRAM]

The corpus is plain text, words between spaces, at most 10,000 words a line (gensim cuts longer
lines). gensim's scores are stored in baselines.json under the SHA-256 of the corpus, gensim's
version and the settings; ``--peer`` measures and stores those that are missing (one worker: with
more, gensim's learning rate does not come down to its end). ``--c-tool`` does the same for
word2vec.c, once: it has no seed. Its published version passes over every epoch but the first when
it runs with one thread, so it is given the text as many times over, and as many times the lowest
count.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.wordtests import evaluate

BASELINES = Path(__file__).with_name("baselines.json")
SETTINGS = {
    "dim": 100,
    "window": 5,
    "negative": 5,
    "sample": 1e-3,
    "min_count": 5,
    "min_lr": 1e-4,
}
FIRST_LR = {"skipgram": 0.025, "cbow": 0.05}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settings_of(model: str, epochs: int) -> dict[str, object]:
    return {"model": model, "lr": FIRST_LR[model], "epochs": epochs, **SETTINGS}


def dlkit_scores(
    corpus: Path, settings: dict[str, object], seed: int, threads: int, tests: dict[str, list[Path]]
) -> dict[str, object]:
    from dlkit.vectors.store import open_vectors

    with tempfile.TemporaryDirectory() as home:
        options = [
            word
            for key, value in settings.items()
            for word in (f"--{key.replace('_', '-')}", str(value))
        ]
        command = [sys.executable, "-m", "dlkit", "word2vec", "train", str(corpus), "-n", "x"]
        command += ["--tokens", "whitespace", "--seed", str(seed), "--threads", str(threads)]
        command += ["--set", "held_out=false"]  # gensim learns from every word, too
        start = time.perf_counter()
        done = subprocess.run(
            [*command, *options, "--json", "--progress", "off"],
            env=os.environ | {"DLKIT_HOME": home},
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - start
        vectors = open_vectors(Path(home) / "word2vec" / "x")
        words = [vectors.word(row) for row in range(len(vectors))]
        return {
            "seed": seed,
            "seconds": round(seconds, 1),
            "train_seconds": json.loads(done.stdout)["seconds"],
            "tests": evaluate(words, np.array(vectors.matrix), **tests),
        }


def gensim_scores(
    corpus: Path, settings: dict[str, object], seed: int, tests: dict[str, list[Path]]
) -> dict[str, object]:
    from gensim.models import Word2Vec

    start = time.perf_counter()
    trained = Word2Vec(
        corpus_file=str(corpus),
        vector_size=settings["dim"],
        window=settings["window"],
        negative=settings["negative"],
        sample=settings["sample"],
        min_count=settings["min_count"],
        epochs=settings["epochs"],
        alpha=settings["lr"],
        min_alpha=settings["min_lr"],
        sg=int(settings["model"] == "skipgram"),
        hs=0,
        cbow_mean=1,
        workers=1,
        seed=seed,
    )
    seconds = time.perf_counter() - start
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "tests": evaluate(trained.wv.index_to_key, trained.wv.vectors, **tests),
    }


def c_tool_scores(
    corpus: Path, settings: dict[str, object], program: str, tests: dict[str, list[Path]]
) -> dict[str, object]:
    epochs = int(settings["epochs"])
    with tempfile.TemporaryDirectory() as folder:
        text, found = Path(folder) / "text", Path(folder) / "vectors.bin"
        with text.open("wb") as file:
            for _ in range(epochs):
                with corpus.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
        command = [program, "-train", str(text), "-output", str(found), "-binary", "1", "-hs", "0"]
        command += ["-cbow", str(int(settings["model"] == "cbow")), "-threads", "1", "-iter", "1"]
        command += ["-size", str(settings["dim"]), "-window", str(settings["window"])]
        command += ["-negative", str(settings["negative"]), "-sample", str(settings["sample"])]
        command += ["-alpha", str(settings["lr"])]
        command += ["-min-count", str(int(settings["min_count"]) * epochs)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        return {
            "seed": None,
            "seconds": round(seconds, 1),
            "tests": evaluate(*word2vec_binary(found), **tests),
        }


def word2vec_binary(path: Path) -> tuple[list[str], np.ndarray]:
    """The words and the (V, D) matrix of a file that word2vec.c wrote."""
    with path.open("rb") as file:
        count, dim = map(int, file.readline().split())
        matrix, words = np.empty((count, dim), np.float32), []
        for row in range(count):
            word = bytearray()
            while (byte := file.read(1)) != b" ":
                word += byte.strip(b"\n")
            words.append(word.decode("utf-8", "replace"))
            matrix[row] = np.frombuffer(file.read(4 * dim), "<f4")
    return words, matrix


def table(runs: dict[str, list[dict]], out=sys.stdout) -> None:
    """Mean and standard deviation of every test, per tool."""
    names = sorted({name for each in runs.values() for run in each for name in run["tests"]})
    print("tool".ljust(24), *(name[:18].rjust(18) for name in names), file=out)
    for tool, each in runs.items():
        cells = []
        for name in names:
            scores = [run["tests"][name]["score"] for run in each]
            spread = np.std(scores, ddof=1) if len(scores) > 1 else float("nan")
            cells.append(f"{np.mean(scores):.4f} ± {spread:.4f}".rjust(18))
        print(f"{tool} n={len(each)}".ljust(24), *cells, file=out)


def store(scores: dict[str, object]) -> None:
    """Keep the peers' scores; a tool that was not measured has no entry."""
    kept = {
        key: {name: runs for name, runs in each.items() if runs} for key, each in scores.items()
    }
    text = json.dumps(kept, indent=1, sort_keys=True) + "\n"
    BASELINES.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pairs", type=Path, nargs="*", default=[])
    parser.add_argument("--analogies", type=Path, nargs="*", default=[])
    parser.add_argument("--models", nargs="*", default=["skipgram", "cbow"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", action="store_true", help="measure gensim where not stored")
    parser.add_argument("--c-tool", help="word2vec.c, compiled: measure it where not stored")
    parser.add_argument("--json", type=Path, help="write every run here")
    arguments = parser.parse_args()

    tests = {"pair_files": arguments.pairs, "analogy_files": arguments.analogies}
    stored = json.loads(BASELINES.read_text(encoding="utf-8")) if BASELINES.exists() else {}
    key = sha256(arguments.corpus)
    everything = {}
    for model in arguments.models:
        settings = settings_of(model, arguments.epochs)
        entry = f"gensim 4.4.0 workers=1 {json.dumps(settings, sort_keys=True)}"
        peer = stored.setdefault(key, {}).setdefault(entry, [])
        written = f"word2vec.c threads=1 {json.dumps(settings, sort_keys=True)}"
        in_c = stored[key].setdefault(written, [])
        if arguments.c_tool and not in_c:
            in_c.append(c_tool_scores(arguments.corpus, settings, arguments.c_tool, tests))
            store(stored)
        for seed in range(1, arguments.seeds + 1):
            if arguments.peer and seed not in {run["seed"] for run in peer}:
                peer.append(gensim_scores(arguments.corpus, settings, seed, tests))
                store(stored)
        ours = [
            dlkit_scores(arguments.corpus, settings, seed, arguments.threads, tests)
            for seed in range(1, arguments.seeds + 1)
        ]
        everything |= {f"gensim {model}": peer, f"word2vec.c {model}": in_c, f"dlkit {model}": ours}
        table({name: runs for name, runs in everything.items() if runs and model in name})
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
