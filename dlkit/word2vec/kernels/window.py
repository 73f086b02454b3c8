"""One window with given contexts and outputs: the kernels' update without its sampling."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.word2vec.kernels.blocks import BLOCK
from dlkit.word2vec.kernels.cbow import update_cbow
from dlkit.word2vec.kernels.loss import window_loss
from dlkit.word2vec.kernels.memory import ALIGNMENT, LANES, Floats
from dlkit.word2vec.kernels.skipgram import update_skipgram
from dlkit.word2vec.kernels.train import make_lane

Ids = npt.NDArray[np.integer[Any]]


def update_window(
    model: Literal["skipgram", "cbow"],
    inputs: Floats,
    outputs: Floats,
    contexts: Ids,
    targets: Ids,
    *,
    lr: float,
) -> float:
    """Train one window in place and return its loss before the update.

    Args:
        model: which update.
        inputs: (V, D) from ``memory.aligned``, D a multiple of 8.
        outputs: the same for the output vectors.
        contexts: (M,) ids of the context words, M >= 1.
        targets: (K,) distinct ids, the positive one first.
        lr: learning rate.

    Returns:
        The summed loss of the M pairs (skip-gram) or the loss of the window (CBOW).

    Raises:
        ValueError: an id, a shape or an address that the kernels must not see.

    """
    _check(inputs, outputs, contexts, targets)
    lane = make_lane(
        dim=inputs.shape[1],
        window=len(contexts),
        negative=len(targets) - 1,
        chunk=1,
        hot=0,
        contexts=len(contexts),
    )
    row_bytes = inputs.shape[1] * 4
    lane.inputs[: len(contexts)] = inputs.ctypes.data + contexts.astype(np.int64) * row_bytes
    lane.inputs[len(contexts)] = lane.inputs[0]
    lane.outputs[:] = lane.zeros.ctypes.data
    lane.outputs[0, : len(targets)] = outputs.ctypes.data + targets.astype(np.int64) * row_bytes
    update = _update_skipgram if model == "skipgram" else _update_cbow
    return float(update(lane, len(contexts), len(targets), np.float32(lr), row_bytes))


def _check(inputs: Floats, outputs: Floats, contexts: Ids, targets: Ids) -> None:
    """Raise ValueError unless every address that follows from the arguments is sound."""
    for matrix in (inputs, outputs):
        sound = matrix.dtype == np.float32 and matrix.ndim == 2 and matrix.flags.c_contiguous
        if not sound or matrix.ctypes.data % ALIGNMENT or matrix.shape[1] % LANES:
            raise ValueError("matrices must come from memory.aligned, with rows of 8 n floats")
    if inputs.shape != outputs.shape:
        raise ValueError(f"inputs are {inputs.shape}, outputs {outputs.shape}")
    for name, ids in (("contexts", contexts), ("targets", targets)):
        if ids.ndim != 1 or len(ids) == 0 or ids.min() < 0 or ids.max() >= len(inputs):
            raise ValueError(f"{name} must be ids below {len(inputs)}, at least one")
    if len(np.unique(targets)) < len(targets):
        raise ValueError("targets must be distinct")


@compiled(_nrt=False)
def _update_skipgram(lane: Any, contexts: Any, count: Any, lr: Any, row_bytes: Any) -> Any:
    blocks = lane.outputs.shape[1] // BLOCK
    update_skipgram(
        lane.inputs.ctypes.data, contexts, lane.outputs.ctypes.data, count, blocks,
        lane.cells.ctypes.data, lane.sums.ctypes.data, lr, row_bytes,
    )  # fmt: skip
    return window_loss(lane.cells, contexts, contexts + 1, count)


@compiled(_nrt=False)
def _update_cbow(lane: Any, contexts: Any, count: Any, lr: Any, row_bytes: Any) -> Any:
    blocks = lane.outputs.shape[1] // BLOCK
    update_cbow(
        lane.inputs.ctypes.data, contexts, lane.outputs.ctypes.data, count, blocks,
        lane.cells.ctypes.data, lane.sums.ctypes.data, lr, row_bytes,
    )  # fmt: skip
    return window_loss(lane.cells, 1, 1, count)
