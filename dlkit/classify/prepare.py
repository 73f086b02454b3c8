"""Data read, a part of them set aside to judge by, and all made numbers."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.classifiers.beginning import kept_of
from dlkit.classifiers.dividing import set_aside
from dlkit.classify.beginning import open_beginning, weights_of
from dlkit.classify.inputs import Numbers, Reader, check, fit_reader, width
from dlkit.data.loading import load
from dlkit.data.ngrams import Bags
from dlkit.encoders import read_for
from dlkit.errors import USAGE, DlkitError
from dlkit.jit import has_numba
from dlkit.training.machine import check_device
from dlkit.training.running import check_data

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.saved import Classifier
    from dlkit.data.samples import Samples, Split
    from dlkit.records import Record
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig

# What only a training epoch by epoch has; whoever sets one wants such a training.
_OF_EPOCHS: Final = frozenset(
    (
        "epochs", "batch_size", "accumulate", "lr", "momentum", "nesterov", "betas", "eps",
        "schedule", "warmup", "step_epochs", "step_factor", "clip", "ema", "patience",
        "precision", "compile",
    )
)  # fmt: skip
_TO_OPTIMA: Final = ("lbfgs", "sdca")
_TOLERANCE: Final = 1e-3  # of dual ascent: the predictions no longer change then
_LEAST: Final = 1e-12  # λ of dual ascent: by less, its steps are lost in rounding
# Its usual λ is 1 / (this times the training texts), chosen on validation samples of film reviews
# and of Chinese shop reviews; scikit-learn's C.
_USUAL_C: Final = 4
_JUDGED_AT_ONCE: Final = 1024
EXAMPLE: Final = "dlkit classify train builtin:digits"  # what to type


class Part(NamedTuple):
    """Samples as numbers.

    Attributes:
        samples: as they were read.
        numbers: rows (N, D), or n-grams of N texts.

    """

    samples: Split
    numbers: Numbers

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) places of the classes."""
        return self.samples.labels


class Prepared(NamedTuple):
    """What a training begins with.

    Attributes:
        samples: the data; of them the training split alone was looked at.
        reader: how inputs become numbers, learnt from ``train``.
        train: what is learnt from.
        validation: what epochs and settings are judged by; None: nothing was set aside.
        beginning: the artifact whose weights are gone on from; None: the first are drawn.

    """

    samples: Samples
    reader: Reader
    train: Part
    validation: Part | None
    beginning: Classifier | None = None


def prepare(config: ClassifyConfig) -> Generator[Record, None, Prepared]:
    """Read ``config.data``; set validation samples aside; learn from the others what inputs need.

    A validation split of the data's own is taken where there is one.

    Raises:
        DlkitError: no or unreadable data, one class, an unknown step, no such encoder or device.

    """
    check_data(config.data, example=EXAMPLE)
    check_device(config.training.device)
    beginning = open_beginning(config)
    encoder = None if beginning is not None else check(config)
    seed = config.training.seed
    kept = {} if beginning is None else kept_of(beginning)
    reading = read_for(encoder, config.input)
    samples = yield from load(config.data, config.input, seed=seed, reading=reading, **kept)
    learnt, judged = yield from set_aside(
        samples, config.training.validation, seed=seed, column=config.input.group_column
    )
    if beginning is None:
        reader, numbers = yield from fit_reader(config, samples, learnt, encoder)
    else:
        reader = beginning.reader
        numbers = yield from reader.apply(learnt.inputs, what="train")
    validation = None
    if judged is not None:
        validation = Part(judged, (yield from reader.apply(judged.inputs, what="validation")))
    return Prepared(samples, reader, Part(learnt, numbers), validation, beginning)


def settle(config: ClassifyConfig, ready: Prepared) -> ClassifyConfig:
    """The settings with what depends on the data: the optimizer, and the number of threads.

    A linear softmax classifier is convex, so L-BFGS finds its optimum, of n-grams dual coordinate
    ascent (which has a usual λ, as it needs one), unless the settings ask for anything that only a
    training by epochs has.

    Raises:
        DlkitError: (USAGE) L-BFGS or the ascent is asked for where it cannot be; hinge with label
            smoothing.

    """
    training = config.training
    if config.loss == "hinge" and training.label_smoothing:
        raise DlkitError(
            "label smoothing is of the softmax loss; the hinge loss has none",
            hint="--label-smoothing 0",
            code=USAGE,
        )
    reasons = _not_convex(config, ready)
    update: dict[str, Any] = {}
    sparse = isinstance(ready.train.numbers, Bags)
    finder = "sdca" if sparse else "lbfgs"
    asked = training.model_fields_set
    if training.optimizer in _TO_OPTIMA:
        if training.optimizer != finder:
            reasons = ["inputs are n-grams" if sparse else "inputs are no n-grams", *reasons]
        if reasons:
            raise DlkitError(
                f"--optimizer {training.optimizer} finds optima of linear softmax classifiers; "
                f"here {reasons[0]}",
                hint="--optimizer adamw",
                code=USAGE,
            )
    if "optimizer" not in asked and not reasons and not asked & _OF_EPOCHS:
        update["optimizer"] = finder
    ascends = sparse and "sdca" in (training.optimizer, update.get("optimizer"))
    if ascends:
        usual = {"l2": 1 / (_USUAL_C * len(ready.train.labels)), "tolerance": _TOLERANCE}
        update |= {name: value for name, value in usual.items() if name not in asked}
    elif training.device == "cpu" and training.threads is None:
        import torch

        # So that another run, too, has as many: sums of other parts have other last bits.
        update["threads"] = torch.get_num_threads()
    told = config.model_dump()
    told["training"] |= update
    # Validated once more, a default 0 is the 0.0 that the saved settings are read as.
    return type(config).model_validate(told)


def _not_convex(config: ClassifyConfig, ready: Prepared) -> list[str]:
    training = config.training
    found = {
        "weights are given to begin with": ready.beginning is not None,
        "there are hidden layers": bool(config.hidden),
        "the loss is hinge": config.loss == "hinge",
        "l1 is not 0": bool(training.l1),
        "there is label smoothing": bool(training.label_smoothing),
        f"the device is {training.device}": training.device != "cpu",
    }
    if isinstance(ready.train.numbers, Bags):
        found |= {
            "n-grams have vectors (--dim)": bool(config.text.dim),
            f"λ is below {_LEAST:g} (--l2)": "l2" in training.model_fields_set
            and training.l2 < _LEAST,
            "numba is not installed": not has_numba(),
        }
    return [reason for reason, there in found.items() if there]


def build(config: ClassifyConfig, ready: Prepared) -> tuple[nn.Module, dict[str, Any]]:
    """The network with its first weights, and the arguments that it is built again by."""
    from dlkit.training.seeding import seeded

    arguments = arguments_of(config, ready)
    with seeded(config.training.seed):
        model = network_of(arguments)
    if ready.beginning is not None:
        model.load_state_dict(weights_of(ready.beginning))
    return model, arguments


def arguments_of(config: ClassifyConfig, ready: Prepared) -> dict[str, Any]:
    """The arguments of the network that suits settings and data."""
    shared: dict[str, Any] = {
        "classes": len(ready.samples.classes),
        "hidden": list(config.hidden),
        "activation": config.activation,
        "dropout": config.dropout,
        "batch_norm": config.batch_norm,
    }
    numbers = ready.train.numbers
    if isinstance(numbers, Bags):
        ngrams = ready.reader.document()["ngrams"]["ngrams"]
        return {"ngrams": ngrams, "dim": config.text.dim, **shared}
    return {"inputs": width(numbers), **shared}


def network_of(arguments: dict[str, Any]) -> nn.Module:
    """The network that ``build`` told the arguments of.

    Raises:
        TypeError, ValueError: they are none.

    """
    from dlkit.classify.model import Network, TextNetwork

    return TextNetwork(**arguments) if "ngrams" in arguments else Network(**arguments)


def batches_of(part: Part, config: TrainingConfig, *, learning: bool) -> Batches:
    """Samples in batches: drawn anew each epoch to learn from, in their order to be judged by."""
    return batches(
        part.numbers,
        part.labels,
        size=config.batch_size * config.accumulate if learning else _JUDGED_AT_ONCE,
        seed=config.seed,
        device=config.device,
        shuffle=learning,
    )


def batches(
    numbers: Numbers,
    labels: npt.NDArray[np.int64],
    *,
    size: int,
    seed: int = 1,
    device: str = "cpu",
    shuffle: bool = False,
) -> Batches:
    """Numbers and labels in batches of ``size`` samples."""
    from dlkit.training.batches import Batches
    from dlkit.training.sources import Ragged

    if isinstance(numbers, Bags):
        # EmbeddingBag takes places and offsets of one type.
        inputs: Any = Ragged(numbers.values.astype(np.int64), numbers.offsets, numbers.weights)
    else:
        inputs = numbers
    return Batches(
        inputs, labels, batch_size=size, seed=seed, device=device, shuffle=shuffle, workers=1
    )
