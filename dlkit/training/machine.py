"""What the processors are told before they train: threads, determinism, precision."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dlkit.training.config import TrainingConfig


@contextmanager
def arranged(config: TrainingConfig) -> Iterator[None]:
    """Let PyTorch have the threads and the determinism of ``config`` in the body.

    Raises:
        DlkitError: (USAGE) the device is not there.

    """
    import torch

    check_device(config.device)
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by cuBLAS
        torch.use_deterministic_algorithms(mode=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if config.deterministic != deterministic:  # the call loads PyTorch's compiler: seconds
            torch.use_deterministic_algorithms(mode=deterministic)


def check_device(device: str) -> None:
    """Do nothing if ``device``, cpu, cuda or mps, is there.

    Raises:
        DlkitError: (USAGE) it is not.

    """
    if device == "cpu":
        return
    import torch

    there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if not there:
        raise DlkitError(
            f"--device {device}: PyTorch finds none here", hint="--device cpu", code=USAGE
        )


def facts(config: TrainingConfig) -> dict[str, Any]:
    """What must be equal for a training to give the same bits; JSON values."""
    import torch

    told: dict[str, Any] = {
        "device": config.device,
        "threads": config.threads or torch.get_num_threads(),
        "torch": torch.__version__,
        "processor": platform.machine() + " " + torch.backends.cpu.get_cpu_capability(),
    }
    if config.device == "cuda":
        told["processor"] = torch.cuda.get_device_name()
        del told["threads"]
    return told


def has_bf16(device: str) -> bool:
    """Whether bf16 is computed by the processor itself; where it is not, it is slower than fp32."""
    import torch

    if device == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    told = torch.cpu.get_capabilities()
    return device == "cpu" and any(key.endswith("bf16") and there for key, there in told.items())


def laid_out(model: nn.Module) -> nn.Module:
    """``model`` with the channels of its convolutions' weights last in memory, as images have them.

    So no layer puts its images in another order first: a step on a CPU takes down to half the time
    in bf16, and no more in fp32.
    """
    import torch
    from torch import nn

    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        model.to(memory_format=torch.channels_last)
    return model


def autocast(config: TrainingConfig) -> torch.autocast:
    """The context in which a network runs: products in fewer bits where asked for."""
    import torch

    kind = torch.float16 if config.precision == "fp16" else torch.bfloat16
    return torch.autocast(config.device, kind, enabled=config.precision != "fp32")


def scaler(config: TrainingConfig) -> torch.amp.GradScaler:
    """What keeps the gradients of fp16 from vanishing; does nothing in other precisions."""
    import torch

    return torch.amp.GradScaler(config.device, enabled=config.precision == "fp16")


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error of PyTorch says that memory ran out, on any device."""
    import torch

    if isinstance(problem, (torch.OutOfMemoryError, MemoryError)):
        return True
    told = str(problem)
    return isinstance(problem, RuntimeError) and (
        "out of memory" in told or "DefaultCPUAllocator" in told or "not enough memory" in told
    )
