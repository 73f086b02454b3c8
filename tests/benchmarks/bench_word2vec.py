"""Training, vocabulary and memory of `dlkit word2vec train`, paired with gensim on the same text.

    python -m tests.benchmarks.bench_word2vec CORPUS [--runs 3] [--dims 100 300] [--epochs 1]
        [--losses ns hs] [--threads 1] [--c-tool WORD2VEC] [--fasttext-python PYTHON]

gensim runs in its fastest form, from a file (``corpus_file``). Words per second count every word of
the text, before subsampling. Lines must be shorter than 10,000 words, where gensim cuts them.
word2vec.c and fastText, which do not time their training apart, are timed by what a second epoch
adds. ``--only deterministic`` tells what ``--deterministic`` costs, ``--only arithmetic`` how near
the kernels come to the machine's matrix product.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.measure import machine, median, paired, run, spread

GENSIM = """
import json, sys, time
from gensim.models import Word2Vec
corpus, sg, dim, epochs, lr, hs, workers = sys.argv[1], *map(float, sys.argv[2:])
model = Word2Vec(vector_size=int(dim), window=5, negative=0 if hs else 5, hs=int(hs), sample=1e-3,
                 min_count=5, sg=int(sg), workers=int(workers), alpha=lr, min_alpha=1e-4,
                 cbow_mean=1)
start = time.perf_counter()
model.build_vocab(corpus_file=corpus)
counted = time.perf_counter()
if epochs:
    model.train(corpus_file=corpus, total_words=model.corpus_total_words,
                total_examples=model.corpus_count, epochs=int(epochs))
end = time.perf_counter()
print(json.dumps({"vocabulary": counted - start, "train": end - counted,
                  "words": model.corpus_total_words}))
"""

FASTTEXT = """
import json, sys, time
import fasttext
corpus, model, dim, lr, threads, epochs = sys.argv[1:]
start = time.perf_counter()
fasttext.train_unsupervised(corpus, model=model, dim=int(dim), lr=float(lr), epoch=int(epochs),
                            ws=5, neg=5, t=1e-3, minCount=5, minn=0, maxn=0, thread=int(threads),
                            verbose=0)
print(json.dumps(time.perf_counter() - start))
"""

ENCODE = """
import json, sys, tempfile, time
from pathlib import Path
from dlkit.data.config import TextConfig
from dlkit.data.corpus import encode
from dlkit.data import scan
scan.WordTable().scan(b"a b\\n")
with tempfile.TemporaryDirectory() as folder:
    start = time.perf_counter()
    work = encode([sys.argv[1]], TextConfig(tokens="whitespace"), folder=Path(folder), stdin=None)
    try:
        while True:
            next(work)
    except StopIteration as end:
        corpus = end.value
    print(json.dumps({"vocabulary": time.perf_counter() - start, "words": corpus.raw_words}))
"""

ARITHMETIC = """
import json, sys, tempfile, time
from pathlib import Path
import numpy as np
from dlkit.data.config import TextConfig
from dlkit.data.corpus import encode
from dlkit.word2vec.kernel_trainer import KernelTrainer
corpus, model, dim, lr = sys.argv[1:]
dim = int(dim)
with tempfile.TemporaryDirectory() as folder:
    work = encode([corpus], TextConfig(tokens="whitespace"), folder=Path(folder), stdin=None,
                  held_out=False)
    try:
        while True:
            next(work)
    except StopIteration as end:
        found = end.value
    trainer = KernelTrainer(
        np.fromfile(found.ids_path, np.int32), found.vocabulary.counts, model=model, loss="ns",
        dim=dim, window=5, negative=5, sample=1e-3, lr=float(lr), min_lr=1e-4, epochs=1,
        threads=1, seed=1)
    trainer.compile()
    start = time.perf_counter()
    for progress in trainer.run():
        pass
    rate = progress.pairs / (time.perf_counter() - start)
# A pair or window and each of its six outputs: a dot product and two updates of a row.
operations = rate * 6 * 6 * dim
a, b = (np.random.default_rng(i).random((2048, 2048), np.float32) for i in (0, 1))
seconds = []
for _ in range(5):
    start = time.perf_counter()
    a @ b
    seconds.append(time.perf_counter() - start)
print(json.dumps({"kernel": operations, "gemm": 2 * 2048**3 / min(seconds)}))
"""


@dataclass(frozen=True)
class Work:
    """What is trained."""

    corpus: Path
    model: str
    loss: str
    dim: int
    epochs: int
    threads: int

    @property
    def lr(self) -> float:
        return 0.025 if self.model == "skipgram" else 0.05

    @property
    def name(self) -> str:
        threads = f", {self.threads} threads" if self.threads > 1 else ""
        return f"{self.model} {self.loss} dim {self.dim}{threads}"


def gensim(work: Work) -> dict[str, float]:
    arguments = [
        work.corpus, int(work.model == "skipgram"), work.dim, work.epochs, work.lr,
        int(work.loss == "hs"), work.threads,
    ]  # fmt: skip
    return json.loads(run([sys.executable, "-c", GENSIM, *map(str, arguments)]).output)


def dlkit(work: Work, *options: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "dlkit", "word2vec", "train", str(work.corpus), "--json"]
        command += ["--model", work.model, "--loss", work.loss, "--dim", str(work.dim)]
        command += ["--epochs", str(work.epochs), "--lr", str(work.lr), "--tokens", "whitespace"]
        command += ["--threads", str(work.threads), *options]
        return json.loads(run(command, {"DLKIT_HOME": home}).output)


def c_tool(work: Work, program: str) -> float:
    """Words per second of word2vec.c, as it tells them itself: words per second of processor time.

    (The seconds that a second epoch adds are no measure: with one thread the published version
    meets the end of the file once and passes over every further epoch.)
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "-train", str(work.corpus), "-output", f"{folder}/v.bin"]
        command += ["-cbow", str(int(work.model == "cbow")), "-size", str(work.dim)]
        command += ["-window", "5", "-sample", "1e-3", "-min-count", "5", "-binary", "1"]
        command += ["-hs", str(int(work.loss == "hs"))]
        command += ["-negative", "0" if work.loss == "hs" else "5", "-alpha", str(work.lr)]
        command += ["-threads", str(work.threads), "-iter", "1"]
        told = re.findall(r"Words/thread/sec: ([\d.]+)k", run(command).output)
    return float(told[-1]) * 1000 * work.threads


def fasttext(work: Work, python: str, words: float) -> float:
    """Words per second of fastText without n-grams: a second epoch's seconds.

    Each training has a process of its own: a second one in the same process may end in NaN.
    """
    arguments = [work.corpus, work.model, work.dim, work.lr, work.threads]
    seconds = [
        json.loads(run([python, "-c", FASTTEXT, *map(str, arguments), epochs]).output)
        for epochs in "12"
    ]
    return words / (seconds[1] - seconds[0])


def training(works: list[Work], runs: int, peers: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for work in works:

        def ours() -> float:
            return dlkit(work)["words_per_second"]  # noqa: B023

        def theirs() -> float:
            result = gensim(work)  # noqa: B023
            return result["words"] * work.epochs / result["train"]  # noqa: B023

        a, b = paired(ours, theirs, runs)
        rows.append({"what": f"{work.name}, words/s", "dlkit": a, "gensim": b})
        _show(rows[-1])
        if peers.c_tool:
            found = [c_tool(work, peers.c_tool) for _ in range(runs)]
            _beside(rows[-1], "word2vec.c", found)
        if peers.fasttext_python and work.loss == "ns":
            words = gensim(replace(work, epochs=0))["words"]
            found = [fasttext(work, peers.fasttext_python, words) for _ in range(runs)]
            _beside(rows[-1], "fastText", found)
    return rows


def _beside(row: dict[str, object], peer: str, found: list[float]) -> None:
    row[peer] = found
    ratio = median(row["dlkit"]) / median(found)
    print(f"    {peer} {spread(found)}, ratio {ratio:.2f}", flush=True)


def deterministic(works: list[Work], runs: int) -> list[dict[str, object]]:
    """What the same bits with any number of threads cost, in words per second."""
    rows: list[dict[str, object]] = []
    for work in works:
        free, same = paired(
            lambda: dlkit(work)["words_per_second"],  # noqa: B023
            lambda: dlkit(work, "--deterministic")["words_per_second"],  # noqa: B023
            runs,
        )
        cost = median([x / y for x, y in zip(free, same, strict=True)])
        rows.append({"what": f"{work.name}, cost of --deterministic", "dlkit": free, "same": same})
        print(f"{work.name}: {spread(free)}, --deterministic {spread(same)}, cost {cost:.2f}")
    return rows


def vocabulary(corpus: Path, runs: int) -> dict[str, object]:
    size = corpus.stat().st_size / 1e6

    def ours() -> float:
        return (
            size / json.loads(run([sys.executable, "-c", ENCODE, str(corpus)]).output)["vocabulary"]
        )

    def theirs() -> float:
        return size / gensim(Work(corpus, "cbow", "ns", 8, 0, 1))["vocabulary"]

    a, b = paired(ours, theirs, runs)
    row = {"what": "vocabulary (dlkit: and encoding), MB/s", "dlkit": a, "gensim": b}
    _show(row)
    return row


def arithmetic(works: list[Work], runs: int) -> list[dict[str, object]]:
    """Operations per second of the kernels beside those of a matrix product, on one thread.

    Of CBOW the sums over the context words, which are additions alone, are not counted.
    """
    rows: list[dict[str, object]] = []
    for work in works:
        arguments = [str(work.corpus), work.model, str(work.dim), str(work.lr)]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        found = [
            json.loads(run([sys.executable, "-c", ARITHMETIC, *arguments], one).output)
            for _ in range(runs)
        ]
        kernel, gemm = ([each[side] / 1e9 for each in found] for side in ("kernel", "gemm"))
        share = median([x / y for x, y in zip(kernel, gemm, strict=True)])
        rows.append({"what": f"{work.name}, GFLOP/s", "dlkit": kernel, "gemm": gemm})
        print(f"{work.name}: {spread(kernel)} GFLOP/s, GEMM {spread(gemm)}, share {share:.2f}")
    return rows


def memory(corpus: Path, megabytes: tuple[int, ...] = (20, 200)) -> dict[str, object]:
    """Peak memory of training on the first 20 MB of the text, once and ten times over."""
    first = corpus.read_bytes()[: megabytes[0] * 1_000_000]
    first = first[: first.rindex(b"\n") + 1]
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in megabytes:
            path = Path(folder) / f"{size}.txt"
            with path.open("wb") as file:
                for _ in range(size // megabytes[0]):
                    file.write(first)
            command = [sys.executable, "-m", "dlkit", "word2vec", "train", str(path), "--quiet"]
            command += ["--tokens", "whitespace", "--threads", "1", "--epochs", "1"]
            # The same words are kept from both files, so that the vectors are equally many.
            command += ["--min-count", str(5 * size // megabytes[0])]
            peaks[size] = run(command, {"DLKIT_HOME": str(Path(folder) / "home")}).peak
    for size, peak in peaks.items():
        print(f"peak memory at {size} MB of text: {peak / 1e6:.0f} MB")
    return {"what": "peak memory in bytes by MB of text", "dlkit": peaks}


def _show(row: dict[str, object]) -> None:
    a, b = row["dlkit"], row["gensim"]
    ratio = median([x / y for x, y in zip(a, b, strict=True)])
    row["ratio"] = ratio
    print(f"{row['what']}: dlkit {spread(a)}, gensim {spread(b)}, ratio {ratio:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dims", type=int, nargs="*", default=[100])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--models", nargs="*", default=["skipgram", "cbow"])
    parser.add_argument("--losses", nargs="*", default=["ns"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--c-tool", help="word2vec.c, compiled")
    parser.add_argument("--fasttext-python", help="a Python that has fasttext")
    parser.add_argument(
        "--only", choices=["training", "vocabulary", "memory", "deterministic", "arithmetic"]
    )
    parser.add_argument("--json", type=Path, help="write every value here")
    arguments = parser.parse_args()
    corpus = arguments.corpus
    works = [
        Work(corpus, model, loss, dim, arguments.epochs, arguments.threads)
        for loss in arguments.losses
        for model in arguments.models
        for dim in arguments.dims
    ]
    rows: list[dict[str, object]] = [machine()]
    if arguments.only in (None, "vocabulary"):
        rows.append(vocabulary(corpus, arguments.runs))
    if arguments.only in (None, "memory"):
        rows.append(memory(corpus))
    if arguments.only in (None, "training"):
        rows += training(works, arguments.runs, arguments)
    if arguments.only == "deterministic":
        rows += deterministic(works, arguments.runs)
    if arguments.only == "arithmetic":
        rows += arithmetic(works, arguments.runs)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
