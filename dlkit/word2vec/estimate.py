"""What a training will need, before it is begun."""

from __future__ import annotations

import math
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.corpus import Corpus
    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.trainer import Trainer


def require_memory(vocabulary: int, dim: int) -> None:
    """Refuse what memory cannot hold, before anything is allocated.

    Raises:
        DlkitError: with both sizes.

    """
    _compare(vocabulary, dim, "memory", _free_memory())


def require_disk(folder: Path, vocabulary: int, dim: int) -> None:
    """Refuse, before hours of work, an artifact that the disk of ``folder`` cannot hold.

    Raises:
        DlkitError: with both sizes.

    """
    _compare(vocabulary, dim, "free disk", shutil.disk_usage(folder).free)


def _compare(vocabulary: int, dim: int, what: str, have: int) -> None:
    need = model_bytes(vocabulary, dim)
    if need > have:
        raise DlkitError(
            f"{vocabulary:,} words of {dim} numbers need {need / 1e9:.1f} GB of {what}; "
            f"there is {have / 1e9:.1f} GB",
            hint="use a smaller --dim, a larger --min-count, or --max-vocab",
        )


def _free_memory() -> int:
    """Bytes that a process can have without swapping; all of the machine's where unknown."""
    try:
        with Path("/proc/meminfo").open(encoding="utf-8") as file:
            facts = dict(line.split(":") for line in file)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def model_bytes(vocabulary: int, dim: int) -> int:
    """Bytes of the input and output vectors; rows are padded to 8 numbers of 4 bytes."""
    return 2 * vocabulary * (-(-dim // 8) * 8) * 4


def estimate(
    config: Word2vecConfig, corpus: Corpus, trainer: Trainer, *, seconds: float = 1.0
) -> dict[str, object]:
    """Train for about ``seconds`` and tell sizes, speed and time; for ``--dry-run``.

    ``loss`` is the mean of the words trained on, None if none was measured.
    """
    trainer.compile()
    loss: float | None = None
    words = 0
    begun = time.perf_counter()
    for progress in trainer.run():
        words = progress.words
        if math.isfinite(progress.loss):
            loss = progress.loss
        if time.perf_counter() - begun > seconds:
            trainer.pause()
    rate = words / max(time.perf_counter() - begun, 1e-9)
    vocabulary = len(corpus.vocabulary)
    size = model_bytes(vocabulary, config.dim)
    return {
        "words": corpus.words,
        "vocabulary": vocabulary,
        "tokens": corpus.tokens,
        "vectors": f"{vocabulary} x {config.dim}",
        "parameters": 2 * vocabulary * config.dim,
        "memory_bytes": size,
        "disk_bytes": size + corpus.ids_path.stat().st_size,
        "words_per_second": round(rate),
        "training_seconds": float(f"{corpus.words * config.epochs / rate:.3g}") if rate else None,
        "loss": loss,
    }
