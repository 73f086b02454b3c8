"""What an artifact keeps of a fastText model beside the vectors of its words."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.errors import FAILED, DlkitError
from dlkit.records import Noted, Record, Warned
from dlkit.vectors.fasttextbin import LOSSES
from dlkit.vectors.subwords import FILE as SUBWORDS
from dlkit.word2vec.start import ROWS

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.vectors.fasttextbin import Model
    from dlkit.vectors.table import Table

    Matrix = npt.NDArray[np.floating[Any]]

_VALUES_AT_ONCE = 1 << 22


def kept(table: Table, name: str) -> Generator[Record, None, tuple[dict[str, Any], dict[str, Any]]]:
    """Entries of artifact.json and files of the model of ``table``; none where it has none.

    All buckets are kept, used or not: fastText's vectors of unknown words take in both. Only those
    that hold no finite numbers are not; fastText leaves rows that no word uses to chance.

    Args:
        table: what was read.
        name: what messages call the file.

    Raises:
        DlkitError: a word's own row is beyond the artifact's type.

    """
    model = table.model
    if model is None:
        return {}, {}
    dtype, words = table.matrix.dtype, len(table.words)
    entries: dict[str, Any] = {"fasttext": described(model)}
    files: dict[str, Any] = {}
    outputs = _as(model.outputs[:words], dtype)
    if LOSSES[model.settings.loss] == "hierarchical-softmax":
        yield Noted("its output rows are nodes of the tree of hierarchical softmax: left out")
    elif _finite_rows(outputs).all():
        files["outputs.safetensors"] = write_tensors({"outputs": outputs})
    else:
        yield Warned(f"the output matrix of {name} holds values that are no numbers: left out")
    if not model.settings.has_ngrams:
        return entries, files
    own = _as(model.own[:words], dtype)
    fine = _finite_rows(own)
    if not fine.all():
        row = int(np.argmin(fine))
        raise DlkitError(
            f"{name}: the own row of word {row + 1} ('{table.words[row].decode()}') holds a value "
            f"that is no finite {dtype}",
            code=FAILED,
        )
    tensors = yield from _buckets(model, dtype, name)
    entries["subwords"] = {
        "shortest": max(1, model.settings.minn),
        "longest": model.settings.maxn,
        "buckets": model.settings.buckets,
    }
    files[SUBWORDS] = write_tensors(tensors)
    files[ROWS] = write_tensors({"rows": own})
    return entries, files


def described(model: Model) -> dict[str, Any]:
    """How ``model`` was trained, as artifact.json says it."""
    return {**model.settings.named(), "tokens": model.tokens}


def _buckets(
    model: Model, dtype: np.dtype[Any], name: str
) -> Generator[Record, None, dict[str, Any]]:
    """Buckets (B,) and their rows (B, D), those that are finite in ``dtype``."""
    rows = _as(model.ngrams, dtype)
    fine = _finite_rows(rows)
    used = np.flatnonzero(fine).astype(np.int32)
    if len(used) < len(rows):
        yield Warned(
            f"{len(rows) - len(used):,} of {len(rows):,} buckets of {name} hold no finite {dtype}, "
            "and no word that was kept uses them: left out"
        )
        rows = rows[used]
    return {"buckets": used, "vectors": rows}


def _as(matrix: Matrix, dtype: np.dtype[Any]) -> Matrix:
    """``matrix`` in ``dtype``; what is beyond it becomes infinite. No copy of the same type."""
    with np.errstate(over="ignore", invalid="ignore"):
        return matrix.astype(dtype, copy=False)


def _finite_rows(matrix: Matrix) -> npt.NDArray[np.bool_]:
    """(N,) whether all values of each row are finite."""
    fine = np.empty(len(matrix), np.bool_)
    at_once = max(1, _VALUES_AT_ONCE // matrix.shape[1])
    for start in range(0, len(matrix), at_once):
        fine[start : start + at_once] = np.isfinite(matrix[start : start + at_once]).all(axis=1)
    return fine
