"""The trainer of word2vec in PyTorch: full softmax, GPUs, and machines without numba.

The same words, windows and learning rates as the compiled trainer, but gradients are
summed over a batch of up to some hundred positions before they are applied, and the noise words
of negative sampling are shared by the batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.batched.steps import LONGEST, RUN, Context, Loss, Model, Steps
from dlkit.word2vec.trainer import Ids, Progress, Vectors

REPORTS_EVERY: Final = 0.2  # seconds
PIECE: Final = 1 << 15  # ids that are cut into windows at once; pieces begin at its multiples
STATE_FORMAT: Final = 1
# Places in the array ``counters`` of a state.
POSITION: Final = 0  # in the stream: where the next batch begins
WORDS: Final = 1  # raw words read, over all epochs
UNITS: Final = 2  # pairs (skip-gram) or windows (CBOW) trained, over all epochs
MEASURED: Final = 3  # of those, how many are in the loss sum of this epoch
COUNTERS: Final = 4


class TorchTrainer:
    """Trains input and output vectors of V words on a stream of ids.

    The result depends on the arguments, the device and the number of threads alone, bit for bit,
    however often training is paused and restored; but on a GPU sums are added in no fixed order.

    Args:
        ids: (N,) int32 ids, -1 ends a line; may be memory-mapped. Windows never cross the end of
            a line. It must not change while training runs.
        counts: (V,) how often each word occurs.
        model: contexts predict by themselves (``skipgram``) or together (``cbow``).
        dim: D, floats of a vector.
        window: the largest number of words to either side; each centre draws its own from 1 up.
        negative: words to push away for each centre; used by negative sampling only.
        sample: threshold of subsampling; 0 keeps all words.
        lr: learning rate at the start.
        min_lr: learning rate at the end.
        epochs: passes over the stream.
        threads: threads of PyTorch on the CPU.
        seed: of everything random.
        loss: negative sampling, hierarchical softmax or the softmax over the whole vocabulary.
        context: whether CBOW predicts from the mean or the sum of the contexts.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of
            range, a device that is not there.

    """

    def __init__(
        self,
        ids: Ids,
        counts: npt.NDArray[np.int64],
        *,
        model: Model,
        dim: int,
        window: int,
        negative: int,
        sample: float,
        lr: float,
        min_lr: float,
        epochs: int,
        threads: int,
        seed: int,
        loss: Loss = "ns",
        context: Context = "mean",
        device: str = "cpu",
    ) -> None:
        import torch

        from dlkit.word2vec.batched import batches
        from dlkit.word2vec.kernels import checks, memory, stream

        _check_choices(loss, context, device)
        checks.check_settings(
            model=model, loss="ns", dim=dim, window=window, negative=negative, sample=sample,
            lr=lr, min_lr=min_lr, epochs=epochs, threads=threads, seed=seed,
        )  # fmt: skip
        self._counts = checks.checked_counts(counts)
        vocabulary = len(self._counts)
        self._ids, self._words = checks.checked_ids(ids, vocabulary)
        self._settings = {
            "trainer": "torch", "model": model, "loss": loss, "context": context, "dim": dim,
            "window": window, "negative": negative, "sample": sample, "lr": lr, "min_lr": min_lr,
            "seed": seed, "vocabulary": vocabulary, "stream": len(self._ids),
        }  # fmt: skip
        self._model, self._loss, self._context = model, loss, context
        self._window, self._negative = window, negative
        self._lr, self._min_lr, self._epochs, self._seed = lr, min_lr, epochs, seed
        self._device, self._threads = device, threads
        self._total = self._words * epochs
        self._keep = stream.keep_thresholds(self._counts, sample=sample)
        self._length = batches.length(self._counts, self._keep, epochs=epochs, most=LONGEST)
        start = memory.initial_inputs(vocabulary, dim, seed)[:, :dim]
        self._inputs = torch.from_numpy(start.copy()).to(device)
        self._outputs = torch.zeros_like(self._inputs)
        self._steps = Steps(
            self._inputs, self._outputs, self._counts, model=model, loss=loss, context=context,
            window=window, negative=negative, length=self._length, seed=seed,
        )  # fmt: skip
        if self._steps.fused:  # so many programs are at work at once as a batch has positions
            self._length *= RUN
        self._counters = np.zeros(COUNTERS, np.int64)
        self._sum = torch.zeros((), dtype=_sum_type(device), device=device)
        self._epoch = 0
        self._paused = threading.Event()

    @property
    def inputs(self) -> Vectors:
        """(V, D) input vectors, a view on the CPU and a copy elsewhere: the word vectors kept."""
        vectors: Vectors = self._inputs.cpu().numpy()
        return vectors

    @property
    def outputs(self) -> Vectors:
        """(V, D) output vectors, a view on the CPU and a copy elsewhere.

        With hierarchical softmax row i is that of inner node i, the root first; the last is zero.
        """
        vectors: Vectors = self._outputs.cpu().numpy()
        return vectors

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._epoch >= self._epochs

    def start_from(self, rows: Vectors, outputs: Vectors | None) -> None:
        """Begin with given input vectors (V, D), and outputs; NaN leaves a row as it is."""
        import torch

        for matrix, given in ((self._inputs, rows), (self._outputs, outputs)):
            if given is not None:
                new = torch.from_numpy(np.array(given, np.float32)).to(self._device)
                known = ~new[:, :1].isnan()
                matrix.copy_(torch.where(known, new, matrix))

    def compile(self) -> None:
        """Nothing is compiled; here because the compiled trainer has it."""

    def pause(self) -> None:
        """Make ``run`` return after the next batch; may be called anywhere."""
        self._paused.set()

    def run(self) -> Iterator[Progress]:
        """Train from the current state to the end, or until ``pause`` is called.

        Yields about five times a second and at the end of each epoch. A later ``run`` goes on.
        """
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            with torch.no_grad():
                while not self.finished:
                    yield from self._run_epoch()
                    paused = self._paused.is_set()
                    self._paused.clear()
                    done = int(self._counters[POSITION]) == len(self._ids)
                    progress = self._progress(epoch_done=done)
                    if done:
                        self._begin_epoch(self._epoch + 1)
                    yield progress
                    if paused:
                        return
        finally:
            torch.set_num_threads(before)

    def _run_epoch(self) -> Iterator[Progress]:
        """Train batch by batch to the end of the epoch or a pause, reporting meanwhile."""
        from dlkit.word2vec.kernels import memory

        told = time.monotonic()
        while self._counters[POSITION] < len(self._ids) and not self._paused.is_set():
            for _ in self._train_piece():
                if self._paused.is_set():
                    break
                if time.monotonic() - told > REPORTS_EVERY:
                    memory.release_pages(self._ids)
                    yield self._progress(epoch_done=False)
                    told = time.monotonic()

    def _train_piece(self) -> Iterator[None]:
        """Train on what is left of the piece that the position is in; stops after each batch."""
        from dlkit.word2vec.batched import batches

        start = int(self._counters[POSITION])
        stop = min((start // PIECE + 1) * PIECE, len(self._ids))
        keys = np.random.SeedSequence([self._seed, self._epoch]).generate_state(2, np.uint64)
        piece = batches.read_piece(
            self._ids, start, stop, key=keys[0], keep=self._keep, window=self._window
        )
        step = self._steps.of(piece, start, keys[1])
        units = np.cumsum(self._steps.units(piece))
        words, trained = int(self._counters[WORDS]), int(self._counters[UNITS])
        before = int(units[piece.first - 1]) if piece.first else 0
        for first in range(piece.first, piece.last, self._length):
            last = min(first + self._length, piece.last)
            self._sum += step(first, last, self._learning_rate())
            units_now = trained + int(units[last - 1]) - before
            self._counters[MEASURED] += units_now - self._counters[UNITS]
            self._counters[UNITS] = units_now
            self._counters[WORDS] = words + int(piece.read[last - 1])
            self._counters[POSITION] = piece.positions[last - 1] + 1
            if last < piece.last:
                yield
        self._counters[WORDS] = words + int(np.count_nonzero(self._ids[start:stop] >= 0))
        self._counters[POSITION] = stop
        yield

    def held_out_loss(self, ids: Ids) -> float:
        """Mean loss of a pair (skip-gram) or window (CBOW) of another stream of ids.

        The same draws at every call: comparable between epochs. NaN if the stream has no pair.
        """
        from dlkit.word2vec.kernels import checks
        from dlkit.word2vec.kernels.heldout import held_out_loss

        ids, _ = checks.checked_ids(ids, len(self._counts))
        return held_out_loss(
            ids, self.inputs, self.outputs, self._counts, keep=self._keep, model=self._model,
            window=self._window, negative=self._negative, loss=self._loss,
            context=self._context, paths=self._steps.paths,
        )  # fmt: skip

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly.

        Call it while ``run`` is not running. Arrays may share memory with the trainer: write or
        copy them before it runs again.
        """
        arrays: dict[str, np.ndarray] = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "counters": self._counters.copy(),
            "losses": np.array([float(self._sum)]),
        }
        settings = {**self._settings, "threads": self._threads}
        return arrays, {"format": STATE_FORMAT, "epoch": self._epoch, "settings": settings}

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned, of a trainer with the same stream and settings.

        Only ``epochs``, ``threads`` and ``device`` may differ. The learning rate then falls over
        the new length.

        Raises:
            ValueError: the state is of another trainer, or damaged. Nothing was changed then.

        """
        import torch

        if scalars.get("format") != STATE_FORMAT:
            raise ValueError(f"state has format {scalars.get('format')!r}, not {STATE_FORMAT}")
        differing = [
            name
            for name, value in self._settings.items()
            if scalars.get("settings", {}).get(name) != value
        ]
        if differing:
            raise ValueError(f"state is of a run with another {', '.join(differing)}")
        self._check_state(arrays)
        self._inputs.copy_(torch.from_numpy(np.ascontiguousarray(arrays["inputs"])))
        self._outputs.copy_(torch.from_numpy(np.ascontiguousarray(arrays["outputs"])))
        self._counters[:] = arrays["counters"]
        self._sum.fill_(float(arrays["losses"][0]))
        self._epoch = int(scalars["epoch"])

    def _check_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise ValueError unless ``arrays`` are a state of this trainer."""
        shape = (len(self._counts), self._settings["dim"])
        expected: dict[str, tuple[tuple[Any, ...], type[np.generic]]] = {
            "inputs": (shape, np.float32),
            "outputs": (shape, np.float32),
            "counters": ((COUNTERS,), np.int64),
            "losses": ((1,), np.float64),
        }
        for name, (size, kind) in expected.items():
            array = arrays.get(name)
            if array is None or array.shape != size or array.dtype != kind:
                raise ValueError(f"state has no array {name} of shape {size} and {kind.__name__}")
        counters = arrays["counters"]
        if np.any(counters < 0) or counters[POSITION] > len(self._ids):
            raise ValueError("state has a counter out of range")

    def _begin_epoch(self, epoch: int) -> None:
        """Go to the start of the stream and forget the last epoch's loss."""
        self._epoch = epoch
        self._counters[[POSITION, MEASURED]] = 0
        self._sum.zero_()

    def _learning_rate(self) -> float:
        """Linear from ``lr`` to ``min_lr`` with the words that were read."""
        share = int(self._counters[WORDS]) / self._total if self._total else 1.0
        return self._lr - (self._lr - self._min_lr) * min(share, 1.0)

    def _progress(self, *, epoch_done: bool) -> Progress:
        measured = int(self._counters[MEASURED])
        return Progress(
            epoch=self._epoch,
            words=int(self._counters[WORDS]),
            total=self._total,
            loss=float(self._sum) / measured if measured else float("nan"),
            lr=self._learning_rate(),
            epoch_done=epoch_done,
            pairs=int(self._counters[UNITS]),
            measured=measured,
        )


def _sum_type(device: str) -> Any:
    """The type of a sum of losses: float64 where the device has it."""
    import torch

    return torch.float32 if device == "mps" else torch.float64


def _check_choices(loss: str, context: str, device: str) -> None:
    """Raise ValueError for a setting that only this trainer has and cannot take."""
    import torch

    if loss not in ("ns", "hs", "softmax"):
        raise ValueError(f"loss must be ns, hs or softmax, not {loss!r}")
    if context not in ("mean", "sum"):
        raise ValueError(f"context must be mean or sum, not {context!r}")
    if device not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device must be cpu, cuda or mps, not {device!r}")
    if (device == "cuda" and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    ):
        raise ValueError(f"device {device} is not there")
