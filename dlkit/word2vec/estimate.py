"""What a training will need, before it is begun."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.corpus import Corpus
    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.sgns import NegativeSampling


def require_room(folder: Path, vocabulary: int, dim: int) -> None:
    """Refuse before hours of work what memory or disk cannot hold at its end."""
    need = model_bytes(vocabulary, dim)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    disk = shutil.disk_usage(folder).free
    for what, have in (("memory", memory), ("free disk", disk)):
        if need > have:
            raise DlkitError(
                f"{vocabulary:,} words of {dim} numbers need {need / 1e9:.1f} GB of {what}; "
                f"there is {have / 1e9:.1f} GB",
                hint="use a smaller --dim, a larger --min-count, or --max-vocab",
            )


def model_bytes(vocabulary: int, dim: int) -> int:
    """Bytes of the input and output vectors; rows are padded to 8 numbers of 4 bytes."""
    return 2 * vocabulary * (-(-dim // 8) * 8) * 4


def estimate(
    config: Word2vecConfig, corpus: Corpus, trainer: NegativeSampling
) -> dict[str, object]:
    """Train for about a second and tell sizes, speed and time; for ``--dry-run``."""
    words, seconds, loss = _try_for(trainer, seconds=1.0)
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
        "words_per_second": round(words / seconds),
        "training_seconds": round(corpus.words * config.epochs * seconds / words, 1),
        "loss_at_start": loss,
    }


def _try_for(trainer: NegativeSampling, *, seconds: float) -> tuple[int, float, float]:
    """Train for about ``seconds``, compilation not counted: words, seconds, loss."""
    start, words, last = 0.0, 0, None
    for last in trainer.run():
        if start == 0.0:
            start, words = time.perf_counter(), last.words
        elif time.perf_counter() - start > seconds:
            trainer.pause()
    assert last is not None
    return max(last.words - words, 1), max(time.perf_counter() - start, 1e-3), last.loss
