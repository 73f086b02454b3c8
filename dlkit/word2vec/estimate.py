"""What a training will need, before it is begun."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlkit import machine
from dlkit.errors import DlkitError
from dlkit.word2vec.engines import uses_kernels
from dlkit.word2vec.loop import refuse_failure

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.loop import Work


@dataclass(frozen=True)
class Sizes:
    """What a model takes, in numbers (parameters) and bytes."""

    words: int
    dim: int
    parameters: int
    memory: int
    disk: int


def sizes(config: Word2vecConfig, words: int, buckets: int, listed: int = 0) -> Sizes:
    """What a training of ``words`` words with ``buckets`` rows of n-grams takes.

    Memory is that of the matrices, rows padded to 8 numbers of 4 bytes; with n-grams also of the
    words composed of them, and of the lists that say of which rows each word is made, ``listed``
    in all. Rounds add copies of the rows that four lanes touch. The interpreter, its libraries, the
    table of noise words and what lanes hold are not counted. Disk is that of the artifact's
    tensors.
    """
    row = 4 * (-(-config.dim // 8) * 8)
    rows = 2 * words + buckets
    memory = (rows + (words if buckets else 0)) * row
    if listed:
        memory += 4 * listed + 8 * (words + 1) + _of_batches(config, words + buckets)
    if config.deterministic:
        memory += _copies(config, words, buckets) * row
    parameters = rows * config.dim
    stored = parameters + (words * config.dim if buckets else 0)
    return Sizes(words, config.dim, parameters, memory, 4 * (stored + words))


def _of_batches(config: Word2vecConfig, rows: int) -> int:
    """What PyTorch's trainer holds of each row of n-grams beside the lists."""
    return 0 if uses_kernels(config) else 8 * rows


def _copies(config: Word2vecConfig, words: int, buckets: int) -> int:
    """The most rows that the lanes of rounds copy."""
    from dlkit.word2vec.kernel_trainer import DETERMINISTIC_LANES, LARGEST_ROUND

    trained = LARGEST_ROUND + 4 * config.window + 4
    outputs = min(words, trained * (config.negative + 1 if config.loss == "ns" else 64))
    inputs = min(words + buckets, trained * (64 if buckets else 1))
    return DETERMINISTIC_LANES * (outputs + inputs)


def require_room(size: Sizes, folder: Path | None, *, device: str = "cpu") -> None:
    """Refuse, before hours of work, what memory or the disk of ``folder`` cannot hold.

    On a device that has memory of its own all rows lie there, too.

    Raises:
        DlkitError: with both sizes.

    """
    _compare(size, size.memory, "memory", machine.free_memory())
    if device != "cpu":
        from dlkit.word2vec.batched.devices import free_memory

        free = free_memory(device)
        if free is not None:
            _compare(size, size.memory, f"memory on {device}", free)
    if folder is not None:
        _compare(size, size.disk, "free disk", shutil.disk_usage(folder).free)


def _compare(size: Sizes, need: int, what: str, have: int) -> None:
    if need > have:
        raise DlkitError(
            f"{size.words:,} words of {size.dim:,} numbers need {need / 1e9:.1f} GB of {what}; "
            f"there is {have / 1e9:.1f} GB",
            hint="use a smaller --dim, a larger --min-count, or --max-vocab",
        )


def estimate(work: Work, *, seconds: float = 1.0) -> dict[str, object]:
    """Train for about ``seconds`` and tell sizes, speed and time; for ``--dry-run``.

    ``memory_bytes`` are the model's (``sizes``), ``disk_bytes`` those of the artifact's tensors and
    of the text as numbers. ``loss`` is the mean of the words trained on, None if none was measured.

    Raises:
        DlkitError: the training diverges already, or there is nothing to learn.

    """
    config, corpus, trainer, size = work.config, work.corpus, work.trainer, work.size
    trainer.compile()
    loss: float | None = None
    words = 0
    begun = time.perf_counter()
    for progress in trainer.run():
        refuse_failure(progress, work)
        words = progress.words
        if math.isfinite(progress.loss):
            loss = progress.loss
        if time.perf_counter() - begun > seconds:
            trainer.pause()
    rate = words / max(time.perf_counter() - begun, 1e-9)
    vocabulary = len(corpus.vocabulary)
    return {
        "words": corpus.words,
        "vocabulary": vocabulary,
        "tokens": corpus.tokens,
        "vectors": f"{vocabulary} x {config.dim}",
        "parameters": size.parameters,
        "memory_bytes": size.memory,
        "disk_bytes": size.disk + corpus.ids_path.stat().st_size,
        "words_per_second": round(rate),
        "training_seconds": float(f"{corpus.words * config.epochs / rate:.3g}") if rate else None,
        "loss": loss,
    }
