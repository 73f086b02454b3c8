"""Intrinsic tests of word vectors: similarity pairs and analogies, the same for every tool."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of ``vectors`` (V, D) divided by their lengths; rows of zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def pairs(path: Path, rows: dict[str, int], vectors: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of cosines with people's scores.

    Lines are ``word TAB word TAB score``; pairs with an unknown word are left out and counted.
    """
    told, predicted, unknown = [], [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) < 3 or line.startswith("#"):
            continue
        first, second = (rows.get(word, rows.get(word.lower())) for word in fields[:2])
        if first is None or second is None:
            unknown += 1
            continue
        told.append(float(fields[2]))
        predicted.append(float(vectors[first] @ vectors[second]))
    return {
        "score": spearman(np.array(told), np.array(predicted)),
        "used": len(told),
        "unknown": unknown,
    }


def analogies(path: Path, rows: dict[str, int], vectors: np.ndarray) -> dict[str, float]:
    """Share of questions ``a b c d`` whose d is nearest to b - a + c (3CosAdd) of all words.

    The three words asked with are no answers; questions with an unknown word are left out.
    """
    questions, unknown = [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(":") or not line.strip():
            continue
        found = [rows.get(word, rows.get(word.lower())) for word in line.split()]
        if len(found) != 4 or None in found:
            unknown += 1
        else:
            questions.append(found)
    right = 0
    table = np.array(questions).reshape(-1, 4)
    for start in range(0, len(table), 512):
        a, b, c, d = table[start : start + 512].T
        scores = (vectors[b] - vectors[a] + vectors[c]) @ vectors.T
        for asked in (a, b, c):
            scores[np.arange(len(a)), asked] = -np.inf
        right += int((scores.argmax(axis=1) == d).sum())
    return {"score": right / max(len(table), 1), "used": len(table), "unknown": unknown}


def evaluate(
    words: list[str], vectors: np.ndarray, *, pair_files: list[Path], analogy_files: list[Path]
) -> dict[str, dict[str, float]]:
    """Every test's score, by the name of its file."""
    rows = {word: row for row, word in reversed(list(enumerate(words)))}
    table = unit(np.asarray(vectors, dtype=np.float32))
    scores = {path.stem: pairs(path, rows, table) for path in pair_files}
    return scores | {path.stem: analogies(path, rows, table) for path in analogy_files}
