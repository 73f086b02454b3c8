"""Images read, a part of them set aside to judge by, and what the settings leave open decided."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.classifiers.beginning import kept_of
from dlkit.classifiers.dividing import set_aside
from dlkit.cnn.alone import check_batches
from dlkit.cnn.beginning import begin, open_beginning, open_weights
from dlkit.cnn.usual import usual
from dlkit.data.forms import ImageForm
from dlkit.data.loading import load
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record
from dlkit.training.augmenting.config import check_images, parse, written
from dlkit.training.machine import check_device, has_bf16
from dlkit.training.running import check_data

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.network import Network
    from dlkit.cnn.saved import ImageClassifier
    from dlkit.cnn.weights import Weights
    from dlkit.data.samples import Pixels, Samples, Split

EXAMPLE: Final = "dlkit cnn train builtin:mnist5k"  # what to type
_LOOKED_AT: Final = 20_000  # images that means and deviations are of, at most
_PREPARED_BY: Final = 5_000  # images that a network is shown before its first step


class Prepared(NamedTuple):
    """What a training begins with.

    Attributes:
        samples: the data; of them the training split alone was looked at.
        train: what is learnt from.
        validation: what epochs and settings are judged by; None: nothing was set aside.
        mean: of the pixels that are learnt from, by channel, from 0 to 1.
        std: their deviations.
        beginning: the artifact whose weights are gone on from; None: there is none.
        weights: published ones that are begun with; None: there are none.

    """

    samples: Samples
    train: Split
    validation: Split | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    beginning: ImageClassifier | None = None
    weights: Weights | None = None

    @property
    def form(self) -> ImageForm:
        """The images' size and channels."""
        form = self.samples.form
        assert isinstance(form, ImageForm)
        return form


def prepare(config: CnnConfig) -> Generator[Record, None, Prepared]:
    """Read ``config.data`` and set validation samples aside.

    Raises:
        DlkitError: no or unreadable data, one class, no images, no such device.

    """
    check_data(config.data, example=EXAMPLE)
    _check(config)
    check_device(config.training.device)
    beginning = open_beginning(config)
    weights = yield from open_weights(config)
    kept = {} if beginning is None else kept_of(beginning)
    samples = yield from load(config.data, config.input, seed=config.training.seed, **kept)
    if samples.kind != "images":
        what = "a table" if samples.kind == "table" else "texts"
        raise DlkitError(
            f"{samples.name} holds {what}; cnn learns from images",
            hint=f"dlkit classify train {config.data[0]}",
            code=USAGE,
        )
    learnt, judged = yield from set_aside(
        samples,
        config.training.validation,
        seed=config.training.seed,
        column=config.input.group_column,
        blocks=config.validation_blocks,
    )
    mean, std = moments(learnt.images)
    return Prepared(samples, learnt, judged, mean, std, beginning, weights)


def moments(images: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, from 0 to 1; a channel that never changes has 1.

    Args:
        images: (N, H, W, C) uint8; of more than 20,000 as many are looked at, evenly spread.

    """
    channels = images.shape[3]
    counts = np.zeros((channels, 256), np.int64)
    places = np.linspace(0, len(images) - 1, min(len(images), _LOOKED_AT)).round().astype(np.int64)
    for start in range(0, len(places), 256):
        some = images[places[start : start + 256]]
        for channel in range(channels):
            counts[channel] += np.bincount(some[..., channel].reshape(-1), minlength=256)
    levels, total = np.arange(256) / 255, counts.sum(axis=1)
    mean = counts @ levels / total
    spread = np.sqrt(np.maximum(counts @ levels**2 / total - mean**2, 0))
    std = np.where(spread > 1e-4, spread, 1.0)
    return tuple(mean.tolist()), tuple(std.tolist())


def settle(config: CnnConfig, ready: Prepared) -> Generator[Record, None, CnnConfig]:
    """The settings with what depends on the data and the network, and the number of threads.

    Raises:
        DlkitError: (USAGE) settings that do not go together.

    """
    form, asked = ready.form, config.training.model_fields_set
    tuned = ready.beginning is not None or config.pretrained is not None
    usually = usual(
        config.model, height=form.height, width=form.width, channels=form.channels, tuned=tuned
    )
    training = {name: value for name, value in usually.training.items() if name not in asked}
    if "optimizer" in asked and config.training.optimizer != usually.training["optimizer"]:
        # What is usual with one optimizer is not with another.
        for name in ("lr", "nesterov", "momentum", "l2"):
            training.pop(name, None)
    if config.training.device == "cpu" and config.training.threads is None:
        import torch

        # So that another run, too, has as many: sums of other parts have other last bits.
        training["threads"] = torch.get_num_threads()
    if "precision" not in asked and has_bf16(config.training.device):
        training["precision"] = "bf16"
        yield Noted(
            "precision bf16, which the processor computes itself (--precision fp32: exacter)"
        )
    told = config.model_dump()
    told["training"] |= training
    if not tuned:
        network = told["network"]
        told["network"] |= {
            name: value for name, value in usually.network.items() if network[name] is None
        }
    steps = parse(usually.augment if config.augment is None else config.augment)
    check_images(steps, height=form.height, width=form.width, channels=form.channels)
    told["augment"] = written(steps)
    if config.augment is None and steps:
        yield Noted(
            f"augment {told['augment']}, as no other was asked for (none: images as they are; with "
            "flip they are mirrored, too)"
        )
    # Validated once more, a default 0 is the 0.0 that the saved settings are read as.
    return type(config).model_validate(told)


def _check(config: CnnConfig) -> None:
    """Do nothing if the network, its arguments and the optimizer are such as there are.

    Raises:
        DlkitError: (USAGE) they are not.

    """
    from dlkit.cnn.model import check

    if config.training.optimizer in ("lbfgs", "sdca"):
        raise DlkitError(
            f"--optimizer {config.training.optimizer} finds optima of linear classifiers",
            hint="--optimizer sgd",
            code=USAGE,
        )
    try:
        check(config.model, config.network.model_dump(exclude_none=True))
    except ValueError as problem:
        raise refused(config.model, problem) from None


def build(
    config: CnnConfig, ready: Prepared
) -> Generator[Record, None, tuple[Network, dict[str, Any]]]:
    """The network with its first weights, and the arguments that it is built again by.

    Raises:
        DlkitError: (USAGE) there is no such network, it does not take an argument, or it cannot
            work on such images; weights to begin with that are not there or do not fit.

    """
    from dlkit.training.seeding import seeded

    arguments = arguments_of(config, ready)
    try:
        with seeded(config.training.seed):
            model = network_of(arguments)
    except ValueError as problem:
        raise refused(config.model, problem) from None
    for note in model.notes:
        yield Noted(note)
    if ready.beginning is None and ready.weights is None:
        model.prepare(some_images(ready.train.images, _PREPARED_BY))
    else:
        yield from begin(model, ready.beginning or ready.weights)
    freeze(model, config.freeze)
    check_batches(model, ready.form, min(config.training.batch_size, len(ready.train)))
    return model, arguments


def refused(name: str, problem: Exception) -> DlkitError:
    """The error of a network that cannot be built; the reason may begin with its name."""
    why = " ".join(str(problem).split())[:300]
    told = why if why.startswith((f"{name} ", f"{name}: ")) else f"{name}: {why}"
    hint = "; ".join(getattr(problem, "__notes__", ()))
    return DlkitError(f"--model {told}", hint=hint, code=USAGE)


def arguments_of(config: CnnConfig, ready: Prepared) -> dict[str, Any]:
    """The arguments of the network that suits settings and data, in JSON's types."""
    if ready.beginning is not None:
        return dict(ready.beginning.document["model"])
    # Published weights want pixels scaled as they were when they were learnt.
    scaled: Prepared | Weights = ready if ready.weights is None else ready.weights
    mean, std = scaled.mean, scaled.std
    given = config.network.model_dump(mode="json", exclude_none=True)
    return {
        "name": config.model,
        "channels": ready.form.channels,
        "size": [ready.form.height, ready.form.width],
        "classes": len(ready.samples.classes),
        "mean": list(mean),
        "std": list(std),
        **given,
    }


def network_of(arguments: dict[str, Any]) -> Network:
    """The network that ``build`` told the arguments of.

    Raises:
        TypeError, ValueError: they are none.

    """
    from dlkit.cnn.model import build

    given = dict(arguments)
    height, width = given.pop("size")
    given = {name: tuple(each) if isinstance(each, list) else each for name, each in given.items()}
    for name in ("kernel", "convolutions"):
        if name in given and len(given[name]) == 1:  # one for all stages
            (given[name],) = given[name]
    return build(given.pop("name"), size=(height, width), **given)


def freeze(model: Network, what: str | None) -> None:
    """Let stages of a network stay as they are.

    Args:
        model: the network.
        what: all but the head (``all``), or so many of the first stages; None: nothing.

    Raises:
        DlkitError: (USAGE) it has fewer.

    """
    if what is None:
        return
    stages = model.stages
    if what != "all" and int(what) > len(stages):
        raise DlkitError(
            f"--freeze {what}: the network has {len(stages)} stages before its head",
            hint="--freeze all",
            code=USAGE,
        )
    chosen = stages if what == "all" else stages[: int(what)]
    model.freeze([name for stage in chosen for name in stage])


def some_images(images: Pixels, most: int) -> Tensor:
    """(n, C, H, W) at most so many of (N, H, W, C) images, evenly spread."""
    import torch

    places = np.linspace(0, len(images) - 1, min(len(images), most)).round().astype(np.int64)
    return torch.from_numpy(np.ascontiguousarray(images[places])).permute(0, 3, 1, 2)


def parameters_of(model: nn.Module) -> int:
    """How many numbers a network has to learn, frozen or not."""
    return sum(parameter.numel() for parameter in model.parameters())
