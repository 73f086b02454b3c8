"""Batches of samples whose order is a function of the seed and the epoch alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.training import seeding
from dlkit.training.augmenting.mixing import Mixed
from dlkit.training.augmenting.pairs import Pair
from dlkit.training.sources import open_source, open_targets

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from dlkit.training.sources import Source, Targets

    # Inputs, a generator in a state of the batch's own, the epoch, the samples' places (B,).
    Augment = Callable[
        [torch.Tensor, torch.Generator, int, torch.Tensor], torch.Tensor | Mixed | Pair
    ]


class Batch(NamedTuple):
    """What a network is given, ``model(*inputs)``, and the targets, one of each sample.

    Of classification those are labels (B,). Where labels are mixed, ``share`` (B,) is what of a
    sample is of its own label, the rest is of the other in ``others`` (B,).
    """

    inputs: tuple[Any, ...]
    targets: Any
    ragged: bool = False
    others: torch.Tensor | None = None
    share: torch.Tensor | None = None

    def parts(self, size: int) -> Iterator[Batch]:
        """The batch in parts of ``size`` samples; a last one of one sample joins the one before."""
        samples = len(self.targets)
        if size >= samples:
            yield self
            return
        cuts = list(range(0, samples, size))
        if samples - cuts[-1] == 1 and size > 1:
            cuts.pop()
        for start, stop in zip(cuts, [*cuts[1:], samples], strict=True):
            yield Batch(
                _cut(self.inputs, start, stop, ragged=self.ragged),
                self.targets[start:stop],
                self.ragged,
                None if self.others is None else self.others[start:stop],
                None if self.share is None else self.share[start:stop],
            )


def _cut(inputs: tuple[Any, ...], start: int, stop: int, *, ragged: bool) -> tuple[Any, ...]:
    """The inputs of the samples ``start .. stop - 1`` of a batch."""
    if not ragged:
        return tuple(each[start:stop] for each in inputs)
    values, offsets, *weights = inputs
    first = int(offsets[start])
    last = int(offsets[stop]) if stop < len(offsets) else len(values)
    return (
        values[first:last],
        offsets[start:stop] - first,
        *(each[first:last] for each in weights),
    )


class Batches:
    """Samples in batches, an epoch after the other, from any epoch and step on.

    The order of an epoch depends on ``seed`` and the epoch, the augmentation of a batch on
    ``seed``, epoch and step: on nothing else, whatever was read before and by how many workers.
    A last batch of one sample joins the one before: batch normalisation needs two.

    Attributes:
        mixes: whether labels are mixed.

    Args:
        inputs: (N, ...) a tensor or array of any type, which is kept; or Ragged, or a source of
            the caller's. What fits into the device's memory moves there as a whole, of what does
            not, batches are read as they are needed.
        targets: (N,) labels, or (N, ...) numbers of any type; or what has a length and gives with
            ``take`` those at places, in what can be sliced. None: ``augment`` makes them.
        batch_size: samples of a batch.
        seed: of order and augmentation.
        device: where batches lie.
        augment: makes of a batch of inputs, on the device, those that are learnt from, and may
            mix labels, or make the targets; its draws come from the generator that it is given,
            nowhere else.
        workers: threads that read ahead from a mapping; 0: it is read when its turn comes.
        shuffle: whether the order is drawn; else it is that of the samples.
        resident: whether the inputs are to lie on the device as a whole; None: if they fit.

    """

    def __init__(
        self,
        inputs: npt.NDArray[Any] | torch.Tensor | Source,
        targets: npt.NDArray[Any] | torch.Tensor | Targets | None,
        *,
        batch_size: int,
        seed: int = 1,
        device: str = "cpu",
        augment: Augment | None = None,
        workers: int = 0,
        shuffle: bool = True,
        resident: bool | None = None,
    ) -> None:
        import torch

        self._source = open_source(inputs, device, resident=resident)
        self._targets = None if targets is None else open_targets(targets, device)
        self.samples = len(self._source)
        given = self.samples if self._targets is None else len(self._targets)
        if given != self.samples or not given:
            raise ValueError(f"{self.samples} inputs and {given} targets")
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.shuffle = shuffle
        self._augment = augment
        self.mixes = bool(getattr(augment, "mixes", False))
        self._workers = workers
        self._generator = None if augment is None else torch.Generator(device)

    def __len__(self) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(self.samples, self.batch_size)
        return whole + (rest > (1 if whole else 0))

    def at(self, epoch: int = 0, step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from ``step`` on, both counted from 0."""
        places = self._order(epoch)
        if self._source.resident:
            places = places.to(self.device)
            for number in range(step, len(self)):
                part = self._part(places, number)
                yield self._batch(self._source.take(part), part, epoch, number)
            return
        for number, taken in self._read(places, step):
            part = self._part(places, number).to(self.device)
            inputs = tuple(self._moved(each) for each in taken)
            yield self._batch(inputs, part, epoch, number)

    def _order(self, epoch: int) -> torch.Tensor:
        import torch

        if not self.shuffle:
            return torch.arange(self.samples)
        return torch.from_numpy(seeding.order(self.samples, seed=self.seed, epoch=epoch))

    def _part(self, places: torch.Tensor, number: int) -> torch.Tensor:
        start = number * self.batch_size
        last = number == len(self) - 1
        return places[start : self.samples if last else start + self.batch_size]

    def _batch(self, inputs: tuple[Any, ...], part: torch.Tensor, epoch: int, number: int) -> Batch:
        targets = None if self._targets is None else self._targets.take(part)
        if self._augment is None:
            return Batch(inputs, targets, self._source.ragged)
        assert self._generator is not None
        self._generator.manual_seed(seeding.augment_seed(self.seed, epoch, number))
        made = self._augment(inputs[0], self._generator, epoch, part)
        if isinstance(made, Pair):
            return Batch((made.inputs, *inputs[1:]), made.targets)
        if not isinstance(made, Mixed):
            return Batch((made, *inputs[1:]), targets, self._source.ragged)
        assert targets is not None
        others = targets.index_select(0, made.partners)
        return Batch((made.images, *inputs[1:]), targets, others=others, share=made.share)

    def _moved(self, tensor: Any) -> Any:
        if isinstance(tensor, (list, tuple)):  # of tensors that have not one size
            return [self._moved(each) for each in tensor]
        if self.device == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def _read(
        self, places: torch.Tensor, step: int
    ) -> Iterator[tuple[int, tuple[torch.Tensor, ...]]]:
        """What the source holds for each batch from ``step`` on, in order, read ahead."""
        numbers = range(step, len(self))
        if not self._workers:
            for number in numbers:
                yield number, self._source.take(self._part(places, number))
            return
        waiting: deque[tuple[int, Future[tuple[torch.Tensor, ...]]]] = deque()
        with ThreadPoolExecutor(self._workers, "dlkit-reader") as pool:
            try:
                for number in numbers:
                    part = self._part(places, number)
                    waiting.append((number, pool.submit(self._source.take, part)))
                    if len(waiting) > 2 * self._workers:
                        yield _first(waiting)
                while waiting:
                    yield _first(waiting)
            finally:
                for _, future in waiting:
                    future.cancel()


def _first(
    waiting: deque[tuple[int, Future[tuple[torch.Tensor, ...]]]],
) -> tuple[int, tuple[torch.Tensor, ...]]:
    number, future = waiting.popleft()
    return number, future.result()
