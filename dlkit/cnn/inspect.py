"""What a network has learnt: its layers in numbers, how far it sees, where it looks."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.classifiers.evaluate import read_asked
from dlkit.cnn import looking
from dlkit.cnn.architecture import Facts, facts_of
from dlkit.cnn.occlusion import occlusion_map
from dlkit.cnn.pictures import Reach, Seen
from dlkit.cnn.receptive import effective, held_by, two_sigma
from dlkit.data.queries import read_queries
from dlkit.errors import NOT_FOUND, DlkitError, quoted
from dlkit.records import Noted, Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn

    from dlkit.classifiers.evaluate import Asked
    from dlkit.cnn.layers import Table
    from dlkit.cnn.saved import ImageClassifier
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Pixels, Split

SHOWN: Final = 4  # images that are looked at if none are named
_MEASURED: Final = 32  # images that effective receptive fields are the mean of
_REACHES: Final = 8  # layers whose fields are measured, at most


class Wish(NamedTuple):
    """What is asked for.

    Attributes:
        numbers: samples of the test split, from 1; none: some of them.
        files: images of the user's instead of them.
        layer: whose maps are looked at; None: the last.
        label: the class that is asked about; None: of each image what it is taken for.
        patch: side of what hides, in pixels; None: a quarter of the shorter side.

    """

    numbers: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    layer: str | None = None
    label: str | None = None
    patch: int | None = None


class Inspection(NamedTuple):
    """What was found.

    Attributes:
        facts: the architecture.
        name: of the images that were looked at; empty: none were.
        filters: name and weights (K, C, h, w) of the first convolution.
        reach: effective receptive fields, of the first layers first.
        seen: the images that were looked at.

    """

    facts: Facts
    name: str = ""
    filters: tuple[str, npt.NDArray[np.float32]] | None = None
    reach: Sequence[Reach] = ()
    seen: Sequence[Seen] = ()


def inspect(
    classifier: ImageClassifier, asked: Asked | None, wish: Wish, *, reading: SampleConfig
) -> Generator[Record, None, Inspection]:
    """Look at a network and at what it makes of images.

    Args:
        classifier: the artifact.
        asked: the data whose test split is looked at; None: no images are, but for files.
        wish: which of them, and what of them.
        reading: how files are read.

    Raises:
        DlkitError: unreadable data; (NOT_FOUND) no such sample, layer or class.
        StoppedError: a signal came.

    """
    with signals.catch() as stop:
        form, model = classifier.form, classifier.model
        facts = facts_of(model, channels=form.channels, size=(form.height, form.width))
        layer = _layer(facts.table, wish.layer)
        label = None if wish.label is None else _label(classifier, wish.label)
        filters = looking.first_filters(model)
        if asked is None and not wish.files:
            return Inspection(facts, filters=filters)
        if wish.files:
            split = yield from read_queries(wish.files, form, reading)
            name, looked = "files", split
        else:
            assert asked is not None
            split, name = yield from _judged_by(classifier, asked)
            looked = split.take(_places(wish.numbers, split, name))
        if not len(looked):
            raise DlkitError(f"{name}: there are no images to look at", code=NOT_FOUND)
        stop.check()
        reach: list[Reach] = []
        maps_of = layer
        if layer is not None:
            chosen = _chosen(model, facts.table, layer)
            if wish.layer is None:  # the first that are more than edges and not yet a few places
                maps_of = chosen[min(1, len(chosen) - 1)]
            for each in chosen:
                reach.append(_reach(model, facts.table, each, split.images))
                yield Step("measuring how far units see", len(reach), None, "layers", 0)
                stop.check()
        seen = []
        for place in range(len(looked)):
            if layer is None or maps_of is None:
                yield Noted("the network has no maps to look at")
                break
            which = (layer, maps_of)
            seen.append((yield from _look(classifier, looked, place, which, label, wish.patch)))
            stop.check()
        return Inspection(facts, name, filters, reach, seen)


def _judged_by(
    classifier: ImageClassifier, asked: Asked
) -> Generator[Record, None, tuple[Split, str]]:
    """The test split, or if there is none the training split, and the name of the data."""
    samples = yield from read_asked(classifier, asked)
    if len(samples.test):
        return samples.test, samples.name
    yield Noted(f"{samples.name} has no test split: training samples are looked at")
    return samples.train, samples.name


def _places(numbers: Sequence[int], split: Split, name: str) -> npt.NDArray[np.int64]:
    """Places of the samples that are looked at.

    Raises:
        DlkitError: (NOT_FOUND) there are not so many.

    """
    if not numbers:
        most = min(SHOWN, len(split))
        return np.linspace(0, len(split) - 1, most).round().astype(np.int64)
    if max(numbers) > len(split):
        raise DlkitError(
            f"--sample {max(numbers)}: the test split of {name} has {len(split):,} samples",
            hint=f"--sample {len(split)}",
            code=NOT_FOUND,
        )
    return np.array(numbers, np.int64) - 1


def _layer(found: Table, asked: str | None) -> str | None:
    """The module whose maps are looked at; None: the network has none.

    Raises:
        DlkitError: (NOT_FOUND) the one that was asked for gives no maps.

    """
    if asked is None:
        return found.last_map()
    if asked not in found.maps:
        near = get_close_matches(asked, found.maps, 3, 0.3) or list(found.maps)[-3:]
        raise DlkitError(
            f"--layer {asked}: no module of that name gives maps",
            hint=f"such as {', '.join(near)}; the table of layers has their names",
            code=NOT_FOUND,
        )
    return asked


def _label(classifier: ImageClassifier, asked: str) -> int:
    if asked not in classifier.classes:
        near = get_close_matches(asked, classifier.classes, 3, 0.3) or classifier.classes[:3]
        raise DlkitError(
            f"--class {asked}: {classifier.reference} does not know that class",
            hint=f"--class {quoted(near[0])}" if near else "",
            code=NOT_FOUND,
        )
    return classifier.classes.index(asked)


def _chosen(model: nn.Module, found: Table, layer: str) -> list[str]:
    """The layers whose fields are measured: the ends of the stages, and the one looked at."""
    ends = [names[-1] for names in getattr(model, "stages", ()) if names]
    chosen: dict[int, str] = {}  # a network and its last stage give the same maps
    for name in (layer, *ends):
        if name in found.maps:
            chosen[found.maps[name].number] = name
    ordered = [name for name in found.maps if name in chosen.values()]
    some = np.linspace(0, len(ordered) - 1, min(_REACHES, len(ordered))).round().astype(int)
    return [ordered[place] for place in some.tolist()]


def _reach(model: nn.Module, found: Table, layer: str, images: Pixels) -> Reach:
    some = np.linspace(0, len(images) - 1, min(_MEASURED, len(images))).round().astype(np.int64)
    field = effective(model, _tensor(images[some], model), layer=layer)
    return Reach(layer, found.maps[layer].extent, held_by(field), two_sigma(field), field)


def _look(
    classifier: ImageClassifier,
    split: Split,
    place: int,
    layers: tuple[str, str],
    label: int | None,
    patch: int | None,
) -> Generator[Record, None, Seen]:
    """What the network sees in one image: Grad-CAM of one layer, the maps of another."""
    model, classes = classifier.model, classifier.classes
    picture = np.asarray(split.images[place])
    images = _tensor(picture[None], model)
    values = looking.probabilities(model, images)[0]
    guess = int(values.argmax())
    about = guess if label is None else label
    truth = int(split.labels[place])
    colour = grey_of(model, channels=picture.shape[2])
    hidden = yield from occlusion_map(model, images[0], about, colour=colour, patch=patch)
    return Seen(
        split.paths[place],
        None if truth < 0 else classes[truth],
        classes[guess],
        float(values[guess]),
        classes[about],
        float(values[about]),
        picture,
        layers[1],
        looking.feature_maps(model, images, layers[1])[0],
        layers[0],
        looking.grad_cam(model, images, [about], layer=layers[0])[0],
        hidden,
    )


def grey_of(model: nn.Module, *, channels: int) -> list[float]:
    """The mean colour of the training images, from 0 to 1, as the network keeps it."""
    pixels = getattr(model, "pixels", None)
    if pixels is None:
        return [0.5] * channels
    mean = [float(value) for value in pixels.mean.flatten()]
    # A grey image is shown three times to a network that was made for colours.
    return mean if len(mean) == channels else [math.fsum(mean) / len(mean)] * channels


def _tensor(images: Pixels, model: nn.Module) -> Tensor:
    """(B, C, H, W) from 0 to 1, where the network is, of (B, H, W, C) bytes."""
    import torch

    device = next(model.parameters()).device
    whole = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return whole.permute(0, 3, 1, 2).float() / 255
