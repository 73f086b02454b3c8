"""The trainer of word vectors on the CPU: kernels on threads, pause and resume.

Skip-gram and CBOW of Mikolov et al. 2013 (https://arxiv.org/abs/1310.4546) as word2vec.c and
gensim train them: dynamic windows, subsampling, negatives by count ** 0.75 or the paths of a
Huffman tree, a learning rate that falls linearly with the words read. What differs: the contexts of
a skip-gram window share one draw of negatives, which are distinct from one another; logits are not
cut off at 6.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from dlkit.word2vec import huffman
from dlkit.word2vec.rounds import Rounds
from dlkit.word2vec.trainer import Ids, Progress, Vectors

REPORTS_EVERY: Final = 0.2  # seconds
LARGEST_CHUNK: Final = 16384  # ids: a few milliseconds
LARGEST_ROUND: Final = 512  # ids of a lane in a round: few enough that all lanes' copies are fresh
SMALLEST_CHUNK: Final = 64
CHUNKS_PER_RUN: Final = 2000  # the learning rate has at least so many steps where chunks allow
DETERMINISTIC_LANES: Final = 4  # so many threads can share the work
MEASURED_WINDOWS: Final = 1 << 16  # per epoch, about
LARGEST_STRIDE: Final = 256  # one window in 256 is measured at least
STATE_FORMAT: Final = 2


class NGrams(NamedTuple):
    """The rows of the input matrix that each word is the mean of.

    Row w is word w's own, rows V and up are the n-grams'.
    """

    offsets: npt.NDArray[np.int64]  # (V + 1,) where each word's rows begin
    rows: npt.NDArray[np.int32]  # (G,) its own row first
    number: int  # n-gram rows


class KernelTrainer:
    """Trains input and output vectors of V words on a stream of ids.

    With one thread the result depends on the arguments alone, bit for bit, however often training
    is paused and restored. More threads write to the same matrices without locks and are not
    reproducible; each keeps private copies of the most frequent rows. ``deterministic`` training
    gives the same bits with any number of threads.

    Args:
        ids: (N,) int32 ids in order of falling frequency, -1 ends a line; may be memory-mapped.
            Windows never cross the end of a line, nor the places where the stream is cut in
            equal parts for the threads. It must not change while training runs.
        counts: (V,) how often each word occurs.
        model: contexts predict by themselves (``skipgram``) or together (``cbow``).
        loss: ``ns`` negative sampling, ``hs`` hierarchical softmax.
        context: whether CBOW predicts from the ``mean`` or the ``sum`` of its contexts.
        dim: D, floats of a vector.
        window: the largest number of words to either side; each centre draws its own from 1 up.
        negative: words to push away for each centre (``ns``).
        sample: threshold of subsampling; 0 keeps all words.
        lr: learning rate at the start.
        min_lr: learning rate at the end.
        epochs: passes over the stream.
        threads: number of threads.
        seed: of everything random.
        deterministic: the same bits whatever ``threads``.
        ngrams: rows that words are made of; None: each is a row.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of range.

    """

    def __init__(
        self,
        ids: Ids,
        counts: npt.NDArray[np.int64],
        *,
        model: Literal["skipgram", "cbow"],
        loss: Literal["ns", "hs"] = "ns",
        context: Literal["mean", "sum"] = "mean",
        dim: int,
        window: int,
        negative: int,
        sample: float,
        lr: float,
        min_lr: float,
        epochs: int,
        threads: int,
        seed: int,
        deterministic: bool = False,
        ngrams: NGrams | None = None,
    ) -> None:
        from dlkit.word2vec.kernels import checks, memory, stream, train

        checks.check_settings(
            model=model, loss=loss, context=context, dim=dim, window=window,
            negative=negative, sample=sample, lr=lr, min_lr=min_lr, epochs=epochs,
            threads=threads, seed=seed,
        )  # fmt: skip
        self._counts = checks.checked_counts(counts)
        vocabulary = len(self._counts)
        self._ids, self._words = checks.checked_ids(ids, vocabulary)
        self._ngrams = checks.checked_ngrams(ngrams, vocabulary)
        self._settings = {
            "model": model, "loss": loss, "context": context, "dim": dim, "window": window,
            "negative": negative, "sample": sample, "lr": lr, "min_lr": min_lr, "seed": seed,
            "deterministic": deterministic, "vocabulary": vocabulary, "stream": len(self._ids),
            "ngrams": ngrams.number if ngrams else None,
        }  # fmt: skip
        self._model, self._loss, self._context, self._dim = model, loss, context, dim
        self._window, self._negative = window, negative
        self._lr, self._min_lr, self._epochs, self._seed = lr, min_lr, epochs, seed
        self._total = self._words * epochs
        largest = LARGEST_ROUND if deterministic else LARGEST_CHUNK
        self._chunk = int(np.clip(self._total // CHUNKS_PER_RUN, SMALLEST_CHUNK, largest))
        rows = vocabulary + (ngrams.number if ngrams else 0)
        self._inputs = memory.initial_inputs(rows, dim, seed)
        self._outputs = memory.aligned(vocabulary, memory.padded(dim))
        self._paths: huffman.Paths | None = None
        self._plan = train.Plan(
            ids=self._ids,
            keep=stream.keep_thresholds(self._counts, sample=sample),
            targets=self._targets(loss, negative, seed),
            window=window,
            every=int(np.clip(self._words // MEASURED_WINDOWS, 1, LARGEST_STRIDE)),
            mean=context == "mean",
        )
        self._threads, self._deterministic = threads, deterministic
        self._lanes = self._divide(DETERMINISTIC_LANES if deterministic else threads)
        self._epoch = 0
        self._paused = threading.Event()
        self._failure: BaseException | None = None

    def _targets(self, loss: str, negative: int, seed: int) -> Any:
        from dlkit.word2vec.kernels import negatives, targets

        if loss == "hs":
            self._paths = huffman.build(self._counts)
            return targets.paths(*self._paths)
        table = negatives.negative_table(self._counts, seed=seed)
        # A window has no more distinct negatives than there are other words.
        wanted = min(negative, len(self._counts) - 1)
        return targets.negatives(table, wanted, self._outputs.shape[1] * 4)

    def _divide(self, number: int) -> Any:
        from dlkit.word2vec.kernels.lanes import Lanes

        ngrams = self._ngrams and (self._ngrams.offsets, self._ngrams.rows)
        return Lanes(
            self._plan, self._inputs, self._outputs, ngrams,
            number=number, chunk=self._chunk, copied=self._deterministic,
        )  # fmt: skip

    @property
    def inputs(self) -> Vectors:
        """(V, D) input vectors: the word vectors that are kept; a view where words are rows."""
        from dlkit.word2vec.kernels.grams import compose

        if self._ngrams is None:
            return self._inputs[:, : self._dim]
        return compose(self._inputs[:, : self._dim], self._ngrams.offsets, self._ngrams.rows)

    @property
    def outputs(self) -> Vectors:
        """(V, D) output vectors, a view; with hierarchical softmax of inner nodes."""
        return self._outputs[:, : self._dim]

    @property
    def rows(self) -> Vectors:
        """(V + n-grams, D) the rows that words are made of, a view."""
        return self._inputs[:, : self._dim]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._epoch >= self._epochs

    def start_from(self, rows: Vectors, outputs: Vectors | None) -> None:
        """Begin with given rows of the input matrix, and outputs; NaN leaves a row as it is."""
        for matrix, given in ((self.rows, rows), (self.outputs, outputs)):
            if given is not None:
                known = ~np.isnan(given[:, 0])
                matrix[known] = given[known]

    def compile(self) -> None:
        """Compile the kernels, or load them from the cache, so that ``run`` trains at once."""
        from dlkit.word2vec.kernels import rows

        train_piece = self._kernel()
        lane = self._lanes.each[0]
        train_piece(self._plan, lane, 0, 0, np.uint64(0), False, np.float32(0))  # noqa: FBT003
        if self._deterministic:
            rows.find_changes(lane.inputs, 1, np.float32(0))
            rows.add_changes(lane.inputs, 0, 1)
        elif len(self._lanes) > 1:
            rows.take_rows(lane.inputs)
            rows.merge_rows(lane.inputs, 1, np.float32(0))

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
            if paused:
                self._paused.clear()
            done = self._lanes.done
            progress = self._progress(epoch_done=done)
            if done:
                self._begin_epoch(self._epoch + 1)
            yield progress
            if paused:
                return

    def held_out_loss(self, ids: Ids) -> float:
        """Mean loss of a pair (skip-gram) or window (CBOW) of another stream of ids.

        Subsampled and with windows as in training, but the same draws at every call: comparable
        between epochs. NaN if the stream has no pair.
        """
        from dlkit.word2vec.kernels import checks, heldout

        ids, _ = checks.checked_ids(ids, len(self._counts))
        return heldout.held_out_loss(
            ids, self.inputs, self.outputs, self._counts, keep=self._plan.keep,
            model=self._model, loss=self._loss, context=self._context, window=self._window,
            negative=self._negative, paths=self._paths,
        )  # fmt: skip

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly.

        Call it while ``run`` is not running. Arrays may share memory with the trainer: write or
        copy them before it runs again.
        """
        arrays: dict[str, np.ndarray] = {
            "inputs": np.ascontiguousarray(self.rows),
            "outputs": np.ascontiguousarray(self.outputs),
            **self._lanes.state(),
        }
        settings = {**self._settings, "lanes": len(self._lanes)}
        return arrays, {"format": STATE_FORMAT, "epoch": self._epoch, "settings": settings}

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned, of a trainer with the same stream and settings.

        Only ``epochs`` and ``threads`` may differ. The learning rate then falls over the new
        length; an epoch that was begun ends on the threads that it began with.

        Raises:
            ValueError: the state is of another trainer, or damaged. Nothing was changed then.

        """
        from dlkit.word2vec.kernels import checks
        from dlkit.word2vec.kernels.lanes import cuts

        if scalars.get("format") != STATE_FORMAT:
            raise ValueError(f"state has format {scalars.get('format')!r}, not {STATE_FORMAT}")
        differing = [
            name
            for name, value in self._settings.items()
            if scalars.get("settings", {}).get(name) != value
        ]
        if differing:
            raise ValueError(f"state is of a run with another {', '.join(differing)}")
        lanes, epoch = scalars["settings"].get("lanes"), scalars.get("epoch")
        if type(lanes) is not int or not 1 <= lanes <= checks.MOST_LANES:
            raise ValueError(f"state is of {lanes!r} lanes")
        if self._deterministic and lanes != len(self._lanes):
            raise ValueError(f"state is of {lanes} lanes, not {len(self._lanes)}")
        if type(epoch) is not int or not 0 <= epoch < 1 << 31:
            raise ValueError(f"state is of epoch {epoch!r}")
        bounds = cuts(len(self._ids), lanes)
        checks.check_state(arrays, self._plan, bounds, shape=self.rows.shape)
        self._lanes = self._divide(lanes)
        self._lanes.restore(arrays)
        self.rows[:] = arrays["inputs"]
        self.outputs[:] = arrays["outputs"]
        self._epoch = epoch
        if self._lanes.fresh:
            self._begin_epoch(self._epoch)

    def _run_epoch(self) -> Iterator[Progress]:
        """Run the threads to the end of the epoch or a pause, reporting meanwhile."""
        from dlkit.word2vec.kernels import memory

        self._failure = None
        workers = [threading.Thread(target=work, daemon=True) for work in self._works()]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(REPORTS_EVERY)
                while worker.is_alive():
                    memory.release_pages(self._ids)
                    yield self._progress(epoch_done=False)
                    worker.join(REPORTS_EVERY)
        except BaseException:  # the caller left: stop, and be ready to go on
            self._paused.set()
            for worker in workers:
                if worker.ident is not None:
                    worker.join()
            self._paused.clear()
            raise

    def _works(self) -> list[Callable[[], None]]:
        """What each thread does in this epoch."""
        key = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)[0]
        if self._deterministic:
            threads = min(self._threads, len(self._lanes))
            rounds = Rounds(
                self._lanes, self._kernel(), key,
                rate=self._learning_rate, stopping=self._paused.is_set, threads=threads,
            )  # fmt: skip
            return [partial(self._guarded, rounds.work, number) for number in range(threads)]
        return [
            partial(self._guarded, self._share, number, key) for number in range(len(self._lanes))
        ]

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """Do a thread's work; an exception is raised again by ``run``."""
        try:
            work(*arguments)
        except BaseException as error:
            self._failure = error

    def _share(self, number: int, key: np.uint64) -> None:
        """Train one thread's part of the stream, sharing the matrices without locks."""
        from dlkit.word2vec.kernels import rows

        train_piece, lanes = self._kernel(), self._lanes
        views = [lanes.each[number].inputs, lanes.each[number].outputs] if len(lanes) > 1 else []
        for view in views:
            rows.take_rows(view)
        left = 1
        while left and not self._paused.is_set() and self._failure is None:
            lr = self._learning_rate()
            left = lanes.step(number, train_piece, key, lr)
            for view in views:
                rows.merge_rows(view, len(lanes), np.float32(lr))

    def _begin_epoch(self, epoch: int) -> None:
        """Put every lane at the start of its part; an epoch begins on the threads asked for."""
        self._epoch = epoch
        if len(self._lanes) != self._threads and not self._deterministic:
            before, self._lanes = self._lanes, self._divide(self._threads)
            self._lanes.take_counts(before)
        self._lanes.begin_epoch()

    def _learning_rate(self) -> float:
        """Linear from ``lr`` to ``min_lr`` with the words that all lanes have read."""
        from dlkit.word2vec.kernels import train

        share = self._lanes.counted(train.WORDS) / self._total if self._total else 1.0
        return self._lr - (self._lr - self._min_lr) * min(share, 1.0)

    def _progress(self, *, epoch_done: bool) -> Progress:
        from dlkit.word2vec.kernels import train

        return Progress(
            epoch=self._epoch,
            words=self._lanes.counted(train.WORDS),
            total=self._total,
            loss=self._lanes.loss(),
            lr=self._learning_rate(),
            epoch_done=epoch_done,
            pairs=self._lanes.counted(train.UNITS),
            measured=self._lanes.counted(train.MEASURED),
        )
