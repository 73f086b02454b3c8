"""Searching embeddings for the nearest ones, beside faiss, and measuring whole rankings.

    python -m tests.benchmarks.bench_retrieval                         drawn rows, 2,000 x 10,000
    python -m tests.benchmarks.bench_retrieval --queries 10000 --points 50000
    python -m tests.benchmarks.bench_retrieval --index artifacts/search/cifar10 --queries 10000
    … --peer-python PYTHON                                             one with faiss-cpu

Told are medians and ranges over the rounds, in turn: dlkit's exact search (cosine, k 10), faiss'
IndexFlatIP on the same rows, whether the ten agree (faiss computes in float32: a neighbour may be
another one of a similarity that is equal but for roundings), and dlkit's measures of whole rankings
(mAP, recall@k), of which scikit-learn's average precision is computed for some queries, too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.bench_neighbours import has
from tests.benchmarks.measure import machine

K = 10
FAISS = r"""
import json, sys, time
import faiss, numpy as np
points, queries, k, threads, answer = sys.argv[1:]
points, queries = np.load(points), np.load(queries)
faiss.omp_set_num_threads(int(threads))
index = faiss.IndexFlatIP(points.shape[1])
index.add(points)
index.search(queries[:64], int(k))
begun = time.perf_counter()
found = index.search(queries, int(k))[1]
print(json.dumps(time.perf_counter() - begun))
np.save(answer, found)
"""


def drawn(count: int, dim: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1 around the centre of each class, and the classes."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(classes, dim))
    labels = random.integers(0, classes, count)
    rows = centres[labels] + 4 * random.normal(size=(count, dim))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels


def from_index(path: Path, queries: int) -> tuple[np.ndarray, ...]:
    """The rows of an index, and as many of them again as queries, in another order."""
    from dlkit.cnn.search.saved import open_index

    index = open_index(path)
    some = np.random.default_rng(0).permutation(len(index))[:queries]
    return np.array(index.rows), index.labels, np.array(index.rows[some]), index.labels[some]


def measured(points, labels, queries, theirs, threads: int):
    """Seconds of all measures of whole rankings, and the measures."""
    import torch

    from dlkit.cnn.search.measures import Truth, measure
    from dlkit.cnn.search.rankers import Products

    torch.set_num_threads(threads)
    begun = time.perf_counter()
    work = measure(Products(points, queries), Truth(theirs, labels, {}), (1, 10), threads=threads)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return time.perf_counter() - begun, end.value


def by_faiss(python: str, points, queries, threads: int, folder: Path):
    """Seconds of faiss' flat index, in a process of its own, and the neighbours."""
    paths = [folder / "points.npy", folder / "queries.npy"]
    for path, rows in zip(paths, (points, queries), strict=True):
        np.save(path, rows)
    answer = folder / "answer.npy"
    done = subprocess.run(
        [python, "-c", FAISS, *map(str, paths), str(K), str(threads), str(answer)],
        stdout=subprocess.PIPE, check=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    return json.loads(done.stdout), np.load(answer)


def told(name: str, seconds: list[float]) -> str:
    spread = f" ({min(seconds):.2f} to {max(seconds):.2f}, n {len(seconds)})"
    return f"{name:34} {statistics.median(seconds):8.2f} s{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--index", type=Path, help="an index of dlkit cnn search, instead")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peer-python", default=sys.executable)
    given = parser.parse_args()
    if given.index is not None:
        points, labels, queries, theirs = from_index(given.index, given.queries)
    else:
        points, labels = drawn(given.points, given.dim, given.classes, 1)
        queries, theirs = drawn(given.queries, given.dim, given.classes, 2)
    print(machine())
    print(f"{len(queries):,} queries x {len(points):,} points x {points.shape[1]}, k {K}, "
          f"{given.threads} threads")  # fmt: skip
    from dlkit.neighbours.search import Index

    index = Index(points, "cosine")
    index.search(queries[:64], K, threads=given.threads)  # compiles
    peer = has(given.peer_python, "faiss")
    mine, other, rankings = [], [], []
    for _ in range(given.rounds):
        begun = time.perf_counter()
        found = index.search(queries, K, threads=given.threads).indices
        mine.append(time.perf_counter() - begun)
        if peer:
            with tempfile.TemporaryDirectory() as folder:
                seconds, theirs_found = by_faiss(
                    given.peer_python, points, queries, given.threads, Path(folder)
                )
                other.append(seconds)
        seconds, measures = measured(points, labels, queries, theirs, given.threads)
        rankings.append(seconds)
    print(told("dlkit, exact search", mine))
    if peer:
        print(told("faiss IndexFlatIP", other))
        agree = np.mean(
            [len(np.intersect1d(a, b)) for a, b in zip(found, theirs_found, strict=True)]
        )
        ratio = statistics.median(other) / statistics.median(mine)
        print(f"dlkit is {ratio:.2f} times as fast; of {K} neighbours {agree:.4f} are the same")
    print(told("dlkit, measures of all rankings", rankings))
    document = measures.document()
    print(", ".join(f"{name} {document[name]:.4f}" for name in ("map", "recall@1", "recall@10")))
    from sklearn.metrics import average_precision_score

    begun = time.perf_counter()
    some = range(0, len(queries), max(1, len(queries) // 50))
    peers = [average_precision_score(labels == theirs[q], points @ queries[q]) for q in some]
    each = (time.perf_counter() - begun) / len(peers)
    worst = max(
        abs(value - measures.average_precision[q]) for q, value in zip(some, peers, strict=True)
    )
    print(f"scikit-learn's average precision: {each * len(queries):.1f} s for as many queries, "
          f"largest difference {worst:.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
