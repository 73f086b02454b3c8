"""Training, vocabulary and memory of `dlkit word2vec train`, paired with gensim on the same text.

    python -m tests.benchmarks.bench_word2vec CORPUS [--runs 3] [--dims 100] [--epochs 1]

One thread each. gensim runs in its fastest form, from a file (``corpus_file``). Words per second
count every word of the text, before subsampling. Lines must be shorter than 10,000 words, where
gensim cuts them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import machine, median, paired, run, spread

GENSIM = """
import json, sys, time
from gensim.models import Word2Vec
corpus, sg, dim, epochs, lr = sys.argv[1], *map(float, sys.argv[2:])
model = Word2Vec(vector_size=int(dim), window=5, negative=5, sample=1e-3, min_count=5, sg=int(sg),
                 workers=1, alpha=lr, min_alpha=1e-4, cbow_mean=1)
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


def gensim(corpus: Path, model: str, dim: int, epochs: int, lr: float) -> dict[str, float]:
    arguments = [str(corpus), str(int(model == "skipgram")), str(dim), str(epochs), str(lr)]
    return json.loads(run([sys.executable, "-c", GENSIM, *arguments]).output)


def dlkit(corpus: Path, model: str, dim: int, epochs: int, lr: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "dlkit", "word2vec", "train", str(corpus), "--json"]
        command += ["--model", model, "--dim", str(dim), "--epochs", str(epochs)]
        command += ["--lr", str(lr), "--tokens", "whitespace", "--threads", "1"]
        return json.loads(run(command, {"DLKIT_HOME": home}).output)


def training(corpus: Path, dims: list[int], epochs: int, runs: int) -> list[dict[str, object]]:
    rows = []
    for model, lr in (("skipgram", 0.025), ("cbow", 0.05)):
        for dim in dims:

            def ours() -> float:
                return dlkit(corpus, model, dim, epochs, lr)["words_per_second"]  # noqa: B023

            def theirs() -> float:
                result = gensim(corpus, model, dim, epochs, lr)  # noqa: B023
                return result["words"] * epochs / result["train"]

            a, b = paired(ours, theirs, runs)
            rows.append({"what": f"{model} dim {dim}, words/s", "dlkit": a, "gensim": b})
            _show(rows[-1])
    return rows


def vocabulary(corpus: Path, runs: int) -> dict[str, object]:
    size = corpus.stat().st_size / 1e6

    def ours() -> float:
        return (
            size / json.loads(run([sys.executable, "-c", ENCODE, str(corpus)]).output)["vocabulary"]
        )

    def theirs() -> float:
        return size / gensim(corpus, "cbow", 8, 0, 0.05)["vocabulary"]

    a, b = paired(ours, theirs, runs)
    row = {"what": "vocabulary (dlkit: and encoding), MB/s", "dlkit": a, "gensim": b}
    _show(row)
    return row


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
    parser.add_argument("--only", choices=["training", "vocabulary", "memory"])
    parser.add_argument("--json", type=Path, help="write every value here")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = [machine()]
    if arguments.only in (None, "vocabulary"):
        rows.append(vocabulary(arguments.corpus, arguments.runs))
    if arguments.only in (None, "memory"):
        rows.append(memory(arguments.corpus))
    if arguments.only in (None, "training"):
        rows += training(arguments.corpus, arguments.dims, arguments.epochs, arguments.runs)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
