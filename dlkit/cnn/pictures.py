"""What ``inspect`` draws: filters, maps, receptive fields, where an image was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.report.svg import shortened
from dlkit.report.tiles import Tile, heated, signed, tiles_figure, warm

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.report.canvas import Figure

MOST: Final = 64  # filters, and maps of an image
_SMALLEST: Final = 88  # px: what is smaller is drawn over images that are made larger first


class Seen(NamedTuple):
    """What a network sees in one image.

    Attributes:
        file: where the image comes from.
        truth: its class; None: not known.
        guess: what it was taken for.
        guessed: the probability of that.
        label: the class that was asked about.
        probability: of that class.
        picture: (H, W, C) uint8.
        layer: whose maps they are.
        maps: (K, H', W').
        cam_layer: whose maps Grad-CAM weighs.
        cam: Grad-CAM of the class, (H', W').
        hidden: (rows, columns) the probability of the class with a grey patch at every place.

    """

    file: str
    truth: str | None
    guess: str
    guessed: float
    label: str
    probability: float
    picture: npt.NDArray[np.uint8]
    layer: str
    maps: npt.NDArray[np.float32]
    cam_layer: str
    cam: npt.NDArray[np.float32]
    hidden: npt.NDArray[np.float64]

    @property
    def drop(self) -> npt.NDArray[np.float64]:
        """By how much hiding each place lowers the probability, (rows, columns), 0 or more."""
        return np.maximum(0, self.probability - self.hidden)


class Reach(NamedTuple):
    """How far the unit in the middle of a layer's map sees.

    Attributes:
        layer: name.
        extent: of the receptive field, pixels down and across; None: not followed.
        held: side of the square that holds 95 % of the influence.
        two_sigma: side of a square of as many pixels as have 4.55 % of the strongest one's.
        field: (H, W) the influence.

    """

    layer: str
    extent: tuple[int, int] | None
    held: int
    two_sigma: float
    field: npt.NDArray[np.float64]


def filters_figure(layer: str, weights: npt.NDArray[Any], *, name: str) -> Figure:
    """The kernels (K, C, h, w) of the first convolution; of other than 3 channels one by one."""
    grids = weights.transpose(0, 2, 3, 1)
    lines = [f"{layer}: {len(weights):,} filters of {weights.shape[2]} x {weights.shape[3]}"]
    if grids.shape[3] == 3:
        lines[0] += "; each weight is the brightness of its colour, middle grey is 0"
    else:
        if grids.shape[3] > 1:
            lines[0] += f" on {grids.shape[3]} channels, the first of which is shown"
        grids = grids[..., :1]
        lines[0] += "; red is above 0, blue below"
    if len(grids) > MOST:
        lines[0] += f"; the first {MOST}"
    tiles = [Tile(picture, ()) for picture in signed(grids[:MOST])]
    return tiles_figure(tiles, title=f"{name}: what the first convolution looks for", lines=lines)


def maps_figure(seen: Seen, *, name: str) -> Figure:
    """The maps of one image, the image before them; each in a scale of its own."""
    maps = seen.maps
    lines = [f"{seen.file}; {seen.layer}: {len(maps):,} maps of {maps.shape[1]} x {maps.shape[2]}"]
    if len(maps) > MOST - 1:
        lines[0] += f", the first {MOST - 1}"
    lines.append("black is the lowest value of a map, light the highest, which stands under it")
    tiles = [Tile(seen.picture, ("the image",))]
    for number, each in enumerate(maps[: MOST - 1], 1):
        tiles.append(Tile(warm(scaled(each)), (f"{number}: {each.max():.3g}".replace("-", "−"),)))
    return tiles_figure(tiles, title=f"{name}: maps", lines=lines)


def looks_figure(found: Sequence[Seen], *, name: str) -> Figure:
    """Each image, Grad-CAM of the class over it, and where hiding lowers the class."""
    tiles = []
    for seen in found:
        tiles += [
            Tile(seen.picture, (_sign(seen) + seen.guess, f"{seen.guessed:.3g}", seen.file)),
            Tile(cam_picture(seen), ("Grad-CAM", seen.label, seen.cam_layer)),
            Tile(
                hidden_picture(seen),
                ("hiding lowers", f"{seen.label} to", f"{seen.hidden.min():.3g} of "
                 f"{seen.probability:.3g}"),
            ),
        ]  # fmt: skip
    lines = [
        "Grad-CAM: where the maps speak for the class; the light is the most of this image",
        "hiding: the lighter, the more a grey patch there lowers the probability of the class",
    ]
    return tiles_figure(tiles, title=f"{name}: where it looks", lines=lines, across=6)


def reach_figure(found: Sequence[Reach], *, name: str) -> Figure:
    """Effective receptive fields, each beside its numbers; the picture is the image's area."""
    tiles = []
    for each in found:
        sees = "not followed" if each.extent is None else f"sees {each.extent[0]:,} px"
        captions = (shortened(each.layer, 12, 98), sees, f"95 % in {each.held} px")
        tiles.append(Tile(warm(scaled(np.sqrt(each.field), least=0.0)), captions))
    lines = [
        "how strongly each pixel moves the unit in the middle of a layer's map; square root",
        "sees: the receptive field by arithmetic; 95 %: the side of the square with most of it",
    ]
    return tiles_figure(tiles, title=f"{name}: effective receptive fields", lines=lines)


def cam_picture(seen: Seen) -> npt.NDArray[np.uint8]:
    """Grad-CAM over the image, (H', W', 3)."""
    from dlkit.cnn.looking import enlarged

    ground = _ground(seen.picture)
    return heated(ground, scaled(enlarged(seen.cam[None], _size(ground))[0], least=0.0))


def hidden_picture(seen: Seen) -> npt.NDArray[np.uint8]:
    """By how much hiding lowers the probability, over the image, (H', W', 3); in whole cells."""
    ground = _ground(seen.picture)
    height, width = _size(ground)
    rows = np.arange(height) * seen.drop.shape[0] // height
    columns = np.arange(width) * seen.drop.shape[1] // width
    return heated(ground, scaled(seen.drop[np.ix_(rows, columns)], least=0.0))


def scaled(values: npt.NDArray[Any], *, least: float | None = None) -> npt.NDArray[np.float64]:
    """Numbers from ``least``, or the lowest of them, to the highest as 0 to 1; all 0 if equal."""
    low = float(values.min()) if least is None else least
    span = float(values.max()) - low
    if not span > 0:
        return np.zeros(values.shape)
    return np.asarray((values.astype(np.float64) - low) / span)


def figures(found: Mapping[str, Any], *, name: str) -> dict[str, Figure]:
    """The figures of what is there, by file name."""
    drawn: dict[str, Figure] = {}
    if found.get("filters") is not None:
        drawn["filters"] = filters_figure(*found["filters"], name=name)
    if found.get("reach"):
        drawn["fields"] = reach_figure(found["reach"], name=name)
    if found.get("seen"):
        drawn["looks"] = looks_figure(found["seen"], name=name)
        drawn["maps"] = maps_figure(found["seen"][0], name=name)
    return drawn


def _ground(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The image, its pixels repeated where it is so small that what lies over it would be steps."""
    times = -(-_SMALLEST // max(picture.shape[:2]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def _size(picture: npt.NDArray[np.uint8]) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _sign(seen: Seen) -> str:
    return "" if seen.truth is None else "✓ " if seen.truth == seen.guess else "✗ "
