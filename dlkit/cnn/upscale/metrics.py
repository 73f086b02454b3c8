"""How near a made image is to the true one: PSNR and SSIM, as the papers of the field measure.

Both images are bytes, converted to 64-bit numbers; ``scale`` pixels of the border are left out; of
colour images the brightness Y of ITU-R BT.601 (16 to 235, as MATLAB's rgb2ycbcr, not rounded) or
red, green and blue. PSNR is 10 log10(255^2 / mean squared difference). SSIM has a Gaussian window
of 11 x 11 and a deviation of 1.5 (Wang et al. 2004), of colours the mean over the channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Pixels

On = Literal["y", "rgb"]
METHODS: Final = ("network", "bicubic", "nearest")
_WINDOW: Final = 11  # pixels of SSIM's side


class Score(NamedTuple):
    """What a made image is worth.

    Attributes:
        psnr: dB; infinite where nothing differs.
        ssim: from -1 to 1; None: the image is too small for its window.

    """

    psnr: float
    ssim: float | None


class Mean(NamedTuple):
    """A mean over images, with an interval of 95 % (Student's t).

    Attributes:
        value: None: of no image.
        low: None: of fewer than two.
        high: likewise.
        images: how many.

    """

    value: float | None
    low: float | None
    high: float | None
    images: int


def score(truth: Pixels, made: Pixels, *, shave: int, on: On) -> Score:
    """How near ``made`` is to ``truth``.

    Args:
        truth: (H, W, C) bytes.
        made: the same shape.
        shave: pixels of each border that are left out; where nothing would be left, none are.
        on: y or rgb; grey images are as they are.

    """
    from skimage import metrics

    psnr_of: Any = metrics.peak_signal_noise_ratio
    ssim_of: Any = metrics.structural_similarity
    first, second = (_seen(image, shave, on) for image in (truth, made))
    if np.array_equal(first, second):
        psnr = math.inf
    else:
        psnr = float(psnr_of(first, second, data_range=255))
    if min(first.shape[:2]) < _WINDOW:
        return Score(psnr, None)
    ssim = ssim_of(
        first, second, data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    return Score(psnr, float(ssim))


def _seen(image: Pixels, shave: int, on: On) -> npt.NDArray[np.float64]:
    """(H, W, C) what is compared."""
    from skimage.color import rgb2ycbcr

    if min(image.shape[:2]) > 2 * shave:
        image = image[shave : image.shape[0] - shave, shave : image.shape[1] - shave]
    if image.shape[2] == 3 and on == "y":
        luma: npt.NDArray[np.float64] = rgb2ycbcr(image)[..., :1]
        return luma
    return image.astype(np.float64)


def mean(values: Sequence[float | None]) -> Mean:
    """The mean of numbers; those that are None or infinite are left out."""
    from scipy import stats  # type: ignore[import-untyped]

    some = np.array([value for value in values if value is not None and math.isfinite(value)])
    if not len(some):
        return Mean(None, None, None, 0)
    middle = float(some.mean())
    if len(some) < 2:
        return Mean(middle, None, None, len(some))
    half = float(stats.t.ppf(0.975, len(some) - 1) * some.std(ddof=1) / math.sqrt(len(some)))
    return Mean(middle, middle - half, middle + half, len(some))


class Row(NamedTuple):
    """One image's scores.

    Attributes:
        file: its name.
        height: of the large image, pixels.
        width: likewise.
        scores: by method.

    """

    file: str
    height: int
    width: int
    scores: dict[str, Score]

    @property
    def gain(self) -> float:
        """By how many dB the network is above bicubic interpolation; NaN where both are exact."""
        return self.scores["network"].psnr - self.scores["bicubic"].psnr

    def document(self) -> dict[str, Any]:
        """In JSON's types; an infinite PSNR is null."""
        told: dict[str, Any] = {"file": self.file, "width": self.width, "height": self.height}
        for method, each in self.scores.items():
            told[f"{method}_psnr"] = each.psnr if math.isfinite(each.psnr) else None
            told[f"{method}_ssim"] = each.ssim
        return told


class Scores(NamedTuple):
    """The means over images.

    Attributes:
        psnr: by method.
        ssim: by method.
        gain: of the network over bicubic interpolation, image by image, dB.
        ssim_gain: likewise.
        images: how many.
        exact: images of which a method's PSNR is infinite: no mean has them.
        small: images that are too small for SSIM.

    """

    psnr: dict[str, Mean]
    ssim: dict[str, Mean]
    gain: Mean
    ssim_gain: Mean
    images: int
    exact: int
    small: int

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        told: dict[str, Any] = {"images": self.images, "exact": self.exact}
        for name, means in (("psnr", self.psnr), ("ssim", self.ssim)):
            for method, each in means.items():
                told |= _named(f"{method}_{name}", each)
        return told | _named("gain_psnr", self.gain) | _named("gain_ssim", self.ssim_gain)


def _named(name: str, each: Mean) -> dict[str, Any]:
    return {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}


def summed(rows: Sequence[Row]) -> Scores:
    """The means over images; one of which any method's PSNR is infinite is in none of PSNR."""
    sound = [row for row in rows if all(math.isfinite(s.psnr) for s in row.scores.values())]
    large = [row for row in rows if row.scores["bicubic"].ssim is not None]
    ssims = {name: [row.scores[name].ssim for row in large] for name in METHODS}
    gains = [(ours or 0.0) - (theirs or 0.0)
             for ours, theirs in zip(ssims["network"], ssims["bicubic"], strict=True)]  # fmt: skip
    return Scores(
        {name: mean([row.scores[name].psnr for row in sound]) for name in METHODS},
        {name: mean(ssims[name]) for name in METHODS},
        mean([row.gain for row in sound]),
        mean(gains),
        len(rows),
        len(rows) - len(sound),
        len(rows) - len(large),
    )
