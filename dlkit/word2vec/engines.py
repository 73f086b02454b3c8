"""Which trainer does the work: the compiled kernels where they can, PyTorch elsewhere."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import FAILED, DlkitError
from dlkit.jit import has_numba
from dlkit.machine import cores
from dlkit.records import Noted, Record
from dlkit.word2vec.config import Word2vecConfig
from dlkit.word2vec.kernel_trainer import KernelTrainer
from dlkit.word2vec.trainer import NGrams

if TYPE_CHECKING:
    from dlkit.data.corpus import Corpus
    from dlkit.word2vec.trainer import Trainer


_PLAIN = (Word2vecConfig().minn, Word2vecConfig().buckets)


def threads_of(config: Word2vecConfig) -> int:
    """The threads asked for, else as many as the process may use.

    PyTorch's threads wait for one another in short steps: on busy cores two were ten times slower
    than one, so one is used unless more are asked for.
    """
    if config.threads is not None:
        return config.threads
    if not uses_kernels(config):
        return 1
    return cores()


def uses_kernels(config: Word2vecConfig) -> bool:
    """Whether the compiled kernels do the work."""
    return config.device == "cpu" and config.loss != "softmax" and has_numba()


def is_exact(config: Word2vecConfig) -> bool:
    """Whether another run of the same settings gives the same bits."""
    if config.device != "cpu":
        return False
    return config.deterministic or threads_of(config) == 1


def check(config: Word2vecConfig) -> Generator[Record, None, None]:
    """Say what trains where that is not the usual; before any data is read.

    Raises:
        DlkitError: the settings ask for a device or a library that is not there.

    """
    for name in ("negative", "noise_exponent"):
        if config.loss != "ns" and getattr(config, name) != getattr(Word2vecConfig(), name):
            option = "--" + name.replace("_", "-")
            yield Noted(f"{option} is for --loss ns and not used")
    if not config.maxn and (config.minn, config.buckets) != _PLAIN:
        yield Noted("--minn and --buckets are for n-grams and not used: --maxn is 0")
    if config.device != "cpu":
        _check_device(config.device)
    elif config.loss != "softmax" and not has_numba():
        if config.deterministic:
            raise DlkitError("--deterministic needs numba", hint="pip install numba", code=FAILED)
        yield Noted("numba is not installed: PyTorch trains, several times slower")


def _check_device(device: str) -> None:
    from dlkit.word2vec.batched.devices import is_there

    if not is_there(device):
        raise DlkitError(
            f"--device {device}: PyTorch finds no such device here",
            hint="--device cpu",
            code=FAILED,
        )


def is_batched(scalars: Mapping[str, Any]) -> bool:
    """Whether a trainer's state is of the PyTorch trainer."""
    return bool(scalars["settings"].get("trainer") == "torch")


def build(
    config: Word2vecConfig, corpus: Corpus, ngrams: NGrams | None, *, batched: bool = False
) -> Trainer:
    """The trainer of ``config`` on ``corpus``; ``batched``: that of PyTorch whatever it says."""
    return _made(config, corpus.ids(), corpus.vocabulary.counts, ngrams, batched=batched)


def _made(
    config: Word2vecConfig, ids: Any, counts: Any, ngrams: NGrams | None, *, batched: bool = False
) -> Trainer:
    settings: dict[str, Any] = {
        "model": config.model,
        "loss": config.loss,
        "context": config.context,
        "dim": config.dim,
        "window": config.window,
        "negative": config.negative,
        "sample": config.sample,
        "lr": config.first_lr,
        "min_lr": config.min_lr,
        "epochs": config.epochs,
        "threads": threads_of(config),
        "seed": config.seed,
        "ngrams": ngrams,
        "noise_exponent": config.noise_exponent,
        "fixed_window": config.fixed_window,
        "freeze": config.freeze,
    }
    if uses_kernels(config) and not batched:
        return KernelTrainer(ids, counts, deterministic=config.deterministic, **settings)
    from dlkit.word2vec.batched.trainer import TorchTrainer

    return TorchTrainer(ids, counts, device=config.device, **settings)


def warm(config: Word2vecConfig) -> threading.Thread:
    """Compile the kernels of ``config`` beside other work; join the thread before training.

    The functions that read a corpus are compiled first, here: numba compiles one at a time, and
    the corpus should not wait for the kernels.
    """
    if has_numba():
        from dlkit.data.scan import WordTable

        WordTable().scan(b"a\n")

    def compile_kernels() -> None:
        # What fails here fails again where it is told.
        with contextlib.suppress(Exception):
            if uses_kernels(config):
                ngrams = None
                if config.maxn:
                    ngrams = NGrams(np.array([0, 1, 3]), np.array([0, 1, 2], np.int32), 1)
                counts = np.array([2, 1])
                small = config.model_copy(update={"dim": 8, "window": 1, "negative": 1})
                _made(small, np.zeros(0, np.int32), counts, ngrams).compile()
            else:
                import torch  # noqa: F401

    thread = threading.Thread(target=compile_kernels, daemon=True)
    thread.start()
    return thread
