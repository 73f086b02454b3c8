"""Tables of two columns as pictures: the points in the plane, queries with what lies nearest."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.report.points import Axes
from dlkit.report.scatter import Plane, Query

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Split
    from dlkit.knn.answers import Answer
    from dlkit.knn.inspect import Inspection
    from dlkit.knn.saved import Knn
    from dlkit.records import Record

    Rows = npt.NDArray[Any]  # (N, 2)

_KEEPS_COLUMNS: Final = frozenset(("scale", "centre", "standardise"))


def flat_table(columns: Sequence[str], rows: Rows) -> bool:
    """Whether ``rows``, made of a table's ``columns``, lie in a plane."""
    return bool(columns) and rows.shape[1] == 2


def of_search(
    knn: Knn, drawn: Sequence[tuple[Split, Sequence[Answer]]], names: Sequence[str], most: int
) -> Generator[Record, None, Plane]:
    """The points of an artifact of two columns and what was asked.

    Args:
        knn: the artifact.
        drawn: queries, each batch with its answers in their order.
        names: what the queries are called.
        most: neighbours of each.

    """
    labels = iter(names)
    queries: list[Query] = []
    for split, answers in drawn:
        rows = yield from knn.transform.apply(split.inputs, what="queries")
        queries += [
            Query(x, y, next(labels), answer.points[:most].tolist())
            for (x, y), answer in zip(rows.tolist(), answers, strict=True)
        ]
    points = knn.points
    rows = points.rows.astype(np.float64)
    steps = [step.name for step in knn.transform.pipeline.steps]
    axes = _axes(knn.form.columns, steps, knn.transform.text)
    return Plane("queries (dark) and what lies nearest", axes, rows, points.labels, queries)


def of_inspection(found: Inspection, places: Sequence[int]) -> list[Plane]:
    """For each kind of features the training samples and the test samples at ``places``."""
    test, classes = found.samples.test, found.samples.classes
    planes = []
    for seen in found.seen:
        assert seen.rows is not None
        queries = []
        for place in places:
            winner, truth = int(seen.winners[place]), int(test.labels[place])
            label = f"{'✓' if winner == truth else '✗'} {classes[winner]}"
            near = seen.points[place].tolist()
            x, y = seen.rows.queries[place].tolist()
            queries.append(Query(x, y, label, near, truth))
        axes = _axes(found.samples.columns, seen.rows.steps, seen.features)
        head = f"by {seen.features}: {seen.accuracy:.1%} of all test samples are right"
        rows = seen.rows.points.astype(np.float64)
        planes.append(Plane(head, axes, rows, found.samples.train.labels, queries))
    return planes


def _axes(columns: Sequence[str], steps: Sequence[str], text: str) -> Axes:
    """The columns' names where steps leave them columns, else the places in a row."""
    if not steps:
        first, second = columns
    elif len(columns) == 2 and _KEEPS_COLUMNS.issuperset(steps):
        first, second = (f"{column} ({text})" for column in columns)
    else:
        first, second = f"{text}: 1", f"{text}: 2"
    return Axes(first, second)
