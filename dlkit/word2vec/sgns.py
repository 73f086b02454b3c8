"""The trainer of negative-sampling word2vec on the CPU: kernels on threads, pause and resume.

Skip-gram and CBOW of Mikolov et al. 2013 (https://arxiv.org/abs/1310.4546) as word2vec.c and
gensim train them: dynamic windows, subsampling, negatives by count ** 0.75, a learning rate that
falls linearly with the words read. What differs: the contexts of a skip-gram window share one
draw of negatives, which are distinct from one another; logits are not cut off at 6.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Vectors = npt.NDArray[np.float32]

REPORTS_EVERY: Final = 0.2  # seconds
LARGEST_CHUNK: Final = 16384  # ids: a few milliseconds
SMALLEST_CHUNK: Final = 64
CHUNKS_PER_RUN: Final = 2000  # the learning rate has at least so many steps where chunks allow
HOT_ROWS: Final = 1024
MEASURED_WINDOWS: Final = 1 << 16  # per epoch, about
LARGEST_STRIDE: Final = 256  # one window in 256 is measured at least
STATE_FORMAT: Final = 1


@dataclass(frozen=True)
class Progress:
    """How far training has come.

    ``words`` counts raw words of the stream over all epochs, of ``total``. ``loss`` is the mean
    of a pair (skip-gram) or window (CBOW) over the ``measured`` ones since the epoch began; NaN if
    none was measured yet, or if the vectors have overflowed.
    ``pairs`` counts the pairs or windows trained over all epochs.
    """

    epoch: int
    words: int
    total: int
    loss: float
    lr: float
    epoch_done: bool
    pairs: int
    measured: int


class NegativeSampling:
    """Trains input and output vectors of V words on a stream of ids.

    With one thread the result depends on the arguments alone, bit for bit, however often training
    is paused and restored. More threads write to the same matrices without locks and are not
    reproducible; each keeps private copies of the most frequent rows.

    Args:
        ids: (N,) int32 ids in order of falling frequency, -1 ends a line; may be memory-mapped.
            Windows never cross the end of a line, nor the places where the stream is cut in
            equal parts for the threads. It must not change while training runs.
        counts: (V,) how often each word occurs.
        model: contexts predict by themselves (``skipgram``) or by their mean (``cbow``).
        dim: D, floats of a vector.
        window: the largest number of words to either side; each centre draws its own from 1 up.
        negative: words to push away for each centre.
        sample: threshold of subsampling; 0 keeps all words.
        lr: learning rate at the start.
        min_lr: learning rate at the end.
        epochs: passes over the stream.
        threads: number of threads.
        seed: of everything random.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of range.

    """

    def __init__(
        self,
        ids: Ids,
        counts: npt.NDArray[np.int64],
        *,
        model: Literal["skipgram", "cbow"],
        dim: int,
        window: int,
        negative: int,
        sample: float,
        lr: float,
        min_lr: float,
        epochs: int,
        threads: int,
        seed: int,
    ) -> None:
        from dlkit.word2vec.kernels import checks, memory, negatives, stream, train

        checks.check_settings(
            model=model, dim=dim, window=window, negative=negative, sample=sample, lr=lr,
            min_lr=min_lr, epochs=epochs, threads=threads, seed=seed,
        )  # fmt: skip
        self._counts = checks.checked_counts(counts)
        vocabulary = len(self._counts)
        self._ids, self._words = checks.checked_ids(ids, vocabulary)
        self._settings = {
            "model": model, "dim": dim, "window": window, "negative": negative,
            "sample": sample, "lr": lr, "min_lr": min_lr, "seed": seed,
            "vocabulary": vocabulary, "stream": len(self._ids),
        }  # fmt: skip
        self._model, self._dim, self._window, self._negative = model, dim, window, negative
        self._lr, self._min_lr, self._epochs, self._seed = lr, min_lr, epochs, seed
        self._total = self._words * epochs
        self._chunk = int(np.clip(self._total // CHUNKS_PER_RUN, SMALLEST_CHUNK, LARGEST_CHUNK))
        self._inputs = memory.initial_inputs(vocabulary, dim, seed)
        self._outputs = memory.aligned(vocabulary, memory.padded(dim))
        # A window has no more distinct negatives than there are other words.
        possible = min(negative, vocabulary - 1)
        self._plan = train.Plan(
            ids=self._ids,
            inputs=self._inputs,
            outputs=self._outputs,
            keep=stream.keep_thresholds(self._counts, sample=sample),
            table=negatives.negative_table(self._counts, seed=seed),
            window=window,
            negative=possible,
            every=int(np.clip(self._words // MEASURED_WINDOWS, 1, LARGEST_STRIDE)),
        )
        self._threads = threads
        self._divide(threads)
        self._epoch = 0
        self._paused = threading.Event()
        self._failure: BaseException | None = None

    def _divide(self, threads: int) -> None:
        """Cut the stream in equal parts, one with its buffers for each thread."""
        from dlkit.word2vec.kernels import memory, train

        self._lanes = [
            train.make_lane(
                dim=memory.padded(self._dim), window=self._window, negative=self._plan.negative,
                chunk=self._chunk, hot=min(HOT_ROWS, len(self._counts)) if threads > 1 else 0,
            )
            for _ in range(threads)
        ]  # fmt: skip
        self._bounds = self._cuts(threads)
        self._positions = self._bounds[:-1].copy()

    def _cuts(self, threads: int) -> npt.NDArray[np.int64]:
        """(threads + 1,) where each thread's part of the stream begins and ends."""
        return np.linspace(0, len(self._ids), threads + 1).astype(np.int64)

    @property
    def inputs(self) -> Vectors:
        """(V, D) input vectors, a view: the word vectors that are kept."""
        return self._inputs[:, : self._dim]

    @property
    def outputs(self) -> Vectors:
        """(V, D) output vectors, a view."""
        return self._outputs[:, : self._dim]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._epoch >= self._epochs

    def compile(self) -> None:
        """Compile the kernels, or load them from the cache, so that ``run`` trains at once."""
        from dlkit.word2vec.kernels import hot, memory, train

        lane = train.make_lane(
            dim=memory.padded(self._dim), window=self._window, negative=self._plan.negative,
            chunk=self._chunk, hot=0,
        )  # fmt: skip
        self._kernel()(self._plan, lane, 0, 0, np.uint64(0), False, np.float32(0))  # noqa: FBT003
        hot.take_rows(self._inputs, lane.hot_inputs, lane.hot_inputs)
        hot.merge_rows(self._inputs, lane.hot_inputs, lane.hot_inputs)

    def _kernel(self) -> Any:
        from dlkit.word2vec.kernels import train

        return train.train_skipgram if self._model == "skipgram" else train.train_cbow

    def pause(self) -> None:
        """Make the threads stop at the next chunk and ``run`` return; may be called anywhere."""
        self._paused.set()

    def run(self) -> Iterator[Progress]:
        """Train from the current state to the end, or until ``pause`` is called.

        Yields about five times a second and at the end of each epoch. A generator that is closed
        or left by an exception stops its threads first. A later ``run`` goes on.
        """
        while not self.finished:
            yield from self._run_epoch()
            if self._failure is not None:
                raise self._failure
            paused = self._paused.is_set()
            self._paused.clear()
            done = bool(np.all(self._positions == self._bounds[1:]))
            progress = self._progress(epoch_done=done)
            if done:
                self._begin_epoch(self._epoch + 1)
            yield progress
            if paused:
                return

    def held_out_loss(self, ids: Ids) -> float:
        """Mean loss of a pair (skip-gram) or window (CBOW) of another stream of ids.

        No subsampling, full windows, the same negatives at every call: comparable between epochs.
        NaN if the stream has no pair.
        """
        from dlkit.word2vec.kernels import checks
        from dlkit.word2vec.kernels.heldout import held_out_loss

        ids, _ = checks.checked_ids(ids, len(self._counts))
        return held_out_loss(
            ids, self.inputs, self.outputs, self._counts, keep=self._plan.keep,
            model=self._model, window=self._window, negative=self._negative,
        )  # fmt: skip

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly.

        Call it while ``run`` is not running. Arrays may share memory with the trainer: write or
        copy them before it runs again.
        """
        from dlkit.word2vec.kernels import train

        held = np.zeros((len(self._lanes), 3, 2 * self._window), np.int32)
        for lane, part in zip(self._lanes, held, strict=True):
            size = lane.cursor[train.HELD]
            part[:, :size] = lane.words[:size], lane.low[:size], lane.high[:size]
        arrays: dict[str, np.ndarray] = {
            "inputs": np.ascontiguousarray(self.inputs),
            "outputs": np.ascontiguousarray(self.outputs),
            "positions": self._positions.copy(),
            "cursors": np.stack([lane.cursor for lane in self._lanes]),
            "losses": np.array([lane.loss[0] for lane in self._lanes]),
            "held": held,
        }
        settings = {**self._settings, "threads": len(self._lanes)}
        return arrays, {"format": STATE_FORMAT, "epoch": self._epoch, "settings": settings}

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned, of a trainer with the same stream and settings.

        Only ``epochs`` and ``threads`` may differ. The learning rate then falls over the new
        length; an epoch that was begun ends on the threads that it began with.

        Raises:
            ValueError: the state is of another trainer, or damaged. Nothing was changed then.

        """
        from dlkit.word2vec.kernels import checks, train

        if scalars.get("format") != STATE_FORMAT:
            raise ValueError(f"state has format {scalars.get('format')!r}, not {STATE_FORMAT}")
        differing = [
            name
            for name, value in self._settings.items()
            if scalars.get("settings", {}).get(name) != value
        ]
        if differing:
            raise ValueError(f"state is of a run with another {', '.join(differing)}")
        threads = scalars["settings"].get("threads")
        if type(threads) is not int or not 1 <= threads <= 1 << 16:
            raise ValueError(f"state is of {threads!r} threads")
        checks.check_state(arrays, self._plan, self._cuts(threads), dim=self._dim)
        self._divide(threads)
        self.inputs[:] = arrays["inputs"]
        self.outputs[:] = arrays["outputs"]
        self._positions[:] = arrays["positions"]
        self._epoch = int(scalars["epoch"])
        for number, lane in enumerate(self._lanes):
            lane.cursor[:] = arrays["cursors"][number]
            lane.loss[0] = arrays["losses"][number]
            size = lane.cursor[train.HELD]
            lane.words[:size], lane.low[:size], lane.high[:size] = arrays["held"][number][:, :size]
        if np.array_equal(self._positions, self._bounds[:-1]):
            self._begin_epoch(self._epoch)

    def _run_epoch(self) -> Iterator[Progress]:
        """Run the threads to the end of the epoch or a pause, reporting meanwhile."""
        from dlkit.word2vec.kernels import memory

        self._failure = None
        workers = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(len(self._lanes))
        ]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join(REPORTS_EVERY)
                while worker.is_alive():
                    memory.release_pages(self._ids)
                    yield self._progress(epoch_done=False)
                    worker.join(REPORTS_EVERY)
        except BaseException:  # the caller left: stop, and be ready to go on
            self._paused.set()
            for worker in workers:
                worker.join()
            self._paused.clear()
            raise

    def _work(self, number: int) -> None:
        """Train one thread's part of the stream from where it stands."""
        from dlkit.word2vec.kernels import hot

        train_piece = self._kernel()
        plan, lane = self._plan, self._lanes[number]
        position, end = int(self._positions[number]), int(self._bounds[number + 1])
        key = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)[0]
        try:
            copies = [
                (plan.inputs, lane.hot_inputs, np.empty_like(lane.hot_inputs)),
                (plan.outputs, lane.hot_outputs, np.empty_like(lane.hot_outputs)),
            ]
            if len(self._lanes) > 1:
                for rows in copies:
                    hot.take_rows(*rows)
            while position < end and not self._paused.is_set() and self._failure is None:
                stop = min(position + self._chunk, end)
                lr = np.float32(self._learning_rate())
                train_piece(plan, lane, position, stop, key, stop == end, lr)
                if len(self._lanes) > 1:
                    for rows in copies:
                        hot.merge_rows(*rows)
                position = stop
                self._positions[number] = position
        except BaseException as error:  # raised again by ``run``
            self._failure = error

    def _begin_epoch(self, epoch: int) -> None:
        """Put every thread at the start of its part and forget the last epoch's loss."""
        from dlkit.word2vec.kernels import train

        self._epoch = epoch
        if len(self._lanes) != self._threads:
            totals = [(place, self._counted(place)) for place in (train.WORDS, train.UNITS)]
            self._divide(self._threads)
            for place, total in totals:
                self._lanes[0].cursor[place] = total
        self._positions[:] = self._bounds[:-1]
        for lane in self._lanes:
            lane.cursor[train.MEASURED] = 0
            lane.loss[0] = 0.0

    def _counted(self, place: int) -> int:
        """The sum of one counter over all threads."""
        return sum(int(lane.cursor[place]) for lane in self._lanes)

    def _learning_rate(self) -> float:
        """Linear from ``lr`` to ``min_lr`` with the words that all threads have read."""
        from dlkit.word2vec.kernels import train

        share = self._counted(train.WORDS) / self._total if self._total else 1.0
        return self._lr - (self._lr - self._min_lr) * min(share, 1.0)

    def _progress(self, *, epoch_done: bool) -> Progress:
        from dlkit.word2vec.kernels import train

        measured = self._counted(train.MEASURED)
        loss = sum(float(lane.loss[0]) for lane in self._lanes)
        return Progress(
            epoch=self._epoch,
            words=self._counted(train.WORDS),
            total=self._total,
            loss=loss / measured if measured else float("nan"),
            lr=self._learning_rate(),
            epoch_done=epoch_done,
            pairs=self._counted(train.UNITS),
            measured=int(measured),
        )
