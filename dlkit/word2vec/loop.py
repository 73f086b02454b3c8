"""The way from the first step of a training to its artifact, with checkpoints."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlkit.errors import DlkitError, StoppedError
from dlkit.records import Epoch, Noted, Record, Saved, Step, Warned
from dlkit.word2vec import checkpoint, live
from dlkit.word2vec.config import Word2vecConfig, usual_lr
from dlkit.word2vec.kept import Kept
from dlkit.word2vec.save import TASK, commit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.artifacts.runs import Run
    from dlkit.data.corpus import Corpus
    from dlkit.signals import Stop
    from dlkit.vectors.wordtests import Test
    from dlkit.word2vec.estimate import Sizes
    from dlkit.word2vec.trainer import Progress, Trainer

_WORTH_TELLING = 1.5  # seconds of compilation

# So many times the loss of a model that has learnt nothing, and it is lost.
_DIVERGED = 10.0


@dataclass
class Work:
    """A training: what is trained on, by what, and what was seen so far.

    ``buckets`` are those of the n-gram rows; ``size`` is what the model takes; ``given`` the
    vectors that stay as they are where rows are not vectors; ``history`` holds the metrics of each
    epoch, the seconds of each stretch and the resumptions.
    """

    config: Word2vecConfig
    corpus: Corpus
    trainer: Trainer
    buckets: npt.NDArray[np.int32]
    tests: Sequence[Test]
    size: Sizes
    given: Kept | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    aside: float = 0.0  # seconds of measuring, which are no seconds of training

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """(V, D) the word vectors as they are by now."""
        inputs = self.trainer.inputs
        return inputs if self.given is None else self.given.among(inputs)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on."""
        arrays, scalars = self.trainer.state()
        return (arrays if self.given is None else arrays | self.given.arrays()), scalars

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned; ValueError if it is of another training."""
        if self.config.freeze and self.config.maxn:
            words = len(self.corpus.vocabulary)
            self.given = Kept.of_arrays(arrays, vocabulary=words, dim=self.config.dim)
        self.trainer.restore(arrays, scalars)


def finish(held: Run, work: Work, stop: Stop) -> Generator[Record, None, Saved]:
    """Train to the end with checkpoints on the way, then commit."""
    begun = time.perf_counter()
    work.trainer.compile()
    if time.perf_counter() - begun > _WORTH_TELLING:
        yield Noted(f"compiled the kernels in {time.perf_counter() - begun:.1f} s, this once")
    state = checkpoint.Checkpoint(work.config, work.corpus, {}, {}, work.history)
    seconds = math.fsum(entry.get("seconds", 0.0) for entry in work.history)
    while True:
        begun, aside = time.perf_counter(), work.aside
        yield from _until_pause(work, stop)
        stretch = time.perf_counter() - begun - (work.aside - aside)
        seconds += stretch
        if work.trainer.finished:
            break
        work.history.append({"seconds": stretch})
        state.arrays, state.scalars = work.state()
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
    saved = commit(held, work, seconds=seconds)
    yield saved
    return saved


def train_to_end(work: Work, stop: Stop) -> Generator[Record, None, None]:
    """Train without checkpoints; a signal ends it.

    Raises:
        StoppedError: a signal came.

    """
    while not work.trainer.finished:
        yield from _until_pause(work, stop, saving=False)
        stop.save_requested = False
        stop.check()


def _until_pause(work: Work, stop: Stop, *, saving: bool = True) -> Generator[Record, None, None]:
    """Train until the end, a signal, or the time for a checkpoint."""
    config, trainer = work.config, work.trainer
    begun = epoch_begun = time.perf_counter()
    first: int | None = None
    told = False
    for progress in trainer.run():
        now = time.perf_counter()
        first = progress.words if first is None else first
        refuse_failure(progress, work)
        if progress.epoch_done:
            metrics = yield from _epoch_metrics(work, progress)
            work.aside += time.perf_counter() - now
            work.history.append({"epoch": progress.epoch + 1, **metrics})
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
            if saving:
                yield Noted("saving what was learnt; once more to leave without")
        if (
            stop.signum is not None
            or stop.save_requested
            or now - begun > 60 * config.checkpoint_minutes
        ):
            trainer.pause()


def _epoch_metrics(work: Work, progress: Progress) -> Generator[Record, None, dict[str, float]]:
    """The loss, the held-out loss and the scores of the tests after an epoch."""
    metrics = {"loss": progress.loss, "lr": progress.lr}
    corpus, trainer = work.corpus, work.trainer
    held_out = trainer.held_out_loss(corpus.held_out) if len(corpus.held_out) else math.nan
    if math.isfinite(held_out):
        metrics["held_out_loss"] = held_out
    if work.tests:
        scores = live.score(work.tests, corpus, work.vectors)
        if len(scores) < len(work.tests) and progress.epoch == 0:
            missing = len(work.tests) - len(scores)
            yield Warned(f"{missing} of the tests have no question of known words: no score")
        metrics |= scores
    return metrics


def refuse_failure(progress: Progress, work: Work) -> None:
    """Do nothing while the training goes well.

    Raises:
        DlkitError: the loss says that it diverged, or nothing was left to learn.

    """
    if progress.words == progress.total and progress.pairs == 0:
        raise DlkitError(
            f"nothing to learn: after subsampling no two of the {work.corpus.words:,} words stand "
            "together in a line",
            hint="raise --sample (0 keeps every word) or give more text",
        )
    if progress.measured and not progress.loss <= _DIVERGED * _ignorance(work):
        raise DlkitError(
            f"training diverged in epoch {progress.epoch + 1} after {progress.words:,} words: "
            f"the loss is {progress.loss:.4g} at learning rate {progress.lr:.4g}",
            hint=f"lower the learning rate: --lr {_lower_lr(work.config)}",
        )


def _lower_lr(config: Word2vecConfig) -> float:
    usual = usual_lr(config.model)
    return usual if usual < config.first_lr else config.first_lr / 2


def _ignorance(work: Work) -> float:
    """About the loss of a model that has learnt nothing."""
    if work.config.loss == "ns":
        return (1 + work.config.negative) * math.log(2)
    return 2 + math.log(len(work.corpus.vocabulary))
