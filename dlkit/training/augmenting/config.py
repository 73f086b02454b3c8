"""Augmentation as a list of named steps, written ``flip,crop:4,cutout:8,mixup:0.2``.

A step is its name and, after colons, its parameters in their order; what is left out or left empty
has its default. Nothing here knows tensors: a mistake is told before PyTorch is loaded.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dlkit.errors import USAGE, DlkitError

MIXING: Final = ("mixup", "cutmix")  # steps that mix the labels, too
_LONGEST: Final = 2_000  # characters of a list

Value = int | float | str


class Parameter(NamedTuple):
    """What may follow a step's name: a number from ``low`` to ``high``, or one of ``choices``."""

    name: str
    default: Value
    what: str
    low: float = 0
    high: float = 1
    choices: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return isinstance(self.default, int)

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} to {self.high:g}"


class Kind(NamedTuple):
    """A step that there is: what it does, in a line, and its parameters."""

    what: str
    parameters: tuple[Parameter, ...] = ()


_EDGE: Final = Parameter(
    "edge", "zeros", "what comes in at an edge", choices=("zeros", "reflect", "repeat")
)

STEPS: Final[dict[str, Kind]] = {
    "flip": Kind(
        "mirrored: left and right by chance or in every other epoch, or up and down by chance",
        (Parameter("way", "random", "how", choices=("random", "alternating", "vertical")),),
    ),
    "crop": Kind(
        "moved by up to so many pixels each way, as by a random crop after padding",
        (Parameter("pixels", 4, "padding on each side", 1, 512), _EDGE),
    ),
    "affine": Kind(
        "turned, moved, scaled and sheared at once",
        (
            Parameter("degrees", 10.0, "turned by up to", 0, 180),
            Parameter("shift", 0.1, "moved by up to this share of the side", 0, 1),
            Parameter("scale", 0.1, "larger or smaller by up to this share", 0, 4),
            Parameter("shear", 0.0, "sheared by up to so many degrees", 0, 60),
            _EDGE,
        ),
    ),
    "rotate": Kind(
        "turned",
        (Parameter("degrees", 10.0, "by up to", 0, 180), _EDGE),
    ),
    "cutout": Kind(
        "a square at a random place hidden (DeVries and Taylor 2017)",
        (Parameter("side", 8, "of the square, in pixels", 1, 4096),),
    ),
    "erase": Kind(
        "a random box filled with random pixels (Zhong et al. 2017)",
        (
            Parameter("share", 0.5, "of the images"),
            Parameter("least", 0.02, "share of the image that the box has", 1e-4, 1),
            Parameter("most", 0.4, "share of the image that the box has", 1e-4, 1),
        ),
    ),
    "jitter": Kind(
        "other brightness, contrast, saturation and hue; grey images have only the first two",
        (
            Parameter("brightness", 0.2, "times 1 - b to 1 + b", 0, 1),
            Parameter("contrast", 0.2, "likewise", 0, 1),
            Parameter("saturation", 0.2, "likewise", 0, 1),
            Parameter("hue", 0.0, "moved by up to this share of the circle", 0, 0.5),
        ),
    ),
    "grey": Kind("without colour", (Parameter("share", 0.1, "of the images"),)),
    "randaugment": Kind(
        "so many of 14 operations in turn, each drawn for each image (Cubuk et al. 2020)",
        (
            Parameter("operations", 2, "for each image", 1, 14),
            Parameter("magnitude", 9, "of them, of 30", 0, 30),
        ),
    ),
    "mixup": Kind(
        "two images and their labels blended (Zhang et al. 2018); comes last",
        (Parameter("alpha", 0.2, "the share is drawn from Beta(alpha, alpha)", 1e-3, 100),),
    ),
    "cutmix": Kind(
        "a box of another image, labels in proportion (Yun et al. 2019); comes last",
        (Parameter("alpha", 1.0, "the share is drawn from Beta(alpha, alpha)", 1e-3, 100),),
    ),
}


@dataclass(frozen=True)
class Step:
    """A step as it is asked for: its name and a value for each of its parameters."""

    name: str
    values: Mapping[str, Value]

    @property
    def text(self) -> str:
        """As it is written, with all values."""
        return ":".join([self.name, *(_plain(value) for value in self.values.values())])


def parse(steps: str | Sequence[str]) -> tuple[Step, ...]:
    """The steps that a list such as ``flip,crop:4`` names; an empty one, or ``none``, has none.

    Raises:
        DlkitError: (USAGE) an unknown step, a value that it cannot have, steps that do not go
            together.

    """
    try:
        return _parsed(steps)
    except ValueError as mistake:
        hint = "; ".join(getattr(mistake, "__notes__", ()))
        raise DlkitError(f"augmentation: {mistake}", hint=hint, code=USAGE) from None


def checked(steps: str) -> str:
    """``steps`` if it can be parsed: for a setting.

    Raises:
        ValueError: it cannot; its notes are hints.

    """
    try:
        _parsed(steps)
    except ValueError as mistake:
        told = ValueError(f"must be a list of steps ({mistake})")
        told.__notes__ = list(getattr(mistake, "__notes__", ()))
        raise told from None
    return steps


def written(steps: Sequence[Step]) -> str:
    """The list again, with every value: what is done does not change with a default."""
    return ",".join(step.text for step in steps) or "none"


def mixes(steps: Sequence[Step]) -> bool:
    """Whether labels are mixed."""
    return any(step.name in MIXING for step in steps)


def check_images(steps: Sequence[Step], *, height: int, width: int, channels: int) -> None:
    """Do nothing if every step can be done to such images.

    Raises:
        DlkitError: (USAGE) one cannot.

    """
    side = min(height, width)
    size = f"{width}x{height}"
    for step in steps:
        wrong, hint = "", ""
        if step.name == "crop":
            pixels = int(step.values["pixels"])
            if pixels >= side:
                wrong, hint = (
                    f"images of {size} cannot be moved so far",
                    f"crop:{max(side // 8, 1)}",
                )
        elif step.name == "cutout" and int(step.values["side"]) >= 2 * side:
            wrong, hint = f"it hides images of {size} whole", f"cutout:{max(side // 4, 1)}"
        elif step.name == "randaugment" and channels not in (1, 3):
            wrong = f"it is for grey and colour images; these have {channels} channels"
        elif step.name == "grey" and channels != 3:
            wrong, hint = "the images have no colour", "leave it out"
        if wrong:
            raise DlkitError(f"augmentation {step.text}: {wrong}", hint=hint, code=USAGE)


def _parsed(steps: str | Sequence[str]) -> tuple[Step, ...]:
    parts = steps.split(",") if isinstance(steps, str) else list(steps)
    parts = [part.strip() for part in parts]
    if len(",".join(parts)) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST:,} characters")
    if parts in ([], [""], ["none"]):
        return ()
    found = tuple(map(_step, parts))
    names = [step.name for step in found]
    last = [name in MIXING for name in names]
    if last != sorted(last):
        ordered = sorted(zip(last, parts, strict=True), key=lambda pair: pair[0])
        raise _mistake(
            f"{names[last.index(True)]} must come last", ",".join(part for _, part in ordered)
        )
    for name in MIXING:
        if names.count(name) > 1:
            raise _mistake(f"{name} must stand once", "one of them")
    return found


def _step(text: str) -> Step:
    name, *given = text.split(":")
    kind = STEPS.get(name)
    if kind is None:
        close = difflib.get_close_matches(name, STEPS, n=1)
        hint = (
            f"did you mean {close[0]} (default: {_usual(close[0]).text})?"
            if close
            else f"there are {', '.join(STEPS)}"
        )
        raise _mistake(f"{_shown(name)} is no step", hint)
    if len(given) > len(kind.parameters):
        usage = name + "".join(f"[:{each.name}" for each in kind.parameters)
        usage += "]" * len(kind.parameters)
        raise _mistake(f"{_shown(text)} has too many values", f"write it {usage}")
    values = dict(_usual(name).values)
    for parameter, value in zip(kind.parameters, given, strict=False):
        if value.strip():
            values[parameter.name] = _value(parameter, value.strip(), text)
    if name == "erase" and float(values["least"]) > float(values["most"]):
        raise _mistake(f"{text}: the least share must not be above the most", _usual(name).text)
    return Step(name, values)


def _usual(name: str) -> Step:
    return Step(name, {each.name: each.default for each in STEPS[name].parameters})


def _value(parameter: Parameter, text: str, step: str) -> Value:
    if parameter.choices:
        if text in parameter.choices:
            return text
        close = difflib.get_close_matches(text, parameter.choices, n=1)
        hint = f"did you mean {close[0]} " if close else f"{parameter.name}: {parameter.what} "
    else:
        hint = f"{parameter.name}: {parameter.what} "
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if parameter.low <= number <= parameter.high:
            if not parameter.whole:
                return number
            if number.is_integer():
                return int(number)
    raise _mistake(
        f"{_shown(step)}: {parameter.name} must be {parameter.allowed}",
        f"{hint}(default: {_plain(parameter.default)})",
    )


def _mistake(message: str, hint: str) -> ValueError:
    mistake = ValueError(message)
    mistake.add_note(hint)
    return mistake


def _shown(text: str) -> str:
    return repr(text[:40])


def _plain(value: Value) -> str:
    """A value as it is written: the shortest digits that give it again."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
