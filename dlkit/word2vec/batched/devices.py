"""What the devices of PyTorch can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def is_there(device: str) -> bool:
    """Whether PyTorch finds ``cpu``, ``cuda`` or ``mps`` here."""
    import torch

    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()


def check(device: str) -> None:
    """Raise ValueError for a device that is none or not there."""
    if device not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device must be cpu, cuda or mps, not {device!r}")
    if not is_there(device):
        raise ValueError(f"device {device} is not there")


def free_memory(device: str) -> int | None:
    """Bytes of memory of a device that are free; None where it has none of its own to ask."""
    import torch

    return torch.cuda.mem_get_info()[0] if device == "cuda" else None


def sum_type(device: str) -> torch.dtype:
    """The type of a sum of losses: float64 where the device has it (Apple's has not)."""
    import torch

    return torch.float32 if device == "mps" else torch.float64
