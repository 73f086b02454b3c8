"""What is drawn of upscaling: images side by side, and which frequencies come back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.cnn.upscale.patches import resized, seen
from dlkit.report.learning import Line, Panel, learning_figure
from dlkit.report.tiles import Tile, tiles_figure, warm

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.cnn.upscale.evaluate import Made
    from dlkit.data.samples import Pixels
    from dlkit.report.canvas import Figure

_CROP: Final = 48  # pixels of a crop's side, of the large image
_WHOLE: Final = 320  # pixels of the longer side of a whole image that is shown
_SIDE: Final = 150.0  # px of a picture
_LONGEST: Final = 20  # characters of a file's name
_BINS: Final = 24  # of frequencies
_MOST_PLACES: Final = 4_096  # places at which a crop is tried


class Spectrum(NamedTuple):
    """How much of the true images' power each way brings back, by frequency.

    Attributes:
        frequencies: (K,) middle of each bin, 1 is the highest that the large image can have.
        shares: by method, (K,) of the power of the true images' that the difference does not have:
            1 is all, 0 as much wrong as there is.

    """

    frequencies: npt.NDArray[np.float64]
    shares: dict[str, npt.NDArray[np.float64]]


def sides_figure(shown: Sequence[Made], *, name: str, scale: int) -> Figure:
    """Each image whole, and where the network gains most: nearest, bicubic, network, truth."""
    tiles = []
    crops = [crop_of(made) for made in shown]
    # Of images that are no larger than a crop the whole stands there once.
    whole = any(side < min(made.truth.shape[:2]) or made.truth.shape[0] != made.truth.shape[1]
                for (_, _, side), made in zip(crops, shown, strict=True))  # fmt: skip
    for (top, left, side), made in zip(crops, shown, strict=True):
        scores = made.row.scores
        small = resized(made.small, (made.truth.shape[0], made.truth.shape[1]), "nearest")
        parts = [each[top : top + side, left : left + side]
                 for each in (small, made.bicubic, made.network, made.truth)]  # fmt: skip
        file = made.row.file
        file = file if len(file) <= _LONGEST else f"…{file[1 - _LONGEST :]}"
        size = f"{made.row.width}x{made.row.height}"
        if whole:
            tiles.append(Tile(_framed(made.truth, top, left, side), (file, size)))
        tiles += [
            Tile(parts[0], ("small", _told(scores["nearest"].psnr))),
            Tile(parts[1], ("bicubic", _told(scores["bicubic"].psnr))),
            Tile(parts[2], ("network", _told(scores["network"].psnr))),
            Tile(parts[3], ("truth", "" if whole else file)),
        ]
    line = "PSNR is of the whole image"
    if whole:
        line = f"the square in which the network gains most over bicubic interpolation; {line}"
    return tiles_figure(
        tiles, title=f"{name}: x{scale}", lines=[line], across=4 + whole, side=_SIDE
    )


def _told(psnr: float) -> str:
    return f"{psnr:.2f} dB" if math.isfinite(psnr) else "exact"


def crop_of(made: Made) -> tuple[int, int, int]:
    """Top, left and side of the square in which the network gains most over bicubic."""
    truth = made.truth.astype(np.float64)
    errors = [np.square(each - truth).mean(axis=2) for each in (made.bicubic, made.network)]
    gain = errors[0] - errors[1]
    height, width = gain.shape
    side = min(_CROP, height, width)
    sums = np.pad(gain, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    found = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    step = max(1, math.ceil(math.sqrt(found.size / _MOST_PLACES)))
    some = found[::step, ::step]
    row, column = np.unravel_index(int(some.argmax()), some.shape)
    return int(row) * step, int(column) * step, side


def _framed(image: Pixels, top: int, left: int, side: int) -> Pixels:
    """The whole image, no larger than is shown, with a line around a square of it."""
    made = np.ascontiguousarray(seen(image, 3)).copy()
    height, width = made.shape[:2]
    times = max(height, width) / _WHOLE
    if side < min(height, width):
        thick = max(1, round(2 * times))
        bottom, right = top + side, left + side
        outer = np.zeros((height, width), bool)
        outer[max(0, top - thick) : bottom + thick, max(0, left - thick) : right + thick] = True
        outer[top:bottom, left:right] = False
        made[outer] = (214, 39, 40)
    if times > 1:
        made = resized(made, (max(1, int(height / times)), max(1, int(width / times))), "bicubic")
    return made


def errors_figure(shown: Sequence[Made], *, name: str) -> Figure:
    """Where bicubic interpolation and the network are wrong, in one scale for each image."""
    tiles = []
    for made in shown:
        truth = made.truth.astype(np.float64)
        errors = {
            way: np.abs(each - truth).mean(axis=2)
            for way, each in (("bicubic", made.bicubic), ("network", made.network))
        }
        most = float(np.percentile(errors["bicubic"], 99.5)) or 1.0
        for way, error in errors.items():
            picture = _reduced(warm(np.minimum(error / most, 1)))
            tiles.append(Tile(picture, (way, f"mean {error.mean():.2f} of 255")))
    lines = ["absolute difference from the truth; the lighter, the more, alike in a pair"]
    return tiles_figure(tiles, title=f"{name}: where it is wrong", lines=lines, across=4,
                        side=_SIDE)  # fmt: skip


def _reduced(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    times = max(height, width) / _WHOLE
    if times <= 1:
        return image
    return resized(image, (max(1, int(height / times)), max(1, int(width / times))), "bicubic")


def spectrum_of(shown: Sequence[Made]) -> Spectrum:
    """The share of the power that comes back, by frequency, over all images together."""
    total = np.zeros(_BINS)
    wrong = {name: np.zeros(_BINS) for name in ("bicubic", "network")}
    for made in shown:
        truth = seen(made.truth, 1)[..., 0].astype(np.float64)
        bins = _bins(*truth.shape)
        down, across = (np.hanning(side + 2)[1:-1] for side in truth.shape)
        window = np.outer(down, across)
        total += _power((truth - truth.mean()) * window, bins)
        for name, each in (("bicubic", made.bicubic), ("network", made.network)):
            difference = seen(each, 1)[..., 0].astype(np.float64) - truth
            wrong[name] += _power(difference * window, bins)
    there = total > 0
    middles = (np.arange(_BINS) + 0.5) / _BINS
    shares = {name: 1 - power[there] / total[there] for name, power in wrong.items()}
    return Spectrum(middles[there], shares)


def _bins(height: int, width: int) -> npt.NDArray[np.int64]:
    """(H, W // 2 + 1) the bin of each frequency; those beyond an axis' highest in the last."""
    down, across = np.fft.fftfreq(height)[:, None] * 2, np.fft.rfftfreq(width)[None] * 2
    radius: Any = np.minimum((np.hypot(down, across) * _BINS).astype(np.int64), _BINS - 1)
    return radius  # type: ignore[no-any-return]


def _power(image: npt.NDArray[np.float64], bins: npt.NDArray[np.int64]) -> Any:
    power = np.abs(np.fft.rfft2(image)) ** 2 / image.size
    return np.bincount(bins.ravel(), power.ravel(), _BINS)


def spectrum_figure(found: Spectrum, *, name: str, scale: int) -> Figure:
    """What of the images' power comes back; the small image holds frequencies up to 1 / scale."""
    lines = [
        Line(way, [(float(x), float(max(y, -1.0)))
                   for x, y in zip(found.frequencies, shares, strict=True)])
        for way, shares in found.shares.items()
    ]  # fmt: skip
    return learning_figure(
        [Panel("share of the power", lines, percent=True)],
        title=f"{name}: which frequencies come back",
        x="frequency; 1: the highest of the large image",
        subtitle=f"dashed: 1/{scale}, the highest that the small image holds",
        marked=1 / scale,
    )


def curves_figure(
    history: Sequence[dict[str, Any]], *, name: str, best: int | None = None
) -> Figure:
    """Loss and PSNR of each epoch, of the training and of the validation patches."""
    panels = []
    for metric, title in (("loss", "loss"), ("psnr", "PSNR, dB")):
        lines = []
        for key, label in ((metric, "training"), (f"validation_{metric}", "validation")):
            points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
            if points:
                lines.append(Line(label, points))
        if lines:
            panels.append(Panel(title, lines))
    subtitle = "" if best is None else f"dashed: epoch {best}, whose weights were kept"
    return learning_figure(panels, title=f"{name}: learning", subtitle=subtitle, marked=best)
