"""From settings and a corpus to an artifact of word vectors."""

from __future__ import annotations

import math
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dlkit import signals
from dlkit.artifacts.names import name_from
from dlkit.artifacts.runs import Run, reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.data.corpus import Corpus, encode
from dlkit.data.sources import Source, locate
from dlkit.errors import USAGE, DlkitError, StoppedError
from dlkit.records import Epoch, Noted, Record, Saved, Started, Step
from dlkit.word2vec import checkpoint
from dlkit.word2vec.estimate import estimate, require_disk, require_memory
from dlkit.word2vec.resumed import absolute_data, resumed_config
from dlkit.word2vec.save import TASK, commit
from dlkit.word2vec.sgns import NegativeSampling, Progress

if TYPE_CHECKING:
    from dlkit.word2vec.config import Word2vecConfig

_WORTH_TELLING = 1.5  # seconds of compilation

# A model that has learnt nothing has a loss of (1 + negative) ln 2; far above it, it is lost.
_DIVERGED = 10.0


def run(
    config: Word2vecConfig, *, name: str | None = None, default_name: str | None = None
) -> Generator[Record, None, Saved]:
    """Train on ``config.data`` and commit an artifact; yields records, returns the last one.

    Args:
        config: the settings.
        name: name of the artifact, or None for one after the corpus.
        default_name: the name to use then instead of the corpus' own.

    Raises:
        DlkitError: no or unreadable data, no words, diverged, disk or memory too small; the named
            run is held by a live process.
        StoppedError: a signal came; a checkpoint was saved if training had begun.

    """
    _require_data(config)
    default = default_name or _name_after(config.data[0])
    sources = locate(config.data, config.text, stdin=_stdin())
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", _headline(config))
        corpus = yield from _encode(sources, config, held.folder, stop)
        config = config.model_copy(update={"data": absolute_data(config.data)})
        require_memory(len(corpus.vocabulary), config.dim)
        require_disk(held.folder, len(corpus.vocabulary), config.dim)
        trainer = _trainer(config, corpus)
        return (yield from _finish(held, config, corpus, trainer, stop, []))


def resume(
    name: str | None,
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run: the newest, or that called ``name``.

    Settings given again must equal those of the run, but for ``epochs`` and ``threads``.

    Raises:
        DlkitError: no such run (NOT_FOUND), it is held by a live process (BUSY), its checkpoint is
            damaged (DAMAGED), or another setting is asked for (USAGE).
        StoppedError: as in run.

    """
    with signals.catch() as stop, reopen(TASK, name) as held:
        saved = checkpoint.load(held)
        config, changes = resumed_config(
            saved.config,
            done=saved.scalars["epoch"],
            recipe=recipe,
            sets=sets,
            options=options or {},
        )
        trainer = _trainer(config, saved.corpus)
        trainer.restore(saved.arrays, saved.scalars)
        yield Started(f"going on with {TASK}/{held.name}", _headline(config))
        for change in changes:
            yield Noted(change)
        if _threads(config) > 1:
            yield Noted("with more than one thread a resumed run is not equal bit for bit")
        saved.history.append({"resumed": True, "changes": changes})
        return (yield from _finish(held, config, saved.corpus, trainer, stop, saved.history))


def dry_run(config: Word2vecConfig) -> Generator[Record, None, dict[str, object]]:
    """Read and count, train for about a second, estimate; nothing stays on disk.

    Returns:
        Words, vocabulary, parameters, bytes of memory and disk, words per second, seconds.

    """
    _require_data(config)
    with (
        signals.catch() as stop,
        tempfile.TemporaryDirectory(prefix="dlkit-", ignore_cleanup_errors=True) as folder,
    ):
        sources = locate(config.data, config.text, stdin=_stdin())
        corpus = yield from _encode(sources, config, Path(folder), stop)
        require_memory(len(corpus.vocabulary), config.dim)
        return estimate(config, corpus, _trainer(config, corpus))


def _encode(
    sources: Sequence[Source], config: Word2vecConfig, folder: Path, stop: signals.Stop
) -> Generator[Record, None, Corpus]:
    return (
        yield from encode(
            sources,
            config.text,
            folder=folder,
            stdin=_stdin(),
            stopping=stop.check,
            held_out=config.held_out,
        )
    )


def _stdin() -> BinaryIO | None:
    return sys.stdin.buffer if sys.stdin is not None else None


def _finish(
    held: Run,
    config: Word2vecConfig,
    corpus: Corpus,
    trainer: NegativeSampling,
    stop: signals.Stop,
    history: list[dict[str, Any]],
) -> Generator[Record, None, Saved]:
    """Train to the end with checkpoints on the way, then commit."""
    begun = time.perf_counter()
    trainer.compile()
    if time.perf_counter() - begun > _WORTH_TELLING:
        yield Noted(f"compiled the kernels in {time.perf_counter() - begun:.1f} s, this once")
    state = checkpoint.Checkpoint(config, corpus, {}, {}, history)
    seconds = math.fsum(entry.get("seconds", 0.0) for entry in history)
    while True:
        begun = time.perf_counter()
        yield from _until_pause(trainer, config, corpus, stop, history)
        seconds += time.perf_counter() - begun
        if trainer.finished:
            break
        history.append({"seconds": time.perf_counter() - begun})
        state.arrays, state.scalars = trainer.state()
        checkpoint.save(held, state)
        stop.save_requested = False
        if stop.signum is not None:
            raise StoppedError(
                stop.signum,
                f"stopped by {signal.Signals(stop.signum).name}; "
                f"{TASK}/{held.name} is saved as far as it came",
                hint=f"dlkit word2vec train --resume --name {held.name}",
            )
        yield Noted("saved a checkpoint")
    saved = commit(
        held, config, corpus, trainer, history, threads=_threads(config), seconds=seconds
    )
    yield saved
    return saved


def _until_pause(
    trainer: NegativeSampling,
    config: Word2vecConfig,
    corpus: Corpus,
    stop: signals.Stop,
    history: list[dict[str, Any]],
) -> Generator[Record, None, None]:
    """Train until the end, a signal, or the time for a checkpoint."""
    begun = epoch_begun = time.perf_counter()
    first: int | None = None
    told = False
    for progress in trainer.run():
        now = time.perf_counter()
        first = progress.words if first is None else first
        _refuse_failure(progress, config, corpus)
        if progress.epoch_done:
            metrics = _epoch_metrics(trainer, corpus, progress)
            history.append({"epoch": progress.epoch + 1, **metrics})
            yield Epoch(progress.epoch + 1, config.epochs, now - epoch_begun, metrics)
            epoch_begun = time.perf_counter()
        yield Step(
            "training",
            progress.words,
            progress.total,
            "words",
            (progress.words - first) / max(now - begun, 1e-9),
            {"loss": progress.loss, "lr": progress.lr},
        )
        if stop.signum is not None and not told:
            told = True
            yield Noted("saving what was learnt; once more to leave without")
        if (
            stop.signum is not None
            or stop.save_requested
            or now - begun > 60 * config.checkpoint_minutes
        ):
            trainer.pause()


def _epoch_metrics(
    trainer: NegativeSampling, corpus: Corpus, progress: Progress
) -> dict[str, float]:
    metrics = {"loss": progress.loss, "lr": progress.lr}
    held_out = trainer.held_out_loss(corpus.held_out) if len(corpus.held_out) else math.nan
    if math.isfinite(held_out):
        metrics["held_out_loss"] = held_out
    return metrics


def _refuse_failure(progress: Progress, config: Word2vecConfig, corpus: Corpus) -> None:
    if progress.words == progress.total and progress.pairs == 0:
        raise DlkitError(
            f"nothing to learn: after subsampling no two of the {corpus.words:,} words stand "
            "together in a line",
            hint="raise --sample (0 keeps every word) or give more text",
        )
    limit = _DIVERGED * (1 + config.negative) * math.log(2)
    if progress.measured and not progress.loss <= limit:
        raise DlkitError(
            f"training diverged in epoch {progress.epoch + 1} after {progress.words:,} words: "
            f"the loss is {progress.loss:.4g} at learning rate {progress.lr:.4g}",
            hint=f"lower the learning rate: --lr {0.025 if config.model == 'skipgram' else 0.05}",
        )


def _trainer(config: Word2vecConfig, corpus: Corpus) -> NegativeSampling:
    return NegativeSampling(
        corpus.ids(),
        corpus.vocabulary.counts,
        model=config.model,
        dim=config.dim,
        window=config.window,
        negative=config.negative,
        sample=config.sample,
        lr=config.first_lr,
        min_lr=config.min_lr,
        epochs=config.epochs,
        threads=_threads(config),
        seed=config.seed,
    )


def _threads(config: Word2vecConfig) -> int:
    if config.threads is not None:
        return config.threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _require_data(config: Word2vecConfig) -> None:
    if not config.data:
        raise DlkitError(
            "no corpus given",
            hint="dlkit word2vec train corpus.txt, or try builtin:reviews",
            code=USAGE,
        )


def _name_after(entry: str) -> str:
    """A name for the artifact after the first corpus: corpus.txt.gz -> corpus."""
    if entry == "-":
        return "stdin"
    base = Path(entry.rstrip("/").rsplit(":", 1)[-1]).name.split(".", 1)[0]
    return name_from(re.sub(r"[^\w-]+", "-", base).strip("-_")[:60], fallback=TASK)


def _headline(config: Word2vecConfig) -> dict[str, object]:
    return {
        "model": config.model,
        "dim": config.dim,
        "window": config.window,
        "negative": config.negative,
        "epochs": config.epochs,
        "lr": config.first_lr,
        "threads": _threads(config),
        "seed": config.seed,
    }
