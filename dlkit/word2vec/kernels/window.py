"""One window with given contexts and outputs: the kernels' update without its sampling."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled
from dlkit.word2vec.kernels.blocks import BLOCK
from dlkit.word2vec.kernels.cbow import update_cbow
from dlkit.word2vec.kernels.frozen import Learning
from dlkit.word2vec.kernels.grams import Whole
from dlkit.word2vec.kernels.loss import window_loss
from dlkit.word2vec.kernels.memory import ALIGNMENT, LANES, Floats
from dlkit.word2vec.kernels.rows import hot_rows
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
    labels: npt.NDArray[np.integer[Any]] | None = None,
    mean: bool = True,
) -> float:
    """Train one window in place and return its loss before the update.

    Args:
        model: which update.
        inputs: (V, D) from ``memory.aligned``, D a multiple of 8.
        outputs: the same for the output vectors.
        contexts: (M,) ids of the context words, M >= 1.
        targets: (K,) distinct ids.
        lr: learning rate.
        labels: (K,) 0 or 1; None: the first target is the positive one.
        mean: CBOW takes the mean of the contexts, else their sum.

    Returns:
        The summed loss of the M pairs (skip-gram) or the loss of the window (CBOW).

    Raises:
        ValueError: an id, a shape or an address that the kernels must not see.

    """
    _check(inputs, outputs, contexts, targets)
    lane = make_lane(
        inputs=hot_rows(inputs, 0),
        outputs=hot_rows(outputs, 0),
        grams=Whole(0),
        frozen=Learning(0),
        window=len(contexts),
        most_outputs=len(targets),
        chunk=1,
        contexts=len(contexts),
    )
    row_bytes = inputs.shape[1] * 4
    lane.contexts[: len(contexts)] = inputs.ctypes.data + contexts.astype(np.int64) * row_bytes
    lane.contexts[len(contexts)] = lane.contexts[0]
    lane.addresses[:] = lane.zeros.ctypes.data
    lane.addresses[0, : len(targets)] = outputs.ctypes.data + targets.astype(np.int64) * row_bytes
    if labels is not None:
        places = np.arange(len(targets))
        lane.labels[0] = 0
        np.bitwise_or.at(lane.labels[0], places // BLOCK, labels.astype(np.int64) << places % BLOCK)
    rate = np.float32(lr)
    if model == "skipgram":
        return float(_update_skipgram(lane, len(contexts), len(targets), rate, row_bytes))
    share = np.float32(1 / len(contexts) if mean else 1)
    return float(_update_cbow(lane, len(contexts), len(targets), rate, share, row_bytes))


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


@compiled(_nrt=False, no_cfunc_wrapper=True)
def _update_skipgram(lane: Any, contexts: Any, count: Any, lr: Any, row_bytes: Any) -> Any:
    blocks = lane.addresses.shape[1] // BLOCK
    update_skipgram(
        lane.contexts.ctypes.data, contexts, lane.addresses.ctypes.data, lane.labels.ctypes.data,
        count, blocks, lane.cells.ctypes.data, lane.sums.ctypes.data, lr, row_bytes,
    )  # fmt: skip
    return window_loss(lane.cells, lane.labels[0], contexts, contexts + 1, count)


@compiled(_nrt=False, no_cfunc_wrapper=True)
def _update_cbow(lane: Any, contexts: Any, count: Any, lr: Any, share: Any, row_bytes: Any) -> Any:
    blocks = lane.addresses.shape[1] // BLOCK
    update_cbow(
        lane.contexts.ctypes.data, contexts, lane.addresses.ctypes.data, lane.labels.ctypes.data,
        count, blocks, lane.cells.ctypes.data, lane.sums.ctypes.data, lr, share, row_bytes,
    )  # fmt: skip
    return window_loss(lane.cells, lane.labels[0], 1, 1, count)
