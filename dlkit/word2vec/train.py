"""From settings and a corpus to an artifact of word vectors."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlkit import signals
from dlkit.artifacts.finding import find
from dlkit.artifacts.names import name_from
from dlkit.artifacts.runs import reserve
from dlkit.artifacts.runs import resume as reopen
from dlkit.data.corpus import Corpus, Grown, encode
from dlkit.data.raw import standard_input
from dlkit.data.sources import Source, locate
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Started
from dlkit.word2vec import checkpoint, engines, live
from dlkit.word2vec.estimate import estimate, require_room, sizes
from dlkit.word2vec.loop import Work, finish
from dlkit.word2vec.resumed import absolute, absolute_data, resumed_config
from dlkit.word2vec.save import KIND, TASK
from dlkit.word2vec.start import Start, arrange, kept, read_start, settings_of
from dlkit.word2vec.subwords import ngram_rows

if TYPE_CHECKING:
    from dlkit.vectors.wordtests import Test
    from dlkit.word2vec.config import Word2vecConfig


# Settings that say what a training began with; one that goes on begins with its artifact.
BEGINNINGS = ("continued", "initial", "freeze", "text.vocabulary")


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
    yield from engines.check(config)
    default = default_name or _name_after(config.data[0])
    sources = locate(config.data, config.text, stdin=standard_input())
    tests = yield from live.read_tests(config.eval)
    start = yield from read_start(config)
    with signals.catch() as stop, reserve(TASK, name, default=default) as held:
        yield Started(f"training {TASK}/{held.name}", headline(config))
        compiling = engines.warm(config)
        corpus = yield from _encode(sources, config, held.folder, stop, start)
        config = absolute(fixed_threads(config))
        work = yield from prepare(config, corpus, tests, start, folder=held.folder)
        compiling.join()
        return (yield from finish(held, work, stop))


def resume(
    name: str | None,
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run: the newest, or that called ``name``.

    Settings given again must equal those of the run, but for ``epochs``, ``threads`` and
    ``device``. PyTorch goes on on any device; what the compiled kernels began goes on in PyTorch
    where the device is another now.

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
        yield from engines.check(config)
        batched = engines.is_batched(saved.scalars)
        if not batched and not engines.uses_kernels(config):
            changes.append("what the compiled kernels began goes on in PyTorch")
        tests = yield from live.read_tests(config.eval, lenient=True)
        work = yield from prepare(
            config, saved.corpus, tests, None, folder=held.folder, batched=batched
        )
        work.history[:] = saved.history
        try:
            work.restore(saved.arrays, saved.scalars)
        except ValueError as problem:
            raise DlkitError(
                f"{TASK}/{held.name} cannot be gone on with here: {problem}",
                hint="use the dlkit and the libraries that began it, or train anew",
            ) from None
        yield Started(f"going on with {TASK}/{held.name}", headline(config))
        for change in changes:
            yield Noted(change)
        if config.device == "cpu" and not engines.is_exact(config):
            yield Noted("with more than one thread a resumed run is not equal bit for bit")
        work.history.append({"resumed": True, "changes": changes})
        return (yield from finish(held, work, stop))


def continued(reference: str) -> tuple[Path | None, dict[str, object], str]:
    """An artifact to go on from: its recipe, the settings that its vectors ask for, its folder.

    An imported artifact has no recipe, one that was trained here needs no more settings.

    Raises:
        DlkitError: there is no such artifact.

    """
    try:
        path = find(reference, kinds={KIND}).absolute()
    except DlkitError:
        if not Path(reference).is_file():
            raise
        name = quoted(reference)
        raise DlkitError(
            f"--from: {reference} is a file, not an artifact",
            hint=f"--initial {name}, or make an artifact of it: dlkit word2vec import {name}",
            code=USAGE,
        ) from None
    settings = path / "config.yaml"
    if settings.exists():
        return settings, {}, str(path)
    return None, settings_of(path), str(path)


def dry_run(config: Word2vecConfig) -> Generator[Record, None, dict[str, object]]:
    """Read and count, train for about a second, estimate; nothing stays on disk.

    Returns:
        Words, vocabulary, parameters, bytes of memory and disk, words per second, seconds.

    """
    _require_data(config)
    yield from engines.check(config)
    with (
        signals.catch() as stop,
        tempfile.TemporaryDirectory(prefix="dlkit-", ignore_cleanup_errors=True) as folder,
    ):
        sources = locate(config.data, config.text, stdin=standard_input())
        tests = yield from live.read_tests(config.eval)
        start = yield from read_start(config)
        corpus = yield from _encode(sources, config, Path(folder), stop, start)
        work = yield from prepare(config, corpus, tests, start, folder=None)
        yield Noted(
            "memory_bytes is the model's alone: Python and its libraries take a few hundred MB "
            "more; disk_bytes is of the artifact and the encoded text: a checkpoint takes as much "
            "as the artifact meanwhile"
        )
        return estimate(work)


def prepare(
    config: Word2vecConfig,
    corpus: Corpus,
    tests: Sequence[Test],
    start: Start | None,
    *,
    folder: Path | None,
    batched: bool = False,
) -> Generator[Record, None, Work]:
    """Prove that memory (and the disk of ``folder``) suffice, and make the trainer.

    ``batched``: PyTorch trains, whatever the settings.
    """
    ngrams, buckets = ngram_rows(corpus.vocabulary.words, config)
    listed = 0 if ngrams is None else len(ngrams.rows)
    size = sizes(config, len(corpus.vocabulary), len(buckets), listed)
    require_room(size, folder, device=config.device)
    trainer = engines.build(config, corpus, ngrams, batched=batched)
    given = None
    if start is not None:
        matrices = yield from arrange(start, corpus.vocabulary, buckets, config)
        trainer.start_from(*matrices)
        given = kept(start, corpus.vocabulary, config)
    return Work(config, corpus, trainer, buckets, tests, size, given)


def encode_all(
    config: Word2vecConfig, folder: Path, stop: signals.Stop
) -> Generator[Record, None, Corpus]:
    """Read the corpus of ``config`` into ``folder``."""
    _require_data(config)
    sources = locate(config.data, config.text, stdin=standard_input())
    return (yield from _encode(sources, config, folder, stop, None))


def fixed_threads(config: Word2vecConfig) -> Word2vecConfig:
    """The settings with the number of threads that is used, so that another run uses as many."""
    if config.deterministic:
        return config
    return config.model_copy(update={"threads": engines.threads_of(config)})


def _encode(
    sources: Sequence[Source],
    config: Word2vecConfig,
    folder: Path,
    stop: signals.Stop,
    start: Start | None,
) -> Generator[Record, None, Corpus]:
    grown = None
    if start is not None and start.kept:
        counts = np.zeros(len(start.words), np.int64) if start.counts is None else start.counts
        # The same text again counts once; what stdin holds is another text each time.
        again = start.data == absolute_data(config.data) and "-" not in config.data
        grown = Grown(start.words, counts, again=again)
    return (
        yield from encode(
            sources,
            config.text,
            folder=folder,
            stdin=standard_input(),
            stopping=stop.check,
            held_out=config.held_out,
            grown=grown,
        )
    )


def _require_data(config: Word2vecConfig) -> None:
    if not config.data and config.continued is not None:
        raise DlkitError(
            "no corpus given, and what is gone on from names none",
            hint=f"dlkit word2vec train corpus.txt --from {Path(config.continued).name}",
            code=USAGE,
        )
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


def headline(config: Word2vecConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, object] = {"model": config.model, "loss": config.loss}
    if config.context != "mean":
        told["context"] = config.context
    told |= {
        "dim": config.dim,
        "window": config.window,
        **({"fixed_window": True} if config.fixed_window else {}),
        **({"negative": config.negative} if config.loss == "ns" else {}),
        **({"noise_exponent": config.noise_exponent} if _unusual_noise(config) else {}),
        **({"n-grams": f"{config.minn} to {config.maxn}"} if config.maxn else {}),
        "epochs": config.epochs,
        "lr": config.first_lr,
        "threads": engines.threads_of(config),
        "seed": config.seed,
    }
    if config.freeze:
        told["freeze"] = True
    if config.deterministic:
        told["deterministic"] = True
    if config.device != "cpu":
        told["device"] = config.device
    return told


def _unusual_noise(config: Word2vecConfig) -> bool:
    usual = type(config).model_fields["noise_exponent"].default
    return config.loss == "ns" and config.noise_exponent != usual
