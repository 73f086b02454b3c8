"""Exact nearest neighbours against faiss (flat) and scikit-learn (brute), in turn, same rows.

    python -m tests.benchmarks.bench_neighbours                     on drawn rows of 784 bytes
    python -m tests.benchmarks.bench_neighbours points.npy queries.npy --peer-python PYTHON

Files are NumPy arrays of rows, bytes or float32. Each search runs in a process of its own, after a
warm-up on a few queries, and peers as a user would run them: rows as float32, all threads. Told
are medians of wall and processor seconds, the memory that a search takes beyond its rows (with its
libraries, compiled code, copies and answer), how many times as fast as this machine's float32
matrix product of the same size it is (2 x queries x points x columns over the seconds), and whether
the answers agree: peers compute in float32, so theirs may be a tie or a point that is farther by a
rounding; none may be nearer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.measure import machine

SEARCH = r"""
import json, resource, sys, time
tool, points, queries, metric, k, threads, answer = sys.argv[1:]
k, threads = int(k), int(threads)
import numpy as np
points, queries = np.load(points), np.load(queries)
rows_only = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if tool == "dlkit":
    from dlkit.neighbours.search import Index
    index = Index(points, metric)
    search = lambda rows: index.search(rows, k, threads=threads).indices
elif tool == "faiss":
    import faiss
    faiss.omp_set_num_threads(threads)
    points, queries = points.astype(np.float32), queries.astype(np.float32)
    if metric == "cosine":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    kinds = {"l2": faiss.METRIC_L2, "l1": faiss.METRIC_L1, "cosine": faiss.METRIC_INNER_PRODUCT}
    index = faiss.IndexFlat(points.shape[1], kinds[metric])
    index.add(points)
    search = lambda rows: index.search(rows, k)[1]
elif tool == "sklearn":
    from sklearn.neighbors import NearestNeighbors
    points, queries = points.astype(np.float32), queries.astype(np.float32)
    # Other names of the same metrics take a slower way there.
    kind = {"l2": "euclidean", "l1": "manhattan"}.get(metric, metric)
    index = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=kind, n_jobs=threads)
    index.fit(points)
    search = lambda rows: index.kneighbors(rows, return_distance=False)
else:  # the matrix product that peers are made of
    points, queries = points[:8000].astype(np.float32), queries[:2000].astype(np.float32)
    search = lambda rows: rows @ points.T
search(queries[:64])
before = resource.getrusage(resource.RUSAGE_SELF)
begun = time.perf_counter()
found = search(queries)
seconds = time.perf_counter() - begun
after = resource.getrusage(resource.RUSAGE_SELF)
if answer:
    np.save(answer, found)
print(json.dumps({
    "seconds": seconds,
    "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    "memory": (after.ru_maxrss - rows_only) * 1024,
    "flops": 2 * len(points) * len(queries) * points.shape[1] / seconds,
}))
"""


def drawn(folder: Path) -> tuple[Path, Path]:
    """Rows of 784 bytes, neighbours of one another along a row as in pictures."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((22_000, 784)).cumsum(axis=1)
    rows = (255 * (rows - rows.min(1, keepdims=True)) / np.ptp(rows, axis=1, keepdims=True)).round()
    paths = folder / "points.npy", folder / "queries.npy"
    for path, part in zip(paths, (rows[:20_000], rows[20_000:]), strict=True):
        np.save(path, part.astype(np.uint8))
    return paths


def has(python: str, package: str) -> bool:
    """Whether an interpreter has a package."""
    command = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", command], check=False).returncode == 0


def once(python: str, arguments: list[str], threads: int) -> dict[str, float]:
    """Run one search in its own process."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    done = subprocess.run(
        [python, "-c", SEARCH, *arguments], stdout=subprocess.PIPE, check=True,
        env=os.environ | limits,
    )  # fmt: skip
    return json.loads(done.stdout)


def exact(points, queries, indices, metric: str):
    """Distances (Q, k) of the named pairs, in wide numbers."""
    found = np.empty(indices.shape)
    for row, (query, mine) in enumerate(zip(queries, indices, strict=True)):
        some = points[mine].astype(np.float64)
        if metric == "cosine":
            found[row] = 1 - some @ query / np.sqrt(
                (some**2).sum(1) * (query.astype(float) ** 2).sum()
            )
        else:
            differences = some - query
            found[row] = (differences**2 if metric == "l2" else np.abs(differences)).sum(1)
    return found


def agreement(points, queries, ours, theirs, metric: str) -> dict[str, float]:
    """Shares of 500 queries' places: same point, and peer's point at another distance."""
    some = np.linspace(0, len(queries) - 1, min(500, len(queries))).astype(int)
    mine = exact(points, queries[some], ours[some], metric)
    # Sorted: two neighbours that changed places are one farther and one nearer otherwise.
    peers = np.sort(exact(points, queries[some], theirs[some], metric), axis=1)
    close = 1e-12 * np.abs(mine) + (1e-12 if metric == "cosine" else 0)
    return {
        "same_index": float((ours == theirs).mean()),
        "farther": float((peers > mine + close).mean()),
        "nearer": float((peers < mine - close).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("points", type=Path, nargs="?")
    parser.add_argument("queries", type=Path, nargs="?")
    parser.add_argument("--peer-python", default=sys.executable, help="one that has the peers")
    parser.add_argument("--metrics", nargs="+", default=["l2", "l1"])
    parser.add_argument("-k", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tools", nargs="+", default=["faiss", "sklearn"])
    options = parser.parse_args()
    peers = [tool for tool in options.tools if has(options.peer_python, tool)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = (options.points, options.queries) if options.queries else drawn(folder)
        results = [
            compare(paths, folder, metric, k, peers, options)
            for metric in options.metrics
            for k in options.k
        ]
    print(json.dumps({"machine": machine(), "threads": options.threads, "results": results}))


def compare(paths, folder: Path, metric: str, k: int, peers, options) -> dict[str, object]:
    """One metric and k: all tools in turn, run after run."""
    points, queries = (np.load(path, mmap_mode="r") for path in paths)
    tools = ["dlkit", *peers, "product"]
    figures: dict[str, list[dict[str, float]]] = {tool: [] for tool in tools}
    for run in range(options.runs):
        for tool in tools:
            answer = str(folder / f"{tool}.npy") if run == 0 and tool != "product" else ""
            python = sys.executable if tool in {"dlkit", "product"} else options.peer_python
            arguments = [tool, *map(str, paths), metric, str(k), str(options.threads), answer]
            figures[tool].append(once(python, arguments, options.threads))
    size = 2 * len(points) * len(queries) * points.shape[1]
    peak = max(figure["flops"] for figure in figures["product"])
    print(f"\n{metric} k={k}: {len(queries):,} queries, {len(points):,} points, "
          f"{points.shape[1]:,} columns; float32 product: {peak / 1e9:.0f} GFLOP/s, "
          f"{size / peak:.2f} s")  # fmt: skip
    print(f"{'':10}{'wall s':>9}{'least':>9}{'cpu s':>9}{'MB':>7}{'of product':>12}"
          f"{'x dlkit':>9}{'cpu x':>8}  answers")  # fmt: skip
    result: dict[str, object] = {"metric": metric, "k": k, "product_gflops": peak / 1e9}
    ours = np.load(folder / "dlkit.npy")
    for tool in tools[:-1]:
        row = summary(figures[tool], figures["dlkit"], size / peak)
        if tool != "dlkit":
            theirs = np.load(folder / f"{tool}.npy")
            row |= agreement(points, queries, ours, theirs, metric)
        result[tool] = row
        told = "".join(f" {row[each]:.4%} {each};" for each in ("same_index", "farther", "nearer")
                       if each in row)  # fmt: skip
        print(f"{tool:10}{row['wall']:9.2f}{row['least']:9.2f}{row['cpu']:9.2f}"
              f"{row['megabytes']:7.0f}{row['of_product']:12.0%}{row['wall_ratio']:9.2f}"
              f"{row['cpu_ratio']:8.2f} {told}", flush=True)  # fmt: skip
    return result


def summary(runs, ours, floor: float) -> dict[str, float]:
    """Medians; ratios are medians over pairs of the same turn."""
    middle = statistics.median
    return {
        "wall": middle(run["seconds"] for run in runs),
        "least": min(run["seconds"] for run in runs),
        "cpu": middle(run["processor"] for run in runs),
        "megabytes": max(run["memory"] for run in runs) / 1e6,
        "of_product": floor / min(run["seconds"] for run in runs),
        "wall_ratio": middle(a["seconds"] / b["seconds"] for a, b in zip(runs, ours, strict=True)),
        "cpu_ratio": middle(
            a["processor"] / b["processor"] for a, b in zip(runs, ours, strict=True)
        ),
    }


if __name__ == "__main__":
    main()
