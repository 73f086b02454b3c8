"""The points of an artifact in formats of other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.artifacts.textlines import write_lines

if TYPE_CHECKING:
    from dlkit.knn.saved import Knn

_AT_ONCE: Final = 1024  # rows of text


def to_npz(knn: Knn, stream: BinaryIO) -> None:
    """NumPy's format: points, labels, classes, paths; read it with ``allow_pickle=False``."""
    points = knn.points
    np.savez(
        stream,
        points=points.rows,
        labels=points.labels,
        classes=np.array(points.classes, np.str_),
        paths=np.array(knn.paths, np.str_),
    )


def to_safetensors(knn: Knn, stream: BinaryIO) -> None:
    """The safetensors format: points, labels, and classes as bytes of lines."""
    points = knn.points
    names = np.frombuffer(write_lines(points.classes), np.uint8)
    write_tensors({"points": points.rows, "labels": points.labels, "classes": names})(stream)


def to_csv(knn: Knn, stream: BinaryIO) -> None:
    """Comma-separated values with a header: class, path, and a column for each number."""
    rows, columns = knn.points.rows, knn.form.columns
    if knn.transform.pipeline.steps or len(columns) != rows.shape[1]:
        columns = tuple(f"x{place}" for place in range(rows.shape[1]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "path", *columns])
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        for place, row in enumerate(part, start):
            # str() of a NumPy float32 gives the shortest digits that read back as the same one.
            numbers = map(str, row)
            name = knn.points.classes[knn.points.labels[place]]
            writer.writerow([name, knn.paths[place], *numbers])
        stream.write(text.getvalue().encode("utf-8", "surrogatepass"))
        text.seek(0)
        text.truncate()


WRITERS: Final[dict[str, Callable[[Knn, BinaryIO], None]]] = {
    ".npz": to_npz,
    ".safetensors": to_safetensors,
    ".csv": to_csv,
}
