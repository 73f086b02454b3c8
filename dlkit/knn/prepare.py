"""Data read and made rows of: what training and evaluation begin with."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.data.loading import load
from dlkit.data.preprocess import Wanted, parse
from dlkit.data.wording import shown
from dlkit.encoders import Encoder, open_encoder, read_for
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.asking import Points
from dlkit.knn.rows import Transform, fit_rows
from dlkit.records import Noted, Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Samples
    from dlkit.knn.config import KnnConfig

_UNEVEN: Final = 10  # times: of the deviations of two columns
_EVEN: Final = ("scale", "standardise", "zca")  # steps after which columns weigh alike


class Prepared(NamedTuple):
    """Data that were read and made rows of.

    Attributes:
        samples: the data.
        transform: how an input becomes a row.
        points: the training split's rows.
        numbers: (N, ...) what these were before the preprocessing.
        wanted: its steps.

    """

    samples: Samples
    transform: Transform
    points: Points
    numbers: npt.NDArray[Any]
    wanted: tuple[Wanted, ...]


def prepare(config: KnnConfig) -> Generator[Record, None, Prepared]:
    """Read ``config.data``, and learn from its training split what rows need.

    Raises:
        DlkitError: no or unreadable data, an unknown step, no such encoder.

    """
    if not config.data:
        raise DlkitError("no data given", hint="give DATA, such as builtin:digits", code=USAGE)
    wanted = parse(config.preprocess)  # mistakes are told before the data are read
    encoder: Encoder | None = open_encoder(config.features) if config.features else None
    # A signal ends this at once: nothing can be saved yet. It does not within kernels' compiler,
    # whose callbacks must not raise; the search looks at signals itself.
    with signals.waiting():
        reading = read_for(encoder, config.input)
        samples = yield from load(config.data, config.input, seed=config.seed, reading=reading)
        yield from uneven(samples, wanted)
        column = config.input.text_column
        transform, rows, numbers = yield from fit_rows(
            samples, config.preprocess, encoder, text_column=column
        )
    points = Points(rows, samples.train.labels, samples.classes)
    return Prepared(samples, transform, points, numbers, wanted)


def uneven(samples: Samples, wanted: tuple[Wanted, ...]) -> Iterator[Noted]:
    """Tell of a table whose columns differ so much in size that few of them decide distances."""
    if samples.kind != "table" or any(step.name in _EVEN for step in wanted):
        return
    deviations = samples.train.rows.std(axis=0, dtype=np.float64)
    moving = np.flatnonzero(deviations > 0)
    if not len(moving):
        return
    most = int(moving[deviations[moving].argmax()])
    least = int(moving[deviations[moving].argmin()])
    if deviations[most] > _UNEVEN * deviations[least]:
        large, small = (shown(samples.columns[place]) for place in (most, least))
        yield Noted(
            f"the column {large} has a standard deviation of {deviations[most]:.3g}, {small} one "
            f"of {deviations[least]:.3g}: as they are, the larger decides the distance "
            "(--preprocess standardise makes them alike)"
        )
