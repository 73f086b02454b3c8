"""All measurements, one after the other: start-up, nearest words, vocabulary, word vectors,
neighbours, texts, the training engine, images, retrieval.

    make bench                          on a drawn text of 20 MB
    make bench CORPUS=path/to/text      on yours: plain text, lines of fewer than 10,000 words

Quality needs test sets and is asked for by itself: python -m tests.benchmarks.word2vec_quality.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def drawn_text(path: Path, megabytes: int = 20) -> None:
    """Words by Zipf's law, each line about one of 100 topics: there is something to learn."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(50_000)])
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < megabytes * 1_000_000:
            ranks = np.minimum(rng.zipf(1.3, (1000, 40)), 500) - 1
            topics = rng.integers(0, 100, (1000, 1))
            for line in words[ranks * 100 + topics]:
                file.write(" ".join(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus
        if corpus is None:
            corpus = Path(folder) / "drawn.txt"
            drawn_text(corpus)
        for command in (
            ["bench_startup"],
            ["bench_similar", "--peer-python", sys.executable],
            ["bench_word2vec", str(corpus)],
            ["bench_neighbours"],
            ["bench_classify", "--only", "text"],
            ["bench_training"],
            ["bench_images"],
            ["bench_retrieval"],
        ):
            print(f"\n== {' '.join(command)}", flush=True)
            name, *rest = command
            subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *rest], check=True)


if __name__ == "__main__":
    main()
