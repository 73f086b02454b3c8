"""What must hold before any address is formed from settings, ids or a saved state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.kernels.memory import release_pages

if TYPE_CHECKING:
    from dlkit.word2vec.kernels.targets import Negatives, Paths
    from dlkit.word2vec.kernels.train import Plan
    from dlkit.word2vec.trainer import NGrams

Ids = npt.NDArray[np.int32]

LARGEST_FLOAT: Final = 3e38  # as float32
LARGEST_EXPONENT: Final = 10  # powers of all counts, and their sum, are finite
IDS_AT_ONCE: Final = 1 << 22
MOST_LANES: Final = 1024


def check_settings(
    *,
    model: str,
    loss: str,
    context: str = "mean",
    dim: int,
    window: int,
    negative: int,
    sample: float,
    lr: float,
    min_lr: float,
    epochs: int,
    threads: int,
    seed: int,
    noise_exponent: float = 0.75,
) -> None:
    """Raise ValueError for a setting that the kernels cannot take."""
    if model not in ("skipgram", "cbow"):
        raise ValueError(f"model must be skipgram or cbow, not {model!r}")
    if loss not in ("ns", "hs", "softmax"):
        raise ValueError(f"loss must be ns, hs or softmax, not {loss!r}")
    if context not in ("mean", "sum"):
        raise ValueError(f"context must be mean or sum, not {context!r}")
    limits = (
        ("dim", dim, 1, 1 << 20),
        ("window", window, 1, 1 << 16),
        ("negative", negative, 1, 1024),
        ("sample", sample, 0, LARGEST_FLOAT),
        ("lr", lr, 0, LARGEST_FLOAT),
        ("min_lr", min_lr, 0, LARGEST_FLOAT),
        ("epochs", epochs, 1, 1 << 31),
        ("threads", threads, 1, MOST_LANES),
        ("seed", seed, 0, 1 << 64),
        ("noise_exponent", noise_exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT),
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


def checked_ngrams(ngrams: NGrams | None, vocabulary: int) -> NGrams | None:
    """The rows of each word as contiguous arrays, else ValueError for one that is none."""
    if ngrams is None:
        return None
    offsets = np.ascontiguousarray(ngrams.offsets, dtype=np.int64)
    rows = np.ascontiguousarray(ngrams.rows, dtype=np.int32)
    total = vocabulary + ngrams.number
    sound = offsets.shape == (vocabulary + 1,) and offsets[0] == 0 and offsets[-1] == len(rows)
    if not sound or np.any(np.diff(offsets) < 1) or not 0 <= ngrams.number < (1 << 31) - vocabulary:
        raise ValueError("every word must have at least one row, and offsets must bound the rows")
    if rows.min() < 0 or rows.max() >= total or np.any(rows[offsets[:-1]] != np.arange(vocabulary)):
        raise ValueError(f"rows must be 0 to {total - 1}, each word's own first")
    return ngrams._replace(offsets=offsets, rows=rows)


def require_arrays(
    arrays: Mapping[str, np.ndarray],
    expected: Mapping[str, tuple[tuple[int, ...], type[np.generic]]],
) -> None:
    """Raise ValueError unless ``arrays`` has every array of the shape and type expected."""
    for name, (size, kind) in expected.items():
        array = arrays.get(name)
        if array is None or array.shape != size or array.dtype != kind:
            raise ValueError(f"state has no array {name} of shape {size} and {kind.__name__}")


def check_state(
    arrays: Mapping[str, np.ndarray],
    plan: Plan,
    bounds: npt.NDArray[np.int64],
    *,
    shape: tuple[int, ...],
) -> None:
    """Raise ValueError unless ``arrays`` are a state of a trainer with this plan.

    Args:
        arrays: what ``KernelTrainer.state`` returned.
        plan: the trainer's plan.
        bounds: (lanes + 1,) where each lane's part of the stream begins and ends.
        shape: of the input matrix, without padding.

    """
    from dlkit.word2vec.kernels.train import CURSOR, HELD, READY

    lanes, vocabulary = len(bounds) - 1, len(plan.keep)
    require_arrays(
        arrays,
        {
            "inputs": (shape, np.float32),
            "outputs": ((vocabulary, *shape[1:]), np.float32),
            "positions": ((lanes,), np.int64),
            "cursors": ((lanes, CURSOR), np.int64),
            "losses": ((lanes,), np.float64),
            "held": ((lanes, 3, 2 * plan.window), np.int32),
        },
    )
    positions, cursors = arrays["positions"], arrays["cursors"]
    if np.any(positions < bounds[:-1]) or np.any(positions > bounds[1:]):
        raise ValueError("state names a position outside the stream")
    if np.any(cursors < 0) or not _within_table(plan.targets, cursors):
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


def _within_table(targets: Negatives | Paths, cursors: npt.NDArray[np.int64]) -> bool:
    """Whether no draw of noise words would read beyond the table."""
    from dlkit.word2vec.kernels.negatives import most_read
    from dlkit.word2vec.kernels.targets import PASSES, POOL, TABLE, Negatives

    if not isinstance(targets, Negatives):
        return True
    beyond = targets.pool + most_read(targets.drawn)  # where a stretch's last draw may end
    sound = cursors[:, POOL] <= len(targets.table) - beyond
    sound &= (cursors[:, POOL] <= cursors[:, TABLE]) & (cursors[:, PASSES] < targets.passes)
    sound &= cursors[:, TABLE] <= cursors[:, POOL] + beyond
    return bool(sound.all())
