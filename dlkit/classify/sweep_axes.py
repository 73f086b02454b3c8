"""What a sweep goes over: settings with their values or ranges, and the trials that they make."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from dlkit.classify.config import ClassifyConfig
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError

MOST: Final = 10_000  # trials of a sweep
_EXAMPLE: Final = "--over l2=0,0.001,0.1 --over hidden=16,64,64+64"
_OTHER_NAMES: Final = {"λ": "l2", "lambda": "l2", "width": "hidden"}
_FIXED: Final = ("data", "keep")  # what trials cannot differ in
# Settings that are one text though it may hold commas.
_LISTS: Final = ("preprocess",)
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")


class Axis(NamedTuple):
    """A setting that the trials differ in.

    Attributes:
        name: as it is shown: l2.
        key: dotted: training.l2.
        values: as they were typed; empty for a range.
        ends: least and largest of a range, as they were typed.

    """

    name: str
    key: str
    values: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None


class Trial(NamedTuple):
    """One setting of the axes: its number from 1, the values, and the whole settings."""

    number: int
    knobs: dict[str, Any]
    config: ClassifyConfig


def parse(texts: Sequence[str]) -> list[Axis]:
    """The axes of ``--over KEY=VALUE,VALUE…``.

    Raises:
        DlkitError: (USAGE) an unknown key, no values, one twice.

    """
    if not texts:
        raise DlkitError("--over: nothing to go over", hint=_EXAMPLE, code=USAGE)
    keys = _keys()
    axes: list[Axis] = []
    for text in texts:
        name, equals, values = text.partition("=")
        name = _OTHER_NAMES.get(name.strip(), name.strip())
        if not equals or not values.strip():
            raise DlkitError(
                f"--over {text}: not of the form KEY=VALUE,…", hint=_EXAMPLE, code=USAGE
            )
        key = next((key for key in keys.values() if key == name), keys.get(name))
        if key is None or key in _FIXED:
            why = "is the same for all trials" if key else "no setting is called so"
            close = difflib.get_close_matches(
                name, [each for each in keys if each not in _FIXED], 1
            )
            hint = f"did you mean {close[0]}?" if close and not key else _EXAMPLE
            raise DlkitError(f"--over {name}: {why}", hint=hint, code=USAGE)
        short = key.rpartition(".")[2]
        axis = _axis(short if keys[short] == key else key, key, values)
        if any(axis.key == other.key for other in axes):
            raise DlkitError(f"--over {axis.name} is given twice", hint=_EXAMPLE, code=USAGE)
        axes.append(axis)
    return axes


def _axis(name: str, key: str, text: str) -> Axis:
    if found := _RANGE.fullmatch(text.strip()):
        low, high = found[1], found[2]
        if not float(low) < float(high) < math.inf:
            raise DlkitError(f"--over {name}={text}: {low} is not below {high}", code=USAGE)
        return Axis(name, key, ends=(low, high))
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise DlkitError(f"--over {name}={text}: a value is empty", hint=_EXAMPLE, code=USAGE)
    return Axis(name, key, parts)


def _keys() -> dict[str, str]:
    """Every setting's dotted key by its short name; of equal ones the first counts."""
    found: dict[str, str] = {}
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in ClassifyConfig.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            nested.append((name, kind))
        else:
            found[name] = name
    for prefix, schema in sorted(nested, key=lambda pair: pair[0] != "training"):
        for name in schema.model_fields:
            found.setdefault(name, f"{prefix}.{name}")
            found.setdefault(f"{prefix}.{name}", f"{prefix}.{name}")
    return found


def trials(
    axes: Sequence[Axis],
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
    random: int | None = None,
) -> list[Trial]:
    """The trials: all combinations, the last axis moving fastest, or ``random`` drawn ones.

    Args:
        axes: what differs.
        recipe: of the other settings.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        random: how many to draw, by the seed of the settings; of a range that begins above 0
            log-uniformly, else uniformly, to three digits.

    Raises:
        DlkitError: (USAGE) a value that does not fit, a range without ``random``, equal or too
            many trials, a setting that is given and gone over.

    """
    given = {key for key, value in (options or {}).items() if value is not None}
    given |= {text.partition("=")[0].strip() for text in sets}
    for axis in axes:
        if axis.key in given:
            raise DlkitError(
                f"{axis.name} is given and gone over, too", hint=f"--over {axis.name}=…", code=USAGE
            )
    if random is None:
        wanted = _grid(axes)
    else:
        seed = resolve(ClassifyConfig, recipe=recipe, sets=sets, options=options).training.seed
        wanted = _drawn(axes, random, seed)
    found: list[Trial] = []
    for values in wanted:
        over = [_assignment(axis, value) for axis, value in zip(axes, values, strict=True)]
        try:
            config = resolve(ClassifyConfig, recipe=recipe, sets=[*sets, *over], options=options)
        except DlkitError as problem:
            told = problem.message
            for axis in axes:
                told = told.replace(f"--set {axis.key}:", f"--over {axis.name}:")
            raise DlkitError(told, hint=problem.hint, code=problem.code) from None
        knobs = {axis.name: _value(config, axis.key) for axis in axes}
        found.append(Trial(len(found) + 1, knobs, config))
    _refuse_equals(found)
    return found


def _refuse_equals(found: Sequence[Trial]) -> None:
    seen: dict[str, int] = {}
    for trial in found:
        told = ", ".join(f"{name}={label(value)}" for name, value in trial.knobs.items())
        if told in seen:
            raise DlkitError(f"--over: {told} stands there twice", code=USAGE)
        seen[told] = trial.number


def _grid(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    for axis in axes:
        if axis.ends is not None:
            raise DlkitError(
                f"--over {axis.name}={'..'.join(axis.ends)}: a range is for drawn trials",
                hint=f"--random 20, or values: --over {axis.name}={','.join(axis.ends)}",
                code=USAGE,
            )
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST:
        raise DlkitError(
            f"{count:,} trials; at most {MOST:,} are made", hint="--random 100", code=USAGE
        )
    return list(itertools.product(*(axis.values for axis in axes)))


def _drawn(axes: Sequence[Axis], count: int, seed: int) -> list[tuple[str, ...]]:
    import numpy as np

    if not 1 <= count <= MOST:
        raise DlkitError(f"--random: must be from 1 to {MOST:,}, not {count}", code=USAGE)
    generator = np.random.default_rng(seed)
    found: dict[tuple[str, ...], None] = {}
    if all(axis.values for axis in axes):
        grid = _grid(axes)
        if count < len(grid):
            return [grid[place] for place in generator.permutation(len(grid))[:count].tolist()]
        return grid
    for _ in range(100 * count):
        found[tuple(_draw(axis, generator) for axis in axes)] = None
        if len(found) == count:
            return list(found)
    raise DlkitError(
        f"--random {count}: the ranges hold only {len(found)} different trials",
        hint=f"--random {len(found)}",
        code=USAGE,
    )


def _draw(axis: Axis, generator: Any) -> str:
    if axis.ends is None:
        return axis.values[int(generator.integers(len(axis.values)))]
    low, high = map(float, axis.ends)
    if low > 0:
        value = math.exp(generator.uniform(math.log(low), math.log(high)))
    else:
        value = generator.uniform(low, high)
    if all(re.fullmatch(r"[+-]?\d+", end) for end in axis.ends) and _whole(axis.key):
        return str(min(int(high), max(int(low), round(value))))
    return repr(min(high, max(low, float(f"{value:.3g}"))))


def _annotation(key: str) -> Any:
    schema: Any = ClassifyConfig
    for part in key.split("."):
        schema = schema.model_fields[part].annotation
    return schema


def _kinds(key: str) -> tuple[Any, ...]:
    """The plain types of a setting, those within lists, too."""
    annotation = _annotation(key)
    kinds = get_args(annotation) if get_origin(annotation) is not None else (annotation,)
    return tuple(kind for each in kinds for kind in (get_args(each)[:1] or (each,)))


def _whole(key: str) -> bool:
    kinds = _kinds(key)
    return int in kinds and float not in kinds


def _assignment(axis: Axis, value: str) -> str:
    """``value`` as ``--set`` takes it: + joins what commas part there; none is nothing."""
    several = get_origin(_annotation(axis.key)) is tuple
    if several or axis.name in _LISTS:
        value = value.replace("+", ",")
    if several and value in ("none", "0"):
        value = ""
    elif value == "none" and type(None) in _kinds(axis.key) and axis.name not in _LISTS:
        value = "null"
    return f"{axis.key}={value}"


def _value(config: ClassifyConfig, key: str) -> Any:
    value: Any = config.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def label(value: object) -> str:
    """A value of a knob as it is shown and typed: 64+64, none, 0.001."""
    if isinstance(value, (list, tuple)):
        return "+".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace(",", "+")
