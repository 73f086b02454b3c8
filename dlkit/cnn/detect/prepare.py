"""Images and boxes read, some of them set aside to judge by, what the settings leave open."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from dlkit.cnn.begun import check_network
from dlkit.cnn.detect.collection import Collection, Split, collect
from dlkit.cnn.detect.finding import SHAPES
from dlkit.cnn.detect.scoring import check_evaluator
from dlkit.cnn.detect.usual import SIDES, usual
from dlkit.data.wording import counted
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record
from dlkit.training.machine import check_device, has_bf16
from dlkit.training.running import check_data
from dlkit.training.validation import split

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import DetectConfig
    from dlkit.cnn.detect.model import Detector
    from dlkit.cnn.detect.saved import SavedDetector
    from dlkit.cnn.network import Network
    from dlkit.cnn.weights import Weights

EXAMPLE: Final = f"dlkit cnn detect train builtin:{SHAPES}"
_MEAN: Final = (0.485, 0.456, 0.406)  # of the pixels of photographs (ImageNet)
_STD: Final = (0.229, 0.224, 0.225)


class Prepared(NamedTuple):
    """What a training begins with.

    Attributes:
        collection: the data; of them the training split alone was looked at.
        train: what is learnt from.
        validation: what epochs are judged by; None: nothing was set aside.
        size: (height, width) of the network's images.
        beginning: the artifact that is begun with; None: there is none.
        weights: published ones that are begun with; None: there are none.

    """

    collection: Collection
    train: Split
    validation: Split | None
    size: tuple[int, int]
    beginning: SavedDetector | None = None
    weights: Weights | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return self.collection.classes


def prepare(config: DetectConfig) -> Generator[Record, None, Prepared]:
    """Read ``config.data`` and set validation images aside.

    Raises:
        DlkitError: no or unreadable data, no such device, settings that do not go together.

    """
    check_data(config.data, example=EXAMPLE)
    _check(config)
    beginning = _opened(config)
    if beginning is not None:
        began = beginning.settings()
        check_network(config.network, began.network, beginning.reference)
        if config.pretrained not in (None, began.pretrained):
            raise DlkitError(
                f"--pretrained {config.pretrained}: {beginning.reference} has weights already",
                hint="leave out --from or --pretrained",
                code=USAGE,
            )
    weights = None
    if config.pretrained is not None and beginning is None:
        from dlkit.cnn.weights import fetch

        weights = yield from fetch(config.pretrained)
    size = size_of(config, beginning)
    if config.input.size is None and config.data != (f"builtin:{SHAPES}",) and beginning is None:
        yield Noted(
            f"images are made {size[1]}x{size[0]} pixels, their shape kept, the rest black (--size)"
        )
    seed = config.training.seed
    collection = yield from collect(
        config.data, config.input, size=size, seed=seed,
        classes=None if beginning is None else beginning.classes,
    )  # fmt: skip
    learnt, judged = collection.splits["train"], None
    share = config.training.validation
    if share and "validation" in collection.splits:
        judged = collection.splits["validation"]
        yield Noted(f"validation: the data's own split of {counted(len(judged), 'image')}")
    elif share:
        zeros = np.zeros(len(learnt), np.int64)
        ours, theirs = split(zeros, share, seed=seed, groups=learnt.digests)
        if len(ours) and len(theirs):
            learnt, judged = learnt.take(ours), learnt.take(theirs)
        else:
            yield Noted("too few images to set any aside for validation")
    if not sum(int((~each.crowd).sum()) for each in learnt.objects):
        raise DlkitError(f"{collection.name}: the images to learn from have no box")
    if judged is not None and not judged.boxes:
        yield Noted("the validation images have no box: the last epoch's weights are kept")
        judged = None
    return Prepared(collection, learnt, judged, size, beginning, weights)


def size_of(config: DetectConfig, beginning: SavedDetector | None) -> tuple[int, int]:
    """(height, width) that images are made: asked for, an artifact's, or usual."""
    asked = config.input.height_and_width
    if asked is not None:
        return asked
    if beginning is not None:
        return beginning.size
    if config.data == (f"builtin:{SHAPES}",):
        from dlkit.data.scenes import SIDE

        return SIDE, SIDE
    return SIDES[config.model], SIDES[config.model]


def _check(config: DetectConfig) -> None:
    """Do nothing if the settings go together.

    Raises:
        DlkitError: (USAGE) they do not; the evaluator that judges epochs is not installed.

    """
    training = config.training
    check_device(training.device)
    if training.optimizer in ("lbfgs", "sdca"):
        raise DlkitError(
            f"--optimizer {training.optimizer} finds optima of linear classifiers",
            hint="--optimizer adamw",
            code=USAGE,
        )
    if training.label_smoothing or training.class_weights != "none":
        raise DlkitError("label_smoothing and class_weights are of classifiers", code=USAGE)
    if training.compile:
        raise DlkitError("detectors are not compiled: what they find has no fixed size", code=USAGE)
    asked = config.input.height_and_width
    if asked is not None and (min(asked) < 32 or max(asked) > 4096):
        raise DlkitError(f"--size {config.input.size}: from 32 to 4,096 pixels a side", code=USAGE)
    if training.validation:
        check_evaluator()


def _opened(config: DetectConfig) -> SavedDetector | None:
    """The artifact to begin with.

    Raises:
        DlkitError: there is none, or (USAGE) the settings are of another network.

    """
    if config.begin is None:
        return None
    from dlkit.artifacts.finding import find
    from dlkit.cnn.detect.saved import KIND, open_detector

    found = open_detector(find(config.begin, kinds={KIND}))
    if config.model != found.model.name:
        raise DlkitError(
            f"model cannot change from {found.model.name}, which {found.reference} has",
            hint="leave out --from, or --model",
            code=USAGE,
        )
    return found


def settle(config: DetectConfig, ready: Prepared) -> Generator[Record, None, DetectConfig]:
    """The settings with what depends on the data and the network, and the number of threads."""
    asked = config.training.model_fields_set
    tuned = ready.beginning is not None or ready.weights is not None
    usually = usual(config.model, tuned=tuned)
    training = {name: value for name, value in usually.items() if name not in asked}
    if "optimizer" in asked and config.training.optimizer != usually["optimizer"]:
        for name in ("lr", "l2"):  # what is usual with one optimizer is not with another
            training.pop(name, None)
    if config.training.device == "cpu" and config.training.threads is None:
        import torch

        training["threads"] = torch.get_num_threads()
    if "precision" not in asked and has_bf16(config.training.device):
        training["precision"] = "bf16"
        yield Noted(
            "precision bf16, which the processor computes itself (--precision fp32: exacter)"
        )
    told = config.model_dump()
    told["training"] |= training
    if ready.beginning is None and config.model == "small":
        from dlkit.cnn.detect.small_model import CHANNELS, WIDTHS

        network = told["network"]
        network["widths"] = network["widths"] or WIDTHS
        network["channels"] = network["channels"] or CHANNELS
    return type(config).model_validate(told)


def build(
    config: DetectConfig, ready: Prepared
) -> Generator[Record, None, tuple[Detector, dict[str, Any]]]:
    """The network with its first weights, and the arguments that it is built again by.

    Raises:
        DlkitError: (USAGE) the network does not take an argument; weights that do not fit.

    """
    from dlkit.cnn.detect.model import network_of
    from dlkit.training.seeding import seeded

    arguments = _arguments(config, ready)
    try:
        with seeded(config.training.seed):
            model = network_of(arguments)
    except (TypeError, ValueError) as problem:
        raise DlkitError(f"--model {config.model}: {problem}", code=USAGE) from None
    _check_batches(model, ready, config)
    if ready.beginning is not None:
        model.load_state_dict(ready.beginning.model.state_dict())
    elif ready.weights is not None:
        from dlkit.cnn.pretrained import load

        yield from load(cast("Network", model), ready.weights)
        if count := model.freeze_norms():
            yield Noted(
                f"{counted(count, 'batch normalisation')} of the backbone stay as published: a "
                "batch of detection has few images"
            )
    return model, arguments


def _check_batches(model: Detector, ready: Prepared, config: DetectConfig) -> None:
    """Do nothing if every normalisation has two or more numbers of a channel.

    Raises:
        DlkitError: (USAGE) one image at a time leaves it one.

    """
    if min(config.training.batch_size, len(ready.train)) > 1:
        return
    from dlkit.cnn.detect.inspect import levels

    if any(each.height * each.width == 1 for each in levels(model, ready.size)):
        raise DlkitError(
            f"a batch of one image leaves {config.model} one number of a channel to normalise",
            hint="--batch-size 2 or more, and as many images, or larger ones (--size)",
            code=USAGE,
        )


def _arguments(config: DetectConfig, ready: Prepared) -> dict[str, Any]:
    """The arguments of the network that suits settings and data, in JSON's types."""
    if ready.beginning is not None:
        return {**ready.beginning.document["model"], "size": list(ready.size)}
    mean, std = _MEAN, _STD
    if ready.weights is not None:
        mean, std = ready.weights.mean, ready.weights.std  # type: ignore[assignment]
    return {
        "name": config.model,
        "size": list(ready.size),
        "classes": len(ready.classes),
        "mean": list(mean),
        "std": list(std),
        **config.network.model_dump(mode="json", exclude_none=True),
    }
