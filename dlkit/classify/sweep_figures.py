"""The pictures of a sweep: curves over each knob, a grid of two, decision boundaries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classify.sweep import Sweep, told
from dlkit.classify.sweep_axes import label
from dlkit.classify.sweep_trial import area_of, unpacked
from dlkit.report import boundary, grid
from dlkit.report.axes import decade_ticks, tick_text
from dlkit.report.learning import Line, Panel, learning_figure

if TYPE_CHECKING:
    from dlkit.classify.prepare import Prepared
    from dlkit.report.canvas import Figure

_MOST_PLACES: Final = 12  # values of a knob that stand evenly spaced
_APART: Final = 0.008  # of the axis, between the dots of train and validation
_ABREAST: Final = 6  # maps side by side where rows have no knob


def figures(sweep: Sweep, ready: Prepared) -> dict[str, Figure]:
    """The pictures by name: a grid of two knobs or curves of each, and maps of the plane."""
    good = [each for each in sweep.results() if not each["problem"]]
    data = ready.samples.name
    counts = f"{len(ready.train.labels):,} training samples"
    if ready.validation is not None:
        counts += f", {len(ready.validation.labels):,} validation samples"
    found: dict[str, Figure] = {}
    places = {name: _places(sweep, name) for name in sweep.axes}
    if len(sweep.axes) == 2 and _is_grid(sweep, places):
        found["grid"] = _grid(sweep, good, places, f"Accuracy on {data}, %", counts)
    for name in sweep.axes:
        if len({label(each["knobs"][name]) for each in good}) > 1:
            found[f"over-{name.replace('_', '-').replace('.', '-')}"] = _curves(
                sweep, good, name, places[name], f"{name}: train and validation on {data}", counts
            )
    if maps := [each for each in good if "map" in each]:
        found["boundary"] = _maps(sweep, maps, places, ready, counts)
    return found


def _places(sweep: Sweep, name: str) -> dict[str, int]:
    """The place of each value of a knob: numbers ascending, others as they were given."""
    values = [trial["knobs"][name] for trial in sweep.trials]
    distinct = {label(value): value for value in values}
    if all(isinstance(value, (int, float, list)) for value in distinct.values()):
        # Of layers the narrower and fewer first.
        distinct = dict(sorted(distinct.items(), key=lambda item: _size(item[1])))
    return {each: place for place, each in enumerate(distinct)}


def _size(value: Any) -> tuple[float, ...]:
    return (len(value), *value) if isinstance(value, list) else (value,)


def _is_grid(sweep: Sweep, places: Mapping[str, Mapping[str, int]]) -> bool:
    cells = math.prod(len(each) for each in places.values())
    return cells == len(sweep.trials) and max(map(len, places.values())) <= _MOST_PLACES


def _grid(
    sweep: Sweep,
    good: Sequence[Mapping[str, Any]],
    places: Mapping[str, Mapping[str, int]],
    title: str,
    counts: str,
) -> Figure:
    across, down = sweep.axes
    best = sweep.best()

    def cells(name: str) -> list[list[float | None]]:
        lines: list[list[float | None]] = [[None] * len(places[across]) for _ in places[down]]
        for each in good:
            knobs = each["knobs"]
            row, column = places[down][label(knobs[down])], places[across][label(knobs[across])]
            lines[row][column] = each[name]
        return lines

    both = [each[name] for each in good for name in ("train_accuracy", "validation_accuracy")]
    ends = (min(both), max(both))
    gaps = (0.0, max(0.02, *(each["gap"] for each in good)))
    parts = [
        grid.Part("train", cells("train_accuracy"), "c0", ends),
        grid.Part("validation", cells("validation_accuracy"), "c0", ends),
        grid.Part("gap (train less validation)", cells("gap"), "c1", gaps),
    ]
    where = (
        places[down][label(best["knobs"][down])],
        places[across][label(best["knobs"][across])],
    )
    return grid.grid_figure(
        parts,
        columns=(across, list(places[across])),
        rows=(down, list(places[down])),
        title=title,
        subtitle=f"{counts}; in bold the best by validation {sweep.by}",
        best=where,
    )


def _curves(
    sweep: Sweep,
    good: Sequence[Mapping[str, Any]],
    name: str,
    places: Mapping[str, int],
    title: str,
    counts: str,
) -> Figure:
    """Accuracy and loss against one knob: lines, or dots where other knobs differ, too."""
    values = [each["knobs"][name] for each in good]
    at, ticks = _spots(values, places)
    alone = len(sweep.axes) == 1
    # Dots of many trials beside, not upon each other.
    apart = 0.0 if alone or ticks is None else _APART * (max(at) - min(at))
    order = np.argsort(at, kind="stable")

    def lines(score: str) -> list[Line]:
        return [
            Line(
                part,
                [(at[row] + aside, good[row][f"{part}_{score}"]) for row in order],
                dots=True,
                joined=alone,
            )
            for part, aside in (("train", -apart), ("validation", apart))
        ]

    losses = [each[f"{part}_loss"] for each in good for part in ("train", "validation")]
    panels = [
        Panel("accuracy", lines("accuracy"), percent=True),
        Panel("loss", lines("loss"), logarithmic=min(losses) > 0),
    ]
    if not alone:
        counts += "; a dot a trial"
    best = label(sweep.best()["knobs"][name])
    marked = at[[label(value) for value in values].index(best)]
    subtitle = f"{counts}; the line marks the best by validation {sweep.by}"
    return learning_figure(
        panels, title=title, x=name, subtitle=subtitle, marked=marked, ticks=ticks
    )


def _spots(
    values: Sequence[Any], places: Mapping[str, int]
) -> tuple[list[float], list[tuple[float, str]] | None]:
    """Where values stand on the axis across, and what is written there; None: round numbers."""
    numbers = all(isinstance(value, (int, float)) for value in values)
    if not numbers or len(places) <= _MOST_PLACES:
        at = [float(places[label(value)]) for value in values]
        ticks = [(float(place), text) for text, place in places.items()]
        return at, ticks if len(ticks) <= _MOST_PLACES else ticks[:: len(ticks) // 6]
    low, high = min(values), max(values)
    if low > 0 and high > 20 * low:
        decades = decade_ticks(low, high)
        return [math.log10(value) for value in values], [
            (math.log10(each), tick_text(each)) for each in decades
        ]
    return [float(value) for value in values], None


def _maps(
    sweep: Sweep,
    good: Sequence[Mapping[str, Any]],
    places: Mapping[str, Mapping[str, int]],
    ready: Prepared,
    counts: str,
) -> Figure:
    best = sweep.best()["trial"]
    plain = len(sweep.axes) == 2 and _is_grid(sweep, places)
    one = len(sweep.axes) == 1 and len(places[sweep.axes[0]]) <= _ABREAST
    tiles = []
    for rank, each in enumerate(good):
        text = f"{each['train_accuracy']:.0%} / {each['validation_accuracy']:.0%}"
        across = label(each["knobs"][sweep.axes[0]])
        if plain:
            down = label(each["knobs"][sweep.axes[1]])
            row, column = places[sweep.axes[1]][down], places[sweep.axes[0]][across]
        elif one:
            row, column = 0, places[sweep.axes[0]][across]
        else:
            row, column = divmod(rank, _ABREAST)
            text = f"{told(each['knobs'])}: {text}"
        classes, certainty = unpacked(each["map"])
        tiles.append(boundary.Tile(row, column, classes, certainty, text, each["trial"] == best))
    if plain or one:
        down = sweep.axes[1] if plain else ""
        names = boundary.Names(
            sweep.axes[0],
            list(places[sweep.axes[0]]),
            down,
            list(places[down]) if down else [],
        )
    else:
        names = boundary.Names("", [], "", [])
    return boundary.boundary_figure(
        tiles,
        names,
        _samples(ready),
        ready.samples.classes,
        title=f"Decision boundaries on {ready.samples.name}",
        subtitle=f"{counts}; accuracy of train / validation; the stronger, the more certain",
    )


def _samples(ready: Prepared) -> boundary.Points:
    """The training samples on a map."""
    area = area_of(ready)
    assert area is not None
    rows = np.asarray(ready.train.samples.inputs, np.float64)
    x = (rows[:, 0] - area.left) / (area.right - area.left)
    y = (area.top - rows[:, 1]) / (area.top - area.bottom)
    return boundary.Points(np.stack([x, y], axis=1), ready.train.labels)
