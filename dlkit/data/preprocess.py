"""Preprocessing as named steps: written ``grey,hog`` or ``scale,pca:64``, fitted on training data.

What the steps learnt is kept as JSON and arrays, and applied again to whatever is predicted.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np

from dlkit.data.arrays import new_array
from dlkit.data.scaling import Centre, Pca, Scale, Standardise, Zca
from dlkit.data.steps import Array, Contrast, Crop, Grey, Hog, Resize
from dlkit.data.wording import shown
from dlkit.errors import DAMAGED, USAGE, DlkitError
from dlkit.machine import cores
from dlkit.records import Record, Step

_AT_ONCE: Final = 256  # images or rows a thread takes at a time
_BYTES: Final = 1 << 22  # of them at most
_LARGEST_INPUT: Final = 1 << 28  # numbers


class Fitted(Protocol):
    """A step that has learnt what it needs."""

    @property
    def name(self) -> str:
        """As it is written."""

    def apply(self, inputs: Array) -> Array:
        """The step's outputs, one for each input."""


# Each step, and the arguments that may follow its name after colons.
STEPS: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "grey": (Grey, ()),
    "resize": (Resize, ("size",)),
    "crop": (Crop, ("size",)),
    "contrast": (Contrast, ("epsilon?",)),
    "scale": (Scale, ()),
    "centre": (Centre, ()),
    "standardise": (Standardise, ()),
    "pca": (Pca, ("components",)),
    "zca": (Zca, ("epsilon?",)),
    "hog": (Hog, ("orientations?", "cell?")),
}


@dataclass(frozen=True)
class Wanted:
    """A step as it is asked for: its name, what was written, and its arguments."""

    name: str
    text: str
    arguments: tuple[float, ...]


def parse(text: str) -> tuple[Wanted, ...]:
    """The steps that a list such as ``resize:32,grey,hog:9:8`` names.

    Raises:
        DlkitError: (USAGE) an unknown step, or an argument that it cannot have.

    """
    return tuple(_parse(part.strip()) for part in text.split(",")) if text.strip() else ()


def _parse(text: str) -> Wanted:
    name, *given = text.split(":")
    if name not in STEPS:
        close = difflib.get_close_matches(name, STEPS, n=1)
        raise DlkitError(
            f"unknown step {shown(name)!r}",
            hint=f"did you mean {close[0]}" if close else f"there are {', '.join(STEPS)}",
            code=USAGE,
        )
    kinds = STEPS[name][1]
    least = sum(not kind.endswith("?") for kind in kinds)
    if not least <= len(given) <= len(kinds):
        usage = name + "".join(f"[:{k[:-1]}]" if k.endswith("?") else f":{k}" for k in kinds)
        raise DlkitError(f"the step {shown(text)}: write it {usage}", code=USAGE)
    arguments: list[float] = []
    for kind, value in zip(kinds, given, strict=False):
        arguments += _argument(kind.rstrip("?"), value, text)
    return Wanted(name, text, tuple(arguments))


def _argument(kind: str, value: str, text: str) -> list[float]:
    try:
        if kind == "size":
            width, _, height = value.partition("x")
            sides: list[float] = [int(width), int(height or width)]
            if all(1 <= side <= 16_384 for side in sides):
                return sides
            raise ValueError
        number = float(value)
        if kind == "epsilon" and 0 <= number < math.inf:
            return [number]
        if kind == "components" and 0 < number < 1:
            return [number]
        if kind != "epsilon" and number.is_integer() and 1 <= number <= 100_000:
            return [int(number)]
    except ValueError:
        pass
    allowed = {
        "size": "a side or WIDTHxHEIGHT in pixels",
        "epsilon": "0 or more",
        "components": "a number of components, or the share of the variance to keep",
    }
    raise DlkitError(
        f"the step {shown(text)}: {kind} must be {allowed.get(kind, 'a whole number from 1')}",
        code=USAGE,
    )


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Steps that have been fitted, for inputs of one shape.

    Attributes:
        text: as they were written.
        steps: in order.
        shape: of one input, (H, W, C) or (D,).
        pixels: whether inputs are uint8.

    """

    text: str
    steps: tuple[Fitted, ...]
    shape: tuple[int, ...]
    pixels: bool

    def apply(self, inputs: Array) -> Array:
        """The outputs for inputs of any number, (N, …) uint8, float32 or float64.

        Raises:
            DlkitError: the inputs have another shape than those that were learnt from.

        """
        if inputs.shape[1:] != self.shape or (inputs.dtype == np.uint8) != self.pixels:
            raise DlkitError(
                f"inputs of shape {inputs.shape[1:]} {inputs.dtype}, but the preprocessing was "
                f"fitted on {self.shape}"
            )
        for step in self.steps:
            inputs = _apply(step, inputs)
        return inputs

    def document(self) -> dict[str, Any]:
        """What the steps learnt, in JSON's types; arrays are in ``tensors``."""
        return {
            "text": self.text,
            "shape": list(self.shape),
            "pixels": self.pixels,
            "steps": [
                {"name": step.name} | {k: v for k, v in _values(step) if not _is_array(v)}
                for step in self.steps
            ],
        }

    def tensors(self) -> dict[str, Array]:
        """The arrays that the steps learnt, by ``preprocess.PLACE.NAME``."""
        return {
            f"preprocess.{place}.{name}": value
            for place, step in enumerate(self.steps)
            for name, value in _values(step)
            if _is_array(value)
        }


def fit(
    wanted: Sequence[Wanted], inputs: Array, *, text: str = ""
) -> Generator[Record, None, tuple[Pipeline, Array]]:
    """Fit steps one after the other on training inputs, and nothing else.

    Args:
        wanted: the steps.
        inputs: of the training split, (N, H, W, C) uint8, or (N, D) float32 or float64.
        text: as the steps were written; None: as they are now.

    Returns:
        The fitted steps, and the training inputs with them applied.

    Raises:
        DlkitError: a step that does not suit the inputs.

    """
    shape, pixels = inputs.shape[1:], inputs.dtype == np.uint8
    steps: list[Fitted] = []
    for place, each in enumerate(wanted):
        yield Step(f"preprocessing: {each.text}", place, len(wanted), "steps", 0)
        step: Fitted = STEPS[each.name][0].fit(inputs, *each.arguments)
        inputs = _apply(step, inputs)
        steps.append(step)
    written = text or ",".join(each.text for each in wanted)
    return Pipeline(written, tuple(steps), shape, bool(pixels)), inputs


def _apply(step: Fitted, inputs: Array) -> Array:
    """The outputs of a step; one that works image by image does so in threads."""
    at_once = max(1, min(_AT_ONCE, _BYTES // max(1, inputs[:1].nbytes)))
    if not isinstance(step, (Hog, Resize)) or len(inputs) <= at_once:
        return step.apply(inputs)
    starts = range(0, len(inputs), at_once)
    with ThreadPoolExecutor(max_workers=cores()) as pool:
        parts = pool.map(lambda start: step.apply(inputs[start : start + at_once]), starts)
        out: Array | None = None
        for start, part in zip(starts, parts, strict=True):
            if out is None:
                out = new_array((len(inputs), *part.shape[1:]), part.dtype)
            out[start : start + len(part)] = part
    assert out is not None
    return out


def read_pipeline(document: Any, tensors: Mapping[str, Array], *, where: str) -> Pipeline:
    """The fitted steps that an artifact holds.

    Args:
        document: as ``Pipeline.document`` made it.
        tensors: those of ``Pipeline.tensors`` among them.
        where: the artifact's file, for messages.

    Raises:
        DlkitError: (DAMAGED) they do not fit each other, or hold what is not finite.

    """
    try:
        steps = []
        for place, entry in enumerate(document["steps"]):
            cls = STEPS[entry["name"]][0]
            values: dict[str, Any] = {}
            for each in fields(cls):
                if each.type == "Array":
                    values[each.name] = np.asarray(tensors[f"preprocess.{place}.{each.name}"])
                else:
                    values[each.name] = _plain(entry[each.name], each.type)
            steps.append(cls(**values))
        shape = tuple(int(_plain(side, "int")) for side in document["shape"])
        if not 1 <= len(shape) <= 3 or math.prod(shape) > _LARGEST_INPUT:
            raise ValueError(shape)
        pipeline = Pipeline(str(document["text"]), tuple(steps), shape, bool(document["pixels"]))
        # One input shows whether shapes fit, before any real one does.
        tried = np.zeros((1, *shape), np.uint8 if pipeline.pixels else np.float32)
        if not np.isfinite(pipeline.apply(tried)).all():
            raise ValueError("not finite")
    except (KeyError, TypeError, ValueError, IndexError, MemoryError, DlkitError) as error:
        raise DlkitError(f"{where}: the preprocessing is damaged", code=DAMAGED) from error
    return pipeline


def _plain(value: Any, kind: object) -> float:
    if kind == "int" and type(value) is int and 1 <= value <= 1 << 24:
        return value
    if kind == "float" and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    raise ValueError(value)


def _values(step: Fitted) -> list[tuple[str, Any]]:
    return [(each.name, getattr(step, each.name)) for each in fields(step)]  # type: ignore[arg-type]


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)
