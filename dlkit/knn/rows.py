"""Inputs to rows of numbers: encoded, preprocessed, flat; the same for points and queries."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.preprocess import Pipeline, fit, parse
from dlkit.encoders import Encoder, check_kind

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Inputs, Samples
    from dlkit.records import Record

    Rows = npt.NDArray[Any]  # (N, D) uint8 or float32


@dataclass(frozen=True, eq=False)
class Transform:
    """How an input becomes a row.

    Attributes:
        pipeline: the steps, fitted on training inputs.
        encoder: what encodes inputs before them; None: inputs are numbers already.

    """

    pipeline: Pipeline
    encoder: Encoder | None

    @property
    def text(self) -> str:
        """What rows are, in a word or two: pixels, a pipeline, an encoder's name."""
        parts = [self.encoder.source.reference] if self.encoder else []
        parts += [self.pipeline.text] if self.pipeline.steps else []
        kinds = "pixels" if self.pipeline.pixels else "columns"
        return ",".join(parts) or kinds

    def apply(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Rows]:
        """The rows (N, D) of ``inputs``, which messages call ``what``.

        Raises:
            DlkitError: the inputs have another shape than those that were learnt from.

        """
        numbers = yield from _encoded(inputs, self.encoder, what)
        return _flat(self.pipeline.apply(numbers))


def fit_rows(
    samples: Samples, preprocess: str, encoder: Encoder | None
) -> Generator[Record, None, tuple[Transform, Rows]]:
    """Learn from the training split what rows need; return that and the rows (N, D) themselves.

    Args:
        samples: the data.
        preprocess: steps, as ``data.preprocess.parse`` reads them.
        encoder: what encodes before; None: nothing.

    Raises:
        DlkitError: an unknown step, or one that does not suit; texts without an encoder.

    """
    wanted = parse(preprocess)
    check_kind(encoder, samples.kind, name=samples.name, inputs=samples.origin)
    numbers = yield from _encoded(samples.train.inputs, encoder, "train")
    pipeline, rows = yield from fit(wanted, numbers)
    return Transform(pipeline, encoder), _flat(rows)


def _encoded(
    inputs: Inputs, encoder: Encoder | None, what: str
) -> Generator[Record, None, npt.NDArray[Any]]:
    if encoder is not None:
        return (yield from encoder.encode(inputs, what=what))
    assert not isinstance(inputs, list)
    return inputs


def _flat(inputs: npt.NDArray[Any]) -> Rows:
    return np.ascontiguousarray(inputs.reshape(len(inputs), -1))
