"""The trainer of word vectors on the CPU: kernels on threads, pause and resume.

Skip-gram and CBOW of Mikolov et al. 2013 (https://arxiv.org/abs/1310.4546) as word2vec.c and
gensim train them: dynamic or fixed windows, subsampling, negatives by a power of the count or the
paths of a Huffman tree, a learning rate that falls linearly with the words read. What differs: the
contexts of a skip-gram window share one draw of negatives, which are distinct from one another;
logits are not cut off at 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt

from dlkit.word2vec import huffman
from dlkit.word2vec.epochs import Counted, EpochTrainer
from dlkit.word2vec.rounds import Rounds
from dlkit.word2vec.shares import Shares
from dlkit.word2vec.workers import Workers

if TYPE_CHECKING:
    from dlkit.word2vec.trainer import Context, Ids, Model, NGrams, Progress, Vectors

REPORTS_EVERY: Final = 0.2  # seconds
LARGEST_CHUNK: Final = 16384  # ids: a few milliseconds
LARGEST_ROUND: Final = 512  # ids of a lane in a round: few enough that all lanes' copies are fresh
SMALLEST_CHUNK: Final = 64
CHUNKS_PER_RUN: Final = 2000  # the learning rate has at least so many steps where chunks allow
DETERMINISTIC_LANES: Final = 4  # so many threads can share the work
MEASURED_WINDOWS: Final = 1 << 16  # per epoch, about
LARGEST_STRIDE: Final = 256  # one window in 256 is measured at least


class KernelTrainer(EpochTrainer):
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
        window: the largest number of words to either side.
        negative: words to push away for each centre (``ns``).
        sample: threshold of subsampling; 0 keeps all words.
        lr: learning rate at the start.
        min_lr: learning rate at the end.
        epochs: passes over the stream.
        threads: number of threads.
        seed: of everything random.
        deterministic: the same bits whatever ``threads``.
        ngrams: rows that words are made of; None: each is a row.
        noise_exponent: noise words are drawn by ``counts ** noise_exponent`` (``ns``).
        fixed_window: each centre has the whole window, else it draws its own from 1 up.
        freeze: the rows of the inputs that ``start_from`` gives are kept as they are.

    Raises:
        ValueError: an id below -1 or not below V, counts that name no word, a setting out of range.

    """

    state_format: ClassVar = 3

    def __init__(
        self,
        ids: Ids,
        counts: npt.NDArray[np.int64],
        *,
        model: Model,
        loss: Literal["ns", "hs"] = "ns",
        context: Context = "mean",
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
        noise_exponent: float = 0.75,
        fixed_window: bool = False,
        freeze: bool = False,
    ) -> None:
        from dlkit.word2vec.kernels import memory, train

        if loss not in ("ns", "hs"):
            raise ValueError(f"loss must be ns or hs, not {loss!r}")
        super().__init__(
            ids, counts, model=model, loss=loss, context=context, dim=dim, window=window,
            negative=negative, sample=sample, lr=lr, min_lr=min_lr, epochs=epochs,
            threads=threads, seed=seed, ngrams=ngrams, noise_exponent=noise_exponent,
            fixed_window=fixed_window, freeze=freeze,
        )  # fmt: skip
        self._settings["deterministic"] = deterministic
        self._deterministic = deterministic
        vocabulary = len(self._counts)
        largest = LARGEST_ROUND if deterministic else LARGEST_CHUNK
        self._chunk = int(np.clip(self._total // CHUNKS_PER_RUN, SMALLEST_CHUNK, largest))
        rows = vocabulary + (ngrams.number if ngrams else 0)
        self._inputs = memory.initial_inputs(rows, dim, seed)
        self._outputs = memory.aligned(vocabulary, memory.padded(dim))
        self._plan = train.Plan(
            ids=self._ids,
            keep=self._keep,
            targets=self._targets(loss, negative, seed),
            window=window,
            least=window if fixed_window else 1,
            every=int(np.clip(self._words // MEASURED_WINDOWS, 1, LARGEST_STRIDE)),
            mean=context == "mean",
        )
        # The words of whose rows all are kept; where words are rows, these are the same.
        self._frozen_words = self._frozen
        if self._frozen is not None and ngrams:
            self._frozen_words = np.zeros(vocabulary, np.uint8)
        self._lanes = self._divide(DETERMINISTIC_LANES if deterministic else threads)

    def _targets(self, loss: str, negative: int, seed: int) -> Any:
        from dlkit.word2vec.kernels import negatives, targets

        if loss == "hs":
            self._paths = huffman.build(self._counts)
            return targets.paths(*self._paths)
        table = negatives.negative_table(self._counts, seed=seed, exponent=self._exponent)
        # A window has no more distinct negatives than there are other words.
        wanted = min(negative, len(self._counts) - 1)
        row_bytes = self._outputs.shape[1] * 4
        return targets.negatives(table, wanted, row_bytes, copied=self._deterministic)

    def _divide(self, number: int) -> Any:
        from dlkit.word2vec.kernels.lanes import Lanes

        ngrams = self._ngrams and (self._ngrams.offsets, self._ngrams.rows)
        frozen = None
        if self._frozen is not None and self._frozen_words is not None:
            frozen = self._frozen, self._frozen_words
        return Lanes(
            self._plan, self._inputs, self._outputs, ngrams, frozen,
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

    def start_from(self, rows: Vectors, outputs: Vectors | None) -> None:
        """Begin with given rows of the input matrix, and outputs; NaN leaves a row as it is."""
        for matrix, given in ((self.rows, rows), (self.outputs, outputs)):
            if given is not None:
                known = ~np.isnan(given[:, 0])
                matrix[known] = given[known]
        self._freeze(~np.isnan(rows[:, 0]))

    def _freeze(self, rows: npt.NDArray[Any]) -> None:
        super()._freeze(rows)
        if self._frozen is not None and self._frozen_words is not None and self._ngrams:
            parts = self._frozen[self._ngrams.rows]
            self._frozen_words[:] = np.minimum.reduceat(parts, self._ngrams.offsets[:-1])

    def compile(self) -> None:
        """Compile the kernels, or load them from the cache, so that ``run`` trains at once."""
        self._lanes.compile(self._kernel())

    def _kernel(self) -> Any:
        from dlkit.word2vec.kernels import train

        return train.train_skipgram if self._model == "skipgram" else train.train_cbow

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which ``restore`` goes on exactly.

        Call it while ``run`` is not running. Arrays may share memory with the trainer: write or
        copy them before it runs again.
        """
        arrays: dict[str, np.ndarray] = {
            "inputs": np.ascontiguousarray(self.rows),
            "outputs": np.ascontiguousarray(self.outputs),
            **self._lanes.state(),
            **self._frozen_state(),
        }
        return arrays, self._scalars(lanes=len(self._lanes))

    def restore(self, arrays: Mapping[str, np.ndarray], scalars: Mapping[str, Any]) -> None:
        """Go back to what ``state`` returned, of a trainer with the same stream and settings.

        Only ``epochs`` and ``threads`` may differ. The learning rate then falls over the new
        length; an epoch that was begun ends on the threads that it began with.

        Raises:
            ValueError: the state is of another trainer, or damaged. Nothing was changed then.

        """
        from dlkit.word2vec.kernels import checks
        from dlkit.word2vec.kernels.lanes import cuts

        epoch = self._checked_epoch(scalars)
        lanes = scalars["settings"].get("lanes")
        if type(lanes) is not int or not 1 <= lanes <= checks.MOST_LANES:
            raise ValueError(f"state is of {lanes!r} lanes")
        if self._deterministic and lanes != len(self._lanes):
            raise ValueError(f"state is of {lanes} lanes, not {len(self._lanes)}")
        bounds = cuts(len(self._ids), lanes)
        checks.check_state(arrays, self._plan, bounds, shape=self.rows.shape)
        if (frozen := self._checked_frozen(arrays)) is not None:
            self._freeze(frozen)
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

        try:
            with closing(self._workers().run(REPORTS_EVERY)) as reports:
                for _ in reports:
                    memory.release_pages(self._ids)
                    yield self._progress(epoch_done=False)
        except BaseException:  # the caller left: be ready to go on
            self._paused.clear()
            raise

    def _workers(self) -> Workers:
        """The threads of this epoch."""
        lanes, kernel, paused = self._lanes, self._kernel(), self._paused
        key = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)[0]
        asked: Any = {"rate": self._learning_rate, "stopping": paused.is_set}
        if not self._deterministic:
            shares = Shares(lanes, kernel, key, **asked)
            works = [partial(shares.work, number) for number in range(len(lanes))]
            return Workers(works, stop=paused.set)
        threads = min(self._threads, len(lanes))
        rounds = Rounds(lanes, kernel, key, **asked, threads=threads)
        works = [partial(rounds.work, number) for number in range(threads)]
        return Workers(works, stop=paused.set, give_up=rounds.give_up)

    def _begin_epoch(self, epoch: int) -> None:
        """Put every lane at the start of its part; an epoch begins on the threads asked for."""
        self._epoch = epoch
        if len(self._lanes) != self._threads and not self._deterministic:
            before, self._lanes = self._lanes, self._divide(self._threads)
            self._lanes.take_counts(before)
        self._lanes.begin_epoch()

    def _epoch_done(self) -> bool:
        done: bool = self._lanes.done
        return done

    def _words_read(self) -> int:
        from dlkit.word2vec.kernels import train

        words: int = self._lanes.counted(train.WORDS)
        return words

    def _counted(self) -> Counted:
        from dlkit.word2vec.kernels import train

        lanes = self._lanes
        return Counted(
            lanes.counted(train.WORDS), lanes.counted(train.UNITS), lanes.counted(train.MEASURED),
            lanes.loss(),
        )  # fmt: skip
