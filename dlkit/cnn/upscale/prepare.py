"""Images found and cut to patches, some of them set aside, and what the settings leave open."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.cnn.begun import check_network
from dlkit.cnn.upscale.collection import Collection, collect
from dlkit.cnn.upscale.cutting import Sizes, cut_all, sizes_of
from dlkit.cnn.upscale.patches import LEAST, Grid
from dlkit.data.wording import counted
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record
from dlkit.training.machine import check_device, has_bf16
from dlkit.training.running import check_data
from dlkit.training.validation import split

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.cnn.upscale.contents import Pictures
    from dlkit.cnn.upscale.model import Upscaler
    from dlkit.cnn.upscale.saved import SavedUpscaler

EXAMPLE: Final = "dlkit cnn upscale train builtin:mnist5k"
_JUDGED: Final = 4_000  # patches that epochs are judged by, at most
_SMALL: Final = 5  # per cent of the images that may be too small for a patch
# What nobody asked for otherwise, by network.
_USUAL: Final[dict[str, dict[str, Any]]] = {
    "espcn": {"optimizer": "adamw", "lr": 2e-3, "schedule": "one-cycle", "epochs": 20,
              "batch_size": 32},
    "edsr": {"optimizer": "adamw", "lr": 1e-3, "schedule": "one-cycle", "epochs": 12,
             "batch_size": 32},
}  # fmt: skip
_LOSSES: Final = {"espcn": "l2", "edsr": "l1"}
_TUNED: Final = 0.1  # of the usual learning rate, where a trained network is gone on with


class Prepared(NamedTuple):
    """What a training begins with.

    Attributes:
        collection: the images; of the test split nothing was decoded.
        train: the images that are learnt from.
        validation: those that epochs are judged by; None: nothing was set aside.
        grid: how patches are cut.
        rows: (N, ``grid.row``) the patches to learn from, bytes.
        judged: (M, ``grid.row``) those to judge by; None: there are none.
        beginning: the artifact that is begun with; None: there is none.

    """

    collection: Collection
    train: Pictures
    validation: Pictures | None
    grid: Grid
    rows: npt.NDArray[np.uint8]
    judged: npt.NDArray[np.uint8] | None
    beginning: SavedUpscaler | None = None


def prepare(config: UpscaleConfig) -> Generator[Record, None, Prepared]:
    """Find the images of ``config.data``, set some aside, and cut them to patches.

    Raises:
        DlkitError: no or unreadable data, images that are too small, no such device; settings that
            do not go together.

    """
    check_data(config.data, example=EXAMPLE)
    _check(config)
    beginning = _opened(config)
    seed = config.training.seed
    collection = yield from collect(config.data, config.input, seed=seed)
    learnt, judged = collection.splits["train"], None
    if config.training.validation and "validation" in collection.splits:
        judged = collection.splits["validation"]
        yield Noted(f"validation: the data's own split of {counted(len(judged), 'image')}")
    elif config.training.validation:
        zeros = np.zeros(len(learnt), np.int64)
        ours, theirs = split(zeros, config.training.validation, seed=seed, groups=learnt.digests)
        if len(ours) and len(theirs):
            learnt, judged = learnt.take(ours), learnt.take(theirs)
        else:
            yield Noted("too few images to set any aside for validation")
    how: dict[str, Any] = {"seed": seed, "skip_bad": config.input.skip_bad}
    sizes = yield from sizes_of(learnt, skip_bad=config.input.skip_bad)
    grid = yield from _grid(config, sizes)
    rows = yield from cut_all(learnt, sizes, grid, "training", most=config.patches, **how)
    checked = None
    if judged is not None:
        sizes = yield from sizes_of(judged, skip_bad=config.input.skip_bad)
        most = min(_JUDGED, config.patches)
        checked = yield from cut_all(judged, sizes, grid, "validation", most=most, **how)
    return Prepared(collection, learnt, judged, grid, rows, checked, beginning)


def _check(config: UpscaleConfig) -> None:
    """Do nothing if the settings go together.

    Raises:
        DlkitError: (USAGE) they do not.

    """
    check_device(config.training.device)
    training, network = config.training, config.network
    if training.optimizer in ("lbfgs", "sdca"):
        raise DlkitError(
            f"--optimizer {training.optimizer} finds optima of linear classifiers",
            hint="--optimizer adamw",
            code=USAGE,
        )
    if training.label_smoothing or training.class_weights != "none":
        raise DlkitError("label_smoothing and class_weights are of classifiers", code=USAGE)
    takes = {"espcn": ("widths",), "edsr": ("blocks", "width", "residual_scale")}
    for name, value in network.model_dump().items():
        if value is not None and name not in takes[config.model]:
            other = "edsr" if config.model == "espcn" else "espcn"
            raise DlkitError(
                f"network.{name} is of {other}, not of {config.model}",
                hint=f"--model {other}",
                code=USAGE,
            )


def _opened(config: UpscaleConfig) -> SavedUpscaler | None:
    """The artifact to begin with.

    Raises:
        DlkitError: there is none, or (USAGE) the settings are of another network.

    """
    if config.begin is None:
        return None
    from dlkit.artifacts.finding import find
    from dlkit.cnn.upscale.saved import KIND, open_upscaler

    found = open_upscaler(find(config.begin, kinds={KIND}))
    own = {"model": found.document["model"]["name"], "scale": found.scale,
           "channels": "y" if found.model.channels == 1 else "rgb"}  # fmt: skip
    for name, value in own.items():
        if getattr(config, name) != value:
            raise DlkitError(
                f"{name} cannot change from {value}, which {found.reference} has",
                hint="leave out --from, or what is another",
                code=USAGE,
            )
    check_network(config.network, found.settings().network, found.reference)
    return found


def _grid(config: UpscaleConfig, sizes: Sizes) -> Generator[Record, None, Grid]:
    """The patches that nearly all images have room for.

    Raises:
        DlkitError: the images are too small.

    """
    shorter = np.sort([min(size) for size in sizes.values()]) // config.scale
    room = int(shorter[len(shorter) * _SMALL // 100])
    side = min(config.patch, room)
    if side < LEAST:
        raise DlkitError(
            f"images of {room * config.scale} pixels are too small to learn x{config.scale} from: "
            f"{LEAST * config.scale} are the least",
            hint="larger images, or a smaller --scale",
        )
    if side < config.patch:
        yield Noted(
            f"patches of {side} pixels of the small image, {side * config.scale} of the large one: "
            "the images are no larger"
        )
    return Grid(config.scale, side, 1 if config.channels == "y" else 3)


def settle(config: UpscaleConfig) -> Generator[Record, None, UpscaleConfig]:
    """The settings with what depends on the network, and the number of threads."""
    asked = config.training.model_fields_set
    usual = dict(_USUAL[config.model])
    if config.begin is not None:
        usual["lr"] *= _TUNED
    if "optimizer" in asked and config.training.optimizer != usual["optimizer"]:
        usual.pop("lr")
    training = {name: value for name, value in usual.items() if name not in asked}
    if config.training.device == "cpu" and config.training.threads is None:
        import torch

        # So that another run, too, has as many: sums of other parts have other last bits.
        training["threads"] = torch.get_num_threads()
    if "precision" not in asked and has_bf16(config.training.device):
        training["precision"] = "bf16"
        yield Noted(
            "precision bf16, which the processor computes itself (--precision fp32: exacter)"
        )
    told_ = config.model_dump()
    told_["training"] |= training
    told_["loss"] = config.loss or _LOSSES[config.model]
    return type(config).model_validate(told_)


def build(config: UpscaleConfig, ready: Prepared) -> tuple[Upscaler, dict[str, Any]]:
    """The network with its first weights, and the arguments that it is built again by."""
    from dlkit.training.seeding import seeded

    given = config.network.model_dump(mode="json", exclude_none=True)
    if ready.beginning is not None:
        arguments = dict(ready.beginning.document["model"])
    else:
        arguments = {"name": config.model, "scale": config.scale,
                     "channels": ready.grid.channels, **given}  # fmt: skip
    with seeded(config.training.seed):
        model = network_of(arguments)
    if ready.beginning is not None:
        model.load_state_dict(ready.beginning.model.state_dict())
    return model, arguments


def network_of(arguments: dict[str, Any]) -> Upscaler:
    """The network that ``build`` told the arguments of.

    Raises:
        TypeError, ValueError: they are none.

    """
    from dlkit.cnn.upscale.model import build

    given = dict(arguments)
    return build(given.pop("name"), **given)
