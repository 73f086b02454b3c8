"""The one loop that every supervised network is trained by: a generator of records."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dlkit.records import Epoch, Noted, Record, Step, Warned
from dlkit.training import failures, machine, modes, penalties, seeding, tally
from dlkit.training import state as states
from dlkit.training.judging import Judge, Judged, judge_batches
from dlkit.training.saving import Saving
from dlkit.training.state import Progress, State
from dlkit.training.steps import Seen, Steps

if TYPE_CHECKING:
    from torch import nn

    from dlkit.signals import Stop
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.losses import Loss
    from dlkit.training.saving import Keep

_TOLD_EVERY: Final = 0.1  # seconds
_READ_EVERY: Final = 16  # steps; reading takes time, and a GPU waits for it


@dataclass(frozen=True)
class Fitted:
    """What became of a training.

    Attributes:
        history: of each epoch ``{"epoch": n, **metrics}``, what another run gives again.
        best_epoch: whose weights the network has now, from 1.
        epochs: how many were trained.
        stopped_early: whether the validation loss had not become better for ``patience`` epochs.
        seconds: of all stretches of the training.
        batch_size: most samples at once; fewer than asked for where memory ran out.

    """

    history: list[dict[str, Any]]
    best_epoch: int
    epochs: int
    stopped_early: bool
    seconds: float
    batch_size: int


def fit(
    model: nn.Module,
    batches: Batches,
    *,
    config: TrainingConfig,
    loss: Loss,
    validate: Batches | Judge | None = None,
    state: State | None = None,
    stop: Stop | None = None,
    keep: Keep | None = None,
    lr_factors: Mapping[str, float] | None = None,
) -> Generator[Record, None, Fitted]:
    """Train ``model`` in place; it ends with its best weights, or the last without ``validate``.

    Weights of convolutions are laid out channels last in memory and stay so.

    The best are those of the epoch with the least validation loss, or the least worth that a judge
    gives, where ``ema`` is asked for the averages. PyTorch's own generators are seeded anew in each
    epoch; their state before the call comes back at the end.

    Args:
        model: a network; ``model(*inputs)`` gives what ``loss`` takes. Its own first weights.
        batches: of ``config.batch_size * config.accumulate`` samples.
        config: how; its optimizer is not lbfgs.
        loss: of a batch.
        validate: samples to judge each epoch by, or what judges the network after each.
        state: where to go on, as ``keep`` was given it.
        stop: asks to stop, or to save.
        keep: takes the checkpoints.
        lr_factors: what the learning rate of some parameters is multiplied by, by a pattern of
            their names such as ``*.norm.bias``; of several that fit the first counts.

    Raises:
        DlkitError: the training diverged, memory does not suffice, the device is not there.
        StoppedError: a signal came; a checkpoint was saved if there is ``keep``.
        ValueError: ``state`` is of another training; a pattern fits no trained parameter.

    """
    assert config.optimizer != "lbfgs", "lbfgs.minimise trains by all samples at once"
    with machine.arranged(config):
        before = seeding.generator_states()
        try:
            modes.learn(machine.laid_out(model.to(config.device)))
            work = _Work(model, batches, config, loss, validate, state, stop, keep, lr_factors)
            yield from work.run()
            return work.finish()
        finally:
            seeding.set_generator_states(before)


class _Work:
    """A training that runs: what ``fit`` was given, and where it is."""

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainingConfig,
        loss: Loss,
        validate: Batches | Judge | None,
        state: State | None,
        stop: Stop | None,
        keep: Keep | None,
        lr_factors: Mapping[str, float] | None,
    ) -> None:
        to = getattr(loss, "to", None)
        self.loss: Loss = loss if to is None else to(config.device)
        self.model, self.batches, self.config = model, batches, config
        self.validate = validate
        self.steps = Steps(model, batches, self.loss, config, lr_factors)
        self.progress = Progress()
        self._resumed = state
        if state is not None:
            self.progress = states.restore(state, self.steps, batches)
        self.saving = Saving(keep, stop, minutes=config.checkpoint_minutes, capture=self._captured)
        self._unread: list[Seen] = []
        self._clock = time.perf_counter()
        self._told = self._clock
        self._begun, self._samples = self._clock, 0

    def run(self) -> Iterator[Record]:
        """Train to the end."""
        progress, config = self.progress, self.config
        if self.batches.mixes and self._goes_on:
            yield Noted(
                "labels are mixed: the training accuracy counts of each image the share that the "
                "answered class has in it"
            )
        while self._goes_on:
            begun = time.perf_counter()
            yield from self._epoch()
            metrics = self._judged()
            progress.epoch, progress.step = progress.epoch + 1, 0
            progress.loss, progress.measured, progress.seen = 0.0, 0, 0
            self._count_seconds()
            progress.history.append({"epoch": progress.epoch, **metrics})
            yield Epoch(progress.epoch, config.epochs, time.perf_counter() - begun, metrics)
            yield from self.saving.after_epoch()
        if progress.over:
            yield Noted(f"stopped early: {progress.best_of} was in epoch {progress.best_epoch}")

    @property
    def _goes_on(self) -> bool:
        return self.progress.epoch < self.config.epochs and not self.progress.over

    def _epoch(self) -> Iterator[Record]:
        """The rest of an epoch's batches."""
        progress, batches = self.progress, self.batches
        if self._resumed is not None and progress.step:
            states.restore_generators(self._resumed)
        else:
            seed = seeding.epoch_seed(batches.seed, progress.epoch)
            seeding.seed_generators(seed, self.config.device)
        self._resumed = None
        first = progress.epoch * len(batches)
        for batch in batches.at(progress.epoch, progress.step):
            self._unread.append(self.steps.step(batch, first + progress.step))
            progress.step += 1
            if len(self._unread) >= _READ_EVERY:
                self._read()
            now = time.perf_counter()
            if self.steps.notes:
                yield from map(Warned, self.steps.notes)
                self.steps.notes.clear()
            if now - self._told > _TOLD_EVERY:
                self._read()
                self._told = now
                yield self._step(now)
            yield from self.saving.after_step(first + progress.step)
        self._read()
        failures.refuse_weights(self.model, progress)

    def _read(self) -> None:
        """Take in what the steps since the last call saw.

        Raises:
            DlkitError: a loss or a gradient is no number any more.

        """
        tally.add(self._unread, self.progress, self.steps, len(self.batches))
        self._unread.clear()

    def _step(self, now: float) -> Step:
        progress, samples = self.progress, self.batches.samples
        done = progress.epoch * samples + progress.seen
        if not self._samples:
            self._begun, self._samples = now, done or 1
        return Step(
            "training",
            done,
            self.config.epochs * samples,
            "samples",
            (done - self._samples) / max(now - self._begun, 1e-9),
            {
                "loss": progress.loss / max(progress.seen, 1),
                "lr": self.steps.lr(progress.epoch * len(self.batches) + progress.step - 1),
            },
        )

    def _judged(self) -> dict[str, float]:
        """The metrics of the epoch that is done; the best weights are kept."""
        progress, config = self.progress, self.config
        failures.refuse_divergence(progress, self.steps)
        metrics = {"loss": progress.loss / progress.seen}
        if self.loss.measure is not None:
            metrics[self.loss.measure] = progress.measured / progress.seen
        metrics["lr"] = self.steps.lr(progress.epoch * len(self.batches) + progress.step - 1)
        if config.l1 or config.l2:
            metrics["penalty"] = penalties.penalty(self.steps.weights, l2=config.l2, l1=config.l1)
        if self.validate is None:
            progress.best_epoch = progress.epoch + 1
            return metrics
        average = self.steps.average
        if average is not None:
            with average.applied():
                judged = self._validated()
        else:
            judged = self._validated()
        progress.over = (
            config.patience is not None
            and progress.epoch + 1 - progress.best_epoch >= config.patience
        )
        return metrics | judged

    def _validated(self) -> dict[str, float]:
        """Judge the weights that the network has; keep them if they are the best."""
        progress = self.progress
        judged = self._asked()
        failures.refuse_validation(judged, progress)
        progress.best_of = judged.best_of
        if progress.best_worth is None or judged.worth < progress.best_worth:
            progress.best_worth, progress.best_epoch = judged.worth, progress.epoch + 1
            self._keep_best()
        return judged.metrics

    def _asked(self) -> Judged:
        assert self.validate is not None
        if callable(self.validate):
            return self.validate(self.model)
        return judge_batches(self.model, self.validate, loss=self.loss, config=self.config)

    def _keep_best(self) -> None:
        own, best = self.model.state_dict(), self.progress.best
        for name, tensor in own.items():
            if name in best:
                best[name].copy_(tensor)
            else:
                best[name] = tensor.detach().clone()

    def _captured(self) -> State:
        """The training as it is, sound."""
        self._read()
        self._count_seconds()
        failures.refuse_weights(self.model, self.progress)
        return states.capture(self.steps, self.batches, self.progress)

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.progress.seconds += now - self._clock
        self._clock = now

    def finish(self) -> Fitted:
        """Give the network its best weights."""
        progress = self.progress
        if progress.best:
            self.model.load_state_dict(progress.best)
        elif self.steps.average is not None:
            self.steps.average.settle()
        self._count_seconds()
        return Fitted(
            progress.history,
            progress.best_epoch,
            progress.epoch,
            progress.over,
            progress.seconds,
            self.steps.size,
        )
