"""Where batches are taken from: a tensor, lists of any length, or what is larger than memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from dlkit.data.arrays import memory_for_arrays

if TYPE_CHECKING:
    import torch

_CHUNK: Final = 1 << 20  # bytes of rows that are read from a mapping at once


class Source(Protocol):
    """Inputs that batches are taken from.

    Attributes:
        resident: whether all of them lie on the device.
        ragged: whether a batch is lists one after the other, see Ragged.

    """

    resident: bool
    ragged: bool

    def __len__(self) -> int: ...

    def take(self, places: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The inputs at ``places``: int64, on the device if resident, else on the CPU."""


class Targets(Protocol):
    """What the samples of batches are to give."""

    def __len__(self) -> int: ...

    def take(self, places: torch.Tensor) -> Any:
        """The targets at ``places`` (int64, on the device), in what can be sliced."""


class Ragged:
    """Lists of numbers of any length, such as the ids of a text's words, for an EmbeddingBag.

    A batch is ``(values, offsets)``, and with weights ``(values, offsets, weights)``: the lists
    one after the other, and where each of them begins.

    Args:
        values: (T,) all lists one after the other.
        offsets: (N+1,) int64 where each begins, and T.
        weights: (T,) float32, or None.

    """

    def __init__(
        self,
        values: npt.NDArray[Any] | torch.Tensor,
        offsets: npt.NDArray[Any] | torch.Tensor,
        weights: npt.NDArray[Any] | torch.Tensor | None = None,
    ) -> None:
        import torch

        self._values = tensor_of(values)
        self._offsets = tensor_of(offsets).to(torch.int64)
        self._weights = None if weights is None else tensor_of(weights)
        self.resident = self.ragged = True
        assert self._offsets.ndim == 1
        assert int(self._offsets[-1]) == len(self._values)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def to(self, device: str) -> Ragged:
        """The same on a device."""
        weights = None if self._weights is None else self._weights.to(device)
        return Ragged(self._values.to(device), self._offsets.to(device), weights)

    def take(self, places: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Values (t,) and offsets (B,) of the lists at ``places``, and weights (t,) if any."""
        import torch

        first = self._offsets[places]
        lengths = self._offsets[places + 1] - first
        ends = lengths.cumsum(0)
        offsets = ends - lengths
        moved = torch.repeat_interleave(first - offsets, lengths)
        source = moved.add_(torch.arange(len(moved), device=moved.device))
        taken = self._values.index_select(0, source)
        if self._weights is None:
            return taken, offsets
        return taken, offsets, self._weights.index_select(0, source)


class _Resident:
    """A tensor on the device."""

    resident, ragged = True, False

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, places: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._rows.index_select(0, places),)


class _Mapped:
    """An array that may be larger than memory; rows are copied from it."""

    resident = ragged = False

    def __init__(self, rows: npt.NDArray[Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, places: torch.Tensor) -> tuple[torch.Tensor, ...]:
        import torch

        wanted = places.numpy()
        taken = np.empty((len(wanted), *self._rows.shape[1:]), self._rows.dtype)
        # In the order of the disk, in pieces between which other threads can have the lock.
        ascending = np.argsort(wanted, kind="stable")
        size = max(1, _CHUNK // max(1, taken[:1].nbytes))
        for start in range(0, len(wanted), size):
            some = ascending[start : start + size]
            taken[some] = self._rows[wanted[some]]
        return (torch.from_numpy(taken),)


def open_source(inputs: Any, device: str, *, resident: bool | None) -> Source:
    """The inputs of ``Batches``, on the device where they fit or ``resident`` says so."""
    import torch

    if isinstance(inputs, torch.Tensor):
        return _Resident(inputs.to(device))
    if isinstance(inputs, np.ndarray):
        fits = _fits(inputs.nbytes, device) if resident is None else resident
        if not fits:
            return _Mapped(inputs)
        # A mapping or a read-only view is read once, into memory of its own.
        own = inputs.flags.writeable and not isinstance(inputs, np.memmap)
        return _Resident(torch.from_numpy(inputs if own else np.array(inputs)).to(device))
    if isinstance(inputs, Ragged):
        return inputs.to(device)
    source: Source = inputs
    return source


def open_targets(targets: Any, device: str) -> Targets:
    """The targets of ``Batches``; arrays on the device, integers as int64."""
    import torch

    if not isinstance(targets, (torch.Tensor, np.ndarray)):
        return targets  # type: ignore[no-any-return]
    tensor = tensor_of(targets)
    whole = not tensor.is_floating_point() and tensor.ndim == 1
    return _Rows(tensor.to(device, torch.int64 if whole else tensor.dtype))


class _Rows:
    """A tensor on the device, of which rows are taken."""

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, places: torch.Tensor) -> torch.Tensor:
        return self._rows.index_select(0, places)


def _fits(size: int, device: str) -> bool:
    """Whether so many bytes leave room on the device for what is done with them."""
    if device == "cuda":
        import torch

        return size <= torch.cuda.mem_get_info()[0] // 2
    return size <= memory_for_arrays()


def tensor_of(array: npt.NDArray[Any] | torch.Tensor) -> torch.Tensor:
    """An array as a tensor, with its memory unless that is read-only."""
    import torch

    if isinstance(array, torch.Tensor):
        return array
    # PyTorch knows no read-only memory, and warns; labels are small.
    return torch.from_numpy(array if array.flags.writeable else array.copy())
