"""Brute force in wide integers, exact fractions and float64: what searches must answer."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def ordered(keys, allowed, k):
    """Indices of the k least keys of each row, ties by index; keys are any numbers that compare."""
    found = []
    for row, mine in zip(keys, allowed, strict=True):
        order = sorted((i for i in range(len(row)) if mine[i]), key=lambda i: (row[i], i))
        found.append(order[:k])
    return np.array(found)


def everything(points, queries):
    return np.ones((len(queries), len(points)), bool)


def integer_keys(points, queries, metric):
    """Squared L2, L1, largest difference, sum of whole powers; minus squared cosine as fraction."""
    x, y = queries.astype(np.int64), points.astype(np.int64)
    if metric == "linf":
        return np.array([np.abs(y - row).max(1) for row in x])
    if metric.startswith("minkowski:"):
        p = int(metric.partition(":")[2])
        return np.array([(np.abs(y - row).astype(object) ** p).sum(1) for row in x])
    if metric == "l1":
        return np.array([np.abs(y - row).sum(1) for row in x])
    if metric == "l2":
        return np.array([((y - row) ** 2).sum(1) for row in x])
    products, xx, yy = x @ y.T, (x * x).sum(1), (y * y).sum(1)
    return [
        [
            -Fraction(int(p) ** 2, int(a) * int(b)) if a and b else Fraction(0)
            for p, b in zip(row, yy, strict=True)
        ]
        for row, a in zip(products, xx, strict=True)
    ]


def integer_distances(keys, indices, metric):
    """float64 distances of exact keys."""
    if metric == "cosine":
        return np.array(
            [
                [1 - float(-row[i]) ** 0.5 for i in mine]
                for row, mine in zip(keys, indices, strict=True)
            ]
        )
    chosen = np.take_along_axis(np.asarray(keys), indices, axis=1)
    if metric.startswith("minkowski:"):
        return np.power(chosen.astype(np.longdouble), np.longdouble(1) / int(metric[10:]))
    return np.sqrt(chosen) if metric == "l2" else chosen.astype(np.float64)


def float_keys(points, queries, metric):
    """Distances in float64, straight from the definition."""
    x, y = queries.astype(np.float64), points.astype(np.float64)
    if metric == "l1":
        return np.array([np.abs(y - row).sum(1) for row in x])
    if metric == "l2":
        return np.array([np.sqrt(((y - row) ** 2).sum(1)) for row in x])
    if metric == "linf":
        return np.array([np.abs(y - row).max(1) for row in x])
    if metric.startswith("minkowski:"):
        p = float(metric.partition(":")[2])
        return np.array([_powers_and_root(np.abs(y - row), p) for row in x])
    x_length, y_length = np.sqrt((x * x).sum(1)), np.sqrt((y * y).sum(1))
    x = x / np.where(x_length, x_length, 1)[:, None]
    y = y / np.where(y_length, y_length, 1)[:, None]
    found = np.array([((y - row) ** 2).sum(1) / 2 for row in x])
    found[x_length == 0] = 1
    found[:, y_length == 0] = 1
    return found


def _powers_and_root(differences, p):
    """(sum d^p)^(1/p) of each row; the largest is taken out, so that nothing overflows."""
    largest = differences.max(axis=1, keepdims=True)
    shares = differences / np.where(largest, largest, 1)
    return largest[:, 0] * (shares**p).sum(1) ** (1 / p)
