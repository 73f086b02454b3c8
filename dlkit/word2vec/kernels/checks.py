"""What must hold before any address is formed from settings, ids or a saved state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.memory import release_pages
from dlkit.word2vec.kernels.train import CURSOR, HELD, READY, TABLE, Plan

Ids = npt.NDArray[np.int32]

LARGEST_FLOAT: Final = 3e38  # as float32
IDS_AT_ONCE: Final = 1 << 22


def check_settings(
    *,
    model: str,
    dim: int,
    window: int,
    negative: int,
    sample: float,
    lr: float,
    min_lr: float,
    epochs: int,
    threads: int,
    seed: int,
) -> None:
    """Raise ValueError for a setting that the kernels cannot take."""
    if model not in ("skipgram", "cbow"):
        raise ValueError(f"model must be skipgram or cbow, not {model!r}")
    limits = (
        ("dim", dim, 1, 1 << 20),
        ("window", window, 1, 1 << 16),
        ("negative", negative, 1, 1024),
        ("sample", sample, 0, LARGEST_FLOAT),
        ("lr", lr, 0, LARGEST_FLOAT),
        ("min_lr", min_lr, 0, LARGEST_FLOAT),
        ("epochs", epochs, 1, 1 << 31),
        ("threads", threads, 1, 1 << 16),
        ("seed", seed, 0, 1 << 64),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:  # NaN fails too
            raise ValueError(f"{name} must be {least} to {most}, not {value}")


def checked_counts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The counts as a contiguous int64 array of positive numbers, else ValueError."""
    counts = np.ascontiguousarray(counts, dtype=np.int64)
    if counts.ndim != 1 or not 1 <= len(counts) < 1 << 31 or counts.min() < 1:
        raise ValueError("counts must be one positive number for each of at least one word")
    return counts


def checked_ids(ids: Ids, vocabulary: int) -> tuple[Ids, int]:
    """A read-only view of the stream, and how many words it has; ValueError for a strange id."""
    if ids.dtype != np.int32 or ids.ndim != 1:
        raise ValueError(f"ids must be a one-dimensional int32 array, not {ids.dtype}")
    view = np.ascontiguousarray(ids).view(np.ndarray)
    view.flags.writeable = False
    words = 0
    for start in range(0, len(view), IDS_AT_ONCE):
        part = view[start : start + IDS_AT_ONCE]
        if part.min() < -1 or part.max() >= vocabulary:
            raise ValueError(f"ids must be -1 to {vocabulary - 1}; {part.min()}..{part.max()} seen")
        words += int(np.count_nonzero(part >= 0))
        release_pages(view)
    return view, words


def check_state(
    arrays: Mapping[str, np.ndarray],
    plan: Plan,
    bounds: npt.NDArray[np.int64],
    *,
    dim: int,
) -> None:
    """Raise ValueError unless ``arrays`` are a state of a trainer with this plan.

    Args:
        arrays: what ``NegativeSampling.state`` returned.
        plan: the trainer's plan.
        bounds: (threads + 1,) where each thread's part of the stream begins and ends.
        dim: floats of a vector without padding.

    """
    threads, vocabulary = len(bounds) - 1, len(plan.keep)
    expected: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
        "inputs": ((vocabulary, dim), np.float32),
        "outputs": ((vocabulary, dim), np.float32),
        "positions": ((threads,), np.int64),
        "cursors": ((threads, CURSOR), np.int64),
        "losses": ((threads,), np.float64),
        "held": ((threads, 3, 2 * plan.window), np.int32),
    }
    for name, (shape, kind) in expected.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != kind:
            raise ValueError(f"state has no array {name} of shape {shape} and {kind.__name__}")
    positions, cursors = arrays["positions"], arrays["cursors"]
    if np.any(positions < bounds[:-1]) or np.any(positions > bounds[1:]):
        raise ValueError("state names a position outside the stream")
    if np.any(cursors < 0) or np.any(cursors[:, TABLE] > len(plan.table)):
        raise ValueError("state has a counter out of range")
    if np.any(cursors[:, HELD] > 2 * plan.window) or np.any(cursors[:, READY] > cursors[:, HELD]):
        raise ValueError("state has a counter out of range")
    for held, size in zip(arrays["held"], cursors[:, HELD], strict=True):
        words, low, high = held[:, :size].astype(np.int64)
        places = np.arange(size)
        sound = (words >= 0) & (words < vocabulary) & (low >= 0) & (low <= places)
        sound &= (places - low <= plan.window) & (high > places)
        sound &= high <= places + plan.window + 1
        if not sound.all():
            raise ValueError("state holds words or windows out of range")
