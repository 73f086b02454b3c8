"""The trainer of word2vec in PyTorch: full softmax, GPUs, and machines without numba.

The same words, windows and learning rates as the compiled trainer, but gradients are
summed over a batch of up to some hundred positions before they are applied, and the noise words
of negative sampling are shared by the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from dlkit.word2vec.batched import devices, state
from dlkit.word2vec.batched.ngrams import Composition
from dlkit.word2vec.batched.state import COUNTERS, MEASURED, POSITION, UNITS, WORDS, Stretches
from dlkit.word2vec.batched.steps import LONGEST, RUN, Steps
from dlkit.word2vec.epochs import Counted, EpochTrainer
from dlkit.word2vec.kernels.checks import require_arrays

if TYPE_CHECKING:
    from dlkit.word2vec.trainer import Context, Ids, Loss, Model, NGrams, Progress, Vectors

REPORTS_EVERY: Final = 0.2  # seconds
PIECE: Final = 1 << 15  # ids that are cut into windows at once; pieces begin at its multiples


class TorchTrainer(EpochTrainer):
    """Trains input and output vectors of V words on a stream of ids.

    The result depends on the arguments, the device and the number of threads alone, bit for bit,
    however often training is paused and restored; but on a GPU sums are added in no fixed order.

    Args:
        ids: (N,) int32 ids, -1 ends a line; may be memory-mapped. Windows never cross the end of
            a line. It must not change while training runs.
        counts: (V,) how often each word occurs.
        model: contexts predict by themselves (``skipgram``) or together (``cbow``).
        dim: D, floats of a vector.
        window: the largest number of words to either side.
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
        ngrams: rows that words are made of; None: each is a row.
        noise_exponent: noise words are drawn by ``counts ** noise_exponent``.
        fixed_window: each centre has the whole window, else it draws its own from 1 up.
        freeze: the rows of the inputs that ``start_from`` gives are kept as they are.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of
            range, a device that is not there.

    """

    state_format: ClassVar = 2

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
        ngrams: NGrams | None = None,
        noise_exponent: float = 0.75,
        fixed_window: bool = False,
        freeze: bool = False,
    ) -> None:
        import torch

        from dlkit.word2vec.batched import batches
        from dlkit.word2vec.kernels import memory

        devices.check(device)
        super().__init__(
            ids, counts, model=model, loss=loss, context=context, dim=dim, window=window,
            negative=negative, sample=sample, lr=lr, min_lr=min_lr, epochs=epochs,
            threads=threads, seed=seed, ngrams=ngrams, noise_exponent=noise_exponent,
            fixed_window=fixed_window, freeze=freeze,
        )  # fmt: skip
        self._settings["trainer"] = "torch"
        self._device = device
        self._composition = self._ngrams and Composition(self._ngrams, device)
        self._length = batches.length(
            self._counts, self._keep, epochs=epochs, most=LONGEST, ngrams=self._ngrams
        )
        rows = len(self._counts) + (ngrams.number if ngrams else 0)
        start = memory.initial_inputs(rows, dim, seed)[:, :dim]
        self._inputs = torch.from_numpy(start.copy()).to(device)
        self._outputs = self._inputs.new_zeros(len(self._counts), dim)
        # On the device; on the CPU the memory of ``_frozen`` itself.
        self._frozen_rows = None if self._frozen is None else torch.from_numpy(self._frozen)
        if self._frozen_rows is not None:
            self._frozen_rows = self._frozen_rows.to(device)
        self._steps = Steps(
            self._inputs, self._outputs, self._counts, model=model, loss=loss, context=context,
            window=window, negative=negative, length=self._length, seed=seed,
            noise_exponent=noise_exponent, frozen=self._frozen_rows, composition=self._composition,
        )  # fmt: skip
        self._paths = self._steps.paths
        if self._steps.fused:  # so many programs are at work at once as a batch has positions
            self._length *= RUN
        self._counters = np.zeros(COUNTERS, np.int64)
        self._stretches = Stretches(None, len(self._ids))
        self._sum = torch.zeros((), dtype=devices.sum_type(device), device=device)

    @property
    def inputs(self) -> Vectors:
        """(V, D) input vectors: the word vectors kept.

        A view where words are rows on the CPU, else a copy.
        """
        if self._composition is None:
            return self.rows
        vectors: Vectors = self._composition.all(self._inputs).cpu().numpy()
        return vectors

    @property
    def rows(self) -> Vectors:
        """(V + n-grams, D) the rows that words are made of, a view on the CPU, else a copy."""
        rows: Vectors = self._inputs.cpu().numpy()
        return rows

    @property
    def outputs(self) -> Vectors:
        """(V, D) output vectors, a view on the CPU and a copy elsewhere.

        With hierarchical softmax row i is that of inner node i, the root first; the last is zero.
        """
        vectors: Vectors = self._outputs.cpu().numpy()
        return vectors

    def start_from(self, rows: Vectors, outputs: Vectors | None) -> None:
        """Begin with given rows of the input matrix, and outputs; NaN leaves a row as it is."""
        import torch

        for matrix, given in ((self._inputs, rows), (self._outputs, outputs)):
            if given is not None:
                new = torch.from_numpy(np.array(given, np.float32)).to(self._device)
                known = ~new[:, :1].isnan()
                matrix.copy_(torch.where(known, new, matrix))
        self._freeze(~np.isnan(rows[:, 0]))

    def _freeze(self, rows: npt.NDArray[Any]) -> None:
        import torch

        super()._freeze(rows)
        if self._frozen is not None and self._frozen_rows is not None:
            self._frozen_rows.copy_(torch.from_numpy(self._frozen))

    def compile(self) -> None:
        """Nothing is compiled; here because the compiled trainer has it."""

    def run(self) -> Iterator[Progress]:
        """Train from the current state to the end, or until ``pause`` is called.

        Yields about five times a second and at the end of each epoch. A later ``run`` goes on.
        """
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            with torch.no_grad():
                yield from super().run()
        finally:
            torch.set_num_threads(before)

    def _run_epoch(self) -> Iterator[Progress]:
        """Train batch by batch to the end of the epoch or a pause, reporting meanwhile."""
        from dlkit.word2vec.kernels import memory

        told = time.monotonic()
        while not self._epoch_done() and not self._paused.is_set():
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
        stop = min((start // PIECE + 1) * PIECE, self._stretches.stop(start))
        keys = np.random.SeedSequence([self._seed, self._epoch]).generate_state(2, np.uint64)
        piece = batches.read_piece(
            self._ids, start, stop, key=keys[0], keep=self._keep, window=self._window,
            fixed=self._fixed_window,
        )  # fmt: skip
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
        self._counters[POSITION] = self._stretches.following(stop)
        yield

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly.

        Call it while ``run`` is not running. Arrays may share memory with the trainer: write or
        copy them before it runs again.
        """
        arrays: dict[str, np.ndarray] = {
            "inputs": self.rows,
            "outputs": self.outputs,
            "counters": self._counters.copy(),
            "losses": np.array([float(self._sum)]),
            **self._frozen_state(),
        }
        if self._stretches.bounds is not None:
            arrays["stretches"] = self._stretches.bounds
        return arrays, self._scalars(threads=self._threads)

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned, of a trainer with the same stream and settings.

        Only ``epochs``, ``threads`` and ``device`` may differ. The learning rate then falls over
        the new length. A state of the compiled trainer will do, too.

        Raises:
            ValueError: the state is of another trainer, or damaged. Nothing was changed then.

        """
        import torch

        if state.is_of_kernels(scalars):
            arrays, scalars = state.from_kernels(
                arrays, scalars, ids=self._ids, keep=self._keep, seed=self._seed,
                window=self._window,
            )  # fmt: skip
        epoch = self._checked_epoch(scalars)
        matrices = {"inputs": self._inputs, "outputs": self._outputs}
        require_arrays(
            arrays, {name: (tuple(each.shape), np.float32) for name, each in matrices.items()}
        )
        stretches = state.check_counters(arrays, len(self._ids))
        if (frozen := self._checked_frozen(arrays)) is not None:
            self._freeze(frozen)
        self._inputs.copy_(torch.from_numpy(np.ascontiguousarray(arrays["inputs"])))
        self._outputs.copy_(torch.from_numpy(np.ascontiguousarray(arrays["outputs"])))
        self._counters[:] = arrays["counters"]
        self._sum.fill_(float(arrays["losses"][0]))
        self._epoch, self._stretches = epoch, stretches

    def _begin_epoch(self, epoch: int) -> None:
        """Go to the start of the stream and forget the last epoch's loss."""
        self._epoch = epoch
        self._counters[[POSITION, MEASURED]] = 0
        self._stretches = Stretches(None, len(self._ids))
        self._sum.zero_()

    def _epoch_done(self) -> bool:
        return int(self._counters[POSITION]) == len(self._ids)

    def _words_read(self) -> int:
        return int(self._counters[WORDS])

    def _counted(self) -> Counted:
        words, units, measured = (int(self._counters[i]) for i in (WORDS, UNITS, MEASURED))
        loss = float(self._sum) / measured if measured else float("nan")
        return Counted(words, units, measured, loss)
