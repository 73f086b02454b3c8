"""Inputs to rows of numbers: encoded, preprocessed, flat; the same for points and queries."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.data.preprocess import Pipeline, Wanted, fit, parse
from dlkit.encoders import Encoder, check_kind, encoded, flat, rows_text
from dlkit.records import Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Inputs, Samples
    from dlkit.records import Record

    Rows = npt.NDArray[Any]  # (N, D) uint8, float32 or float64

# Steps that learn numbers from training inputs; scale does from all but bytes.
_LEARNING: Final = ("centre", "standardise", "pca", "zca")
_BYTES_STAY: Final = ("grey", "resize", "crop")


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
        return rows_text(self.encoder, self.pipeline)

    def apply(self, inputs: Inputs, *, what: str) -> Generator[Record, None, Rows]:
        """The rows (N, D) of ``inputs``, which messages call ``what``.

        Raises:
            DlkitError: the inputs have another shape than those that were learnt from.

        """
        rows, _ = yield from self.apply_known(inputs, what=what)
        return rows

    def apply_known(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, tuple[Rows, npt.NDArray[np.bool_]]]:
        """As ``apply``, and (N,) which inputs say anything: not texts without a known word."""
        numbers = yield from encoded(inputs, self.encoder, what=what)
        blank = self.encoder is not None and self.encoder.kind == "texts"
        known = pointing(numbers) if blank else np.ones(len(numbers), bool)
        return flat(self.pipeline.apply(numbers)), known


class Fitted(NamedTuple):
    """What was learnt from a training split: the transform, its rows, and what these were before.

    Attributes:
        transform: how an input becomes a row.
        rows: (N, D) of the training split.
        numbers: (N, ...) the training inputs, encoded and not preprocessed.

    """

    transform: Transform
    rows: Rows
    numbers: npt.NDArray[Any]


def fit_rows(
    samples: Samples,
    preprocess: str,
    encoder: Encoder | None,
    *,
    text_column: str | None = None,
) -> Generator[Record, None, Fitted]:
    """Learn from the training split what rows need.

    Args:
        samples: the data.
        preprocess: steps, as ``data.preprocess.parse`` reads them.
        encoder: what encodes before; None: nothing.
        text_column: of a table of texts, if it was named, for a hint.

    Raises:
        DlkitError: an unknown step, or one that does not suit; texts without an encoder.

    """
    wanted = parse(preprocess)
    check_kind(
        encoder, samples.kind, name=samples.name, inputs=samples.origin, text_column=text_column
    )
    numbers = yield from encoded(samples.train.inputs, encoder, what="train")
    pipeline, rows = yield from fit(wanted, numbers)
    if any(step.name == "zca" for step in wanted) and len(rows) <= flat(rows).shape[1]:
        yield Warned(
            f"zca of {len(rows):,} samples of {flat(rows).shape[1]:,} numbers: whitened with no "
            "more samples than numbers, all lie about equally far from each other"
        )
    return Fitted(Transform(pipeline, encoder), flat(rows), numbers)


def learning(wanted: tuple[Wanted, ...], *, pixels: bool) -> int | None:
    """The place of the first step that learns numbers from training inputs; None: none does.

    Args:
        wanted: the steps.
        pixels: whether what goes into them is uint8.

    """
    for place, step in enumerate(wanted):
        if step.name in _LEARNING or (step.name == "scale" and not pixels):
            return place
        pixels = pixels and step.name in _BYTES_STAY
    return None


def pointing(rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of N rows (N, D) are not all zeros, (N,)."""
    return np.asarray((rows != 0).any(axis=1))
