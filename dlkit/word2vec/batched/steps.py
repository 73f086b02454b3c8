"""What trains one batch of a piece, for every objective and device."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.word2vec.batched.batches import Piece
    from dlkit.word2vec.batched.ngrams import Composition
    from dlkit.word2vec.huffman import Paths
    from dlkit.word2vec.trainer import Context, Loss, Model

# (first, last, learning rate): trains words first .. last - 1 of a piece, returns the summed loss.
Step = Callable[[int, int, float], "Tensor"]

# Positions of a batch at most. Held-out losses on 0.95 million words of English, 3 epochs, with 64,
# 256 and 512: negative sampling 2.542, 2.545 and 2.564 (skip-gram; the compiled trainer 2.546),
# 2.363, 2.359 and 2.366 (CBOW; 2.376). Hierarchical softmax, skip-gram: 7.806 with 16, 7.809 with
# 256. Softmax, 0.1 million words, 2 epochs, with 64 and 256: 8.430 and 8.440, CBOW 8.364 and 8.358.
LONGEST: Final = 256
BLOCK: Final[Mapping[str, int]] = {"ns": 32, "hs": 4, "softmax": 32}  # rows of a block of a band
SHARED: Final = 192  # noise words of a batch
RUN: Final = 32  # centres that a program of the CUDA kernel trains one after another


class Steps:
    """Makes the training steps of a piece.

    Args:
        inputs: (V, D) input vectors, or with ``composition`` (R, D) the rows that they are means
            of; changed in place.
        outputs: (V, D) output vectors, changed in place.
        counts: (V,) how often each word occurs.
        model: the model.
        loss: the objective.
        context: whether CBOW predicts from the mean or the sum of the contexts.
        window: most words to either side.
        negative: noise words of a window.
        length: positions of a batch.
        seed: of the table of noise words.
        noise_exponent: of the counts by which noise words are drawn.
        frozen: (V or R,) uint8, 1 for a row of the inputs that is kept; None where all learn.
        composition: which rows words are means of; None: each is its row.

    """

    def __init__(
        self,
        inputs: Tensor,
        outputs: Tensor,
        counts: npt.NDArray[np.int64],
        *,
        model: Model,
        loss: Loss,
        context: Context,
        window: int,
        negative: int,
        length: int,
        seed: int,
        noise_exponent: float = 0.75,
        frozen: Tensor | None = None,
        composition: Composition | None = None,
    ) -> None:
        import torch

        from dlkit.word2vec import huffman
        from dlkit.word2vec.batched import batches, objectives
        from dlkit.word2vec.batched.matrices import Matrices

        self._frozen = frozen
        self._inputs, self._outputs, self._device = inputs, outputs, inputs.device.type
        self._model, self._loss, self._context = model, loss, context
        self._window, self._negative = window, min(negative, len(counts) - 1)
        # Wide windows need wide blocks, or most columns are read once for each row.
        self._block = min(max(BLOCK[loss], window), length)
        self.fused = loss == "ns" and self._device == "cuda" and has_triton() and not composition
        """Whether a kernel of our own takes the place of PyTorch's; it knows no n-grams."""
        self.by_inputs = model == "skipgram" and loss != "hs" and not self.fused
        """Whether a batch is words with the centres that see them, not centres with contexts."""
        self.paths: Paths | None = huffman.build(counts) if loss == "hs" else None
        """The tree of hierarchical softmax."""
        matrices = Matrices(
            inputs, outputs, context=context, frozen=frozen, composition=composition
        )
        self._step: Any = None
        if self.fused:
            table = _table(counts, seed, noise_exponent)
            self._table = torch.from_numpy(table).to(self._device)
        elif loss == "softmax":
            self._step = objectives.FullSoftmax(matrices, model=model)
        elif self.paths is not None:
            self._step = objectives.HierarchicalSoftmax(matrices, model=model, paths=self.paths)
        else:
            self._noise = batches.Negatives(
                counts, negative=negative, shared=SHARED, exponent=noise_exponent
            )
            weights = torch.from_numpy(self._noise.weights).to(self._device)
            self._step = objectives.NegativeSampling(matrices, model=model, weights=weights)

    def of(self, piece: Piece, start: int, key: np.uint64) -> Step:
        """The training step on batches of ``piece``.

        Args:
            piece: words and windows.
            start: where the piece begins in the stream.
            key: names the draws of noise words; each batch has its own by its place.

        """
        import torch

        if self.fused:
            return self._fused(piece, int(key))
        from dlkit.word2vec.batched.bands import Bands

        bands = Bands(
            piece, window=self._window, block=self._block,
            rows="inputs" if self.by_inputs else "centres", device=self._device,
        )  # fmt: skip

        def step(first: int, last: int, lr: float) -> Tensor:
            band = bands.cut(first, last)
            if self._loss != "ns":
                return self._step.step(band, lr)  # type: ignore[no-any-return]
            place = start if first == piece.first else int(piece.positions[first - 1]) + 1
            drawn = torch.from_numpy(self._noise.draw(key, place)).to(self._device)
            return self._step.step(band, drawn, lr)  # type: ignore[no-any-return]

        return step

    def _fused(self, piece: Piece, key: int) -> Step:
        import torch

        from dlkit.word2vec.batched import triton_kernel

        arrays = (piece.words.astype(np.int64), piece.low, piece.high, piece.positions)
        words, low, high, places = (torch.from_numpy(a).to(self._device) for a in arrays)

        def step(first: int, last: int, lr: float) -> Tensor:
            return triton_kernel.train(
                self._inputs, self._outputs, (words, low, high, places), self._table, first=first,
                last=last, programs=-(-(last - first) // RUN), key=key, lr=lr,
                negative=self._negative, model=self._model, context=self._context,
                frozen=self._frozen,
            )  # fmt: skip

        return step

    def units(self, piece: Piece) -> npt.NDArray[np.int64]:
        """(n,) pairs (skip-gram) or windows (CBOW) that each word of a piece stands for."""
        contexts: npt.NDArray[np.int64] = piece.high - piece.low - 1
        if self._model == "cbow":
            return (contexts > 0).astype(np.int64)
        if not self.by_inputs:
            return contexts
        # Word i is seen by all windows that have begun but not ended there, its own aside.
        words = len(piece.words)
        begun = np.bincount(piece.low, minlength=words + 1)
        ended = np.bincount(piece.high, minlength=words + 1)
        seen: npt.NDArray[np.int64] = np.cumsum(begun - ended)[:words] - 1
        return seen


def has_triton() -> bool:
    """Whether Triton is installed."""
    return importlib.util.find_spec("triton") is not None


def _table(counts: npt.NDArray[np.int64], seed: int, exponent: float) -> npt.NDArray[np.int32]:
    from dlkit.word2vec.kernels.negatives import negative_table

    return negative_table(counts, seed=seed, exponent=exponent)
