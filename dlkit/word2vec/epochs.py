"""What the trainers of word vectors do alike: settings, epochs, pauses, progress, states."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from dlkit.word2vec.trainer import Context, Ids, Loss, Model, NGrams, Progress, Vectors

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.word2vec.huffman import Paths


class Counted(NamedTuple):
    """What a trainer has counted.

    Attributes:
        words: raw words read, over all epochs.
        units: pairs (skip-gram) or windows (CBOW) trained, over all epochs.
        measured: of those, how many ``loss`` is of.
        loss: the mean loss since the epoch began; NaN if none was measured.

    """

    words: int
    units: int
    measured: int
    loss: float


class EpochTrainer(ABC):
    """Trains epoch by epoch; can be paused, saved and restored between two steps.

    Its arguments are described where they are given: ``KernelTrainer``, ``TorchTrainer``.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of range.

    """

    state_format: ClassVar[int]
    """The format of what ``state`` returns."""

    def __init__(
        self,
        ids: Ids,
        counts: npt.NDArray[np.int64],
        *,
        model: Model,
        loss: Loss,
        context: Context,
        dim: int,
        window: int,
        negative: int,
        sample: float,
        lr: float,
        min_lr: float,
        epochs: int,
        threads: int,
        seed: int,
        ngrams: NGrams | None,
        noise_exponent: float,
        fixed_window: bool,
        freeze: bool,
    ) -> None:
        from dlkit.word2vec.kernels import checks, stream

        checks.check_settings(
            model=model, loss=loss, context=context, dim=dim, window=window,
            negative=negative, sample=sample, lr=lr, min_lr=min_lr, epochs=epochs,
            threads=threads, seed=seed, noise_exponent=noise_exponent,
        )  # fmt: skip
        self._counts = checks.checked_counts(counts)
        vocabulary = len(self._counts)
        self._ids, self._words = checks.checked_ids(ids, vocabulary)
        self._ngrams = checks.checked_ngrams(ngrams, vocabulary)
        self._settings: dict[str, Any] = {
            "model": model, "loss": loss, "context": context, "dim": dim, "window": window,
            "negative": negative, "sample": sample, "lr": lr, "min_lr": min_lr, "seed": seed,
            "vocabulary": vocabulary, "stream": len(self._ids),
            "ngrams": ngrams.number if ngrams else None, "noise_exponent": noise_exponent,
            "fixed_window": fixed_window, "freeze": freeze,
        }  # fmt: skip
        self._model, self._loss, self._context, self._dim = model, loss, context, dim
        self._window, self._fixed_window = window, fixed_window
        self._negative, self._exponent = negative, noise_exponent
        self._lr, self._min_lr, self._epochs, self._seed = lr, min_lr, epochs, seed
        self._threads = threads
        self._total = self._words * epochs
        self._keep = stream.keep_thresholds(self._counts, sample=sample)
        rows = vocabulary + (ngrams.number if ngrams else 0)
        self._frozen = np.zeros(rows, np.uint8) if freeze else None
        self._paths: Paths | None = None
        self._epoch = 0
        self._paused = threading.Event()

    @property
    @abstractmethod
    def inputs(self) -> Vectors:
        """(V, D) input vectors: the word vectors that are kept."""

    @property
    @abstractmethod
    def outputs(self) -> Vectors:
        """(V, D) output vectors."""

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._epoch >= self._epochs

    def pause(self) -> None:
        """Make ``run`` return after the next step; may be called anywhere."""
        self._paused.set()

    def run(self) -> Iterator[Progress]:
        """Train from the current state to the end, or until ``pause`` is called.

        Yields about five times a second and at the end of each epoch. A generator that is closed
        or left by an exception ends all work first. A later ``run`` goes on.
        """
        while not self.finished:
            yield from self._run_epoch()
            paused = self._paused.is_set()
            if paused:
                self._paused.clear()
            done = self._epoch_done()
            progress = self._progress(epoch_done=done)
            if done:
                self._begin_epoch(self._epoch + 1)
            yield progress
            if paused:
                return

    @abstractmethod
    def _run_epoch(self) -> Iterator[Progress]:
        """Train to the end of the epoch or a pause, reporting meanwhile."""

    @abstractmethod
    def _epoch_done(self) -> bool:
        """Whether all of the stream was read in this epoch."""

    @abstractmethod
    def _begin_epoch(self, epoch: int) -> None:
        """Go to the start of the stream and forget the last epoch's loss."""

    @abstractmethod
    def _counted(self) -> Counted:
        """What was counted so far."""

    @abstractmethod
    def _words_read(self) -> int:
        """Raw words read, over all epochs; asked at every step."""

    def _learning_rate(self) -> float:
        """Linear from ``lr`` to ``min_lr`` with the words that were read."""
        share = self._words_read() / self._total if self._total else 1.0
        return self._lr - (self._lr - self._min_lr) * min(share, 1.0)

    def _progress(self, *, epoch_done: bool) -> Progress:
        counted = self._counted()
        return Progress(
            epoch=self._epoch,
            words=counted.words,
            total=self._total,
            loss=counted.loss,
            lr=self._learning_rate(),
            epoch_done=epoch_done,
            pairs=counted.units,
            measured=counted.measured,
        )

    def held_out_loss(self, ids: Ids) -> float:
        """Mean loss of a pair (skip-gram) or window (CBOW) of another stream of ids.

        Subsampled and with windows as in training, but the same draws at every call: comparable
        between epochs. NaN if the stream has no pair.
        """
        from dlkit.word2vec.kernels import checks, heldout

        ids, _ = checks.checked_ids(ids, len(self._counts))
        return heldout.held_out_loss(
            ids, self.inputs, self.outputs, self._counts, keep=self._keep, model=self._model,
            loss=self._loss, context=self._context, window=self._window, negative=self._negative,
            paths=self._paths, fixed_window=self._fixed_window, noise_exponent=self._exponent,
        )  # fmt: skip

    def _freeze(self, rows: npt.NDArray[Any]) -> None:
        """Keep the rows of the inputs that ``rows`` (R,) names, if this training keeps any."""
        if self._frozen is not None:
            self._frozen[:] = rows

    def _frozen_state(self) -> dict[str, np.ndarray]:
        """The arrays of a state that say which rows are kept."""
        return {} if self._frozen is None else {"frozen": self._frozen.copy()}

    def _checked_frozen(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Which rows a state keeps; ValueError if it does not say so."""
        if self._frozen is None:
            return None
        from dlkit.word2vec.kernels.checks import require_arrays

        require_arrays(arrays, {"frozen": (self._frozen.shape, np.uint8)})
        return arrays["frozen"]

    def _scalars(self, **more: object) -> dict[str, Any]:
        """The JSON values of a state, ``more`` among its settings."""
        settings = {**self._settings, **more}
        return {"format": self.state_format, "epoch": self._epoch, "settings": settings}

    def _checked_epoch(self, scalars: Mapping[str, Any]) -> int:
        """The epoch of a state of a trainer with the same stream and settings.

        Raises:
            ValueError: the state is of another trainer, or damaged.

        """
        if (form := scalars.get("format")) != self.state_format:
            raise ValueError(other_format(form, self.state_format))
        differing = [
            name
            for name, value in self._settings.items()
            if scalars.get("settings", {}).get(name) != value
        ]
        if differing:
            raise ValueError(f"state is of a run with another {', '.join(differing)}")
        epoch = scalars.get("epoch")
        if type(epoch) is not int or not 0 <= epoch < 1 << 31:
            raise ValueError(f"state is of epoch {epoch!r}")
        return epoch


def other_format(found: object, known: int) -> str:
    """What is said of a state of format ``found`` where ``known`` is read."""
    return f"its state has format {found!r}, of another version of dlkit; this one reads {known}"
