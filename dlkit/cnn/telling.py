"""What ``inspect`` tells: tables for people and pipes, objects for programs, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dlkit.artifacts.record import describe
from dlkit.classifiers.history import courses, history_of
from dlkit.cnn import pictures
from dlkit.report import sections
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.html import Section, render
from dlkit.report.spark import sparkline
from dlkit.report.tables import Table

if TYPE_CHECKING:
    from dlkit.cnn.architecture import Facts
    from dlkit.cnn.inspect import Inspection
    from dlkit.cnn.layers import Layer
    from dlkit.cnn.saved import ImageClassifier

_LAYERS = (
    "layer", "name", "kind", "output", "parameters", "share", "multiply-adds", "sees", "stride",
)  # fmt: skip
# For a person, in 80 characters: a heading of two words takes two lines.
_NARROW = ("layer", "name", "kind", "output", "parameters", "multiply adds", "sees", "stride")
_STACKS = (
    "3x3 convolutions", "relus", "sees", "parameters", "one large kernel", "its relus", "share",
)  # fmt: skip
_SHARING = (
    "layer", "input", "output", "parameters", "a kernel a place", "fully connected", "times",
)  # fmt: skip
_FIELDS = ("layer", "sees", "95 % within", "two sigma")
_SAMPLES = ("file", "class", "taken for", "probability", "about", "of it", "hidden at worst", "at")


def tables(
    facts: Facts, *, title: str, found: Inspection | None = None, exact: bool = True
) -> dict[str, Table]:
    """The tables by the names that ``--table`` takes; those without rows are of no use.

    Args:
        facts: the architecture.
        title: what it is.
        found: what was seen with weights and images; None: nothing was.
        exact: numbers as they are, and shares; else large ones as 15.5 G, as a person reads them.

    """
    large: Callable[[int], object] = int if exact else _large
    columns = _LAYERS if exact else _NARROW
    layers = facts.table
    told = (
        f"{title}: {layers.counted:,} layers with weights, {layers.depth:,} on the longest path; "
        f"{layers.parameters:,} parameters, {layers.multiply_adds:,} multiply-adds"
    )
    channels = facts.stacks[0].channels
    made = {
        "layers": Table(columns, [_row(layer, exact=exact) for layer in layers.layers], told),
        "stacks": Table(
            _STACKS,
            [
                [each.convolutions, each.convolutions, each.sees, each.parameters, each.large, 1,
                 each.share]
                for each in facts.stacks
            ],
            f"small kernels one after another see as far as a large one ({channels} channels)",
        ),
        "sharing": Table(
            _SHARING,
            [
                [each.name, *map(_shape, each.shape), each.parameters, large(each.unshared),
                 large(each.connected), each.saved if exact else _large(each.saved)]
                for each in facts.sharing
            ],
            "what shared weights save against layers of the same input and output",
        ),
    }  # fmt: skip
    if found is not None:
        made |= {"fields": _fields(found), "samples": _samples(found)}
    return made


def _fields(found: Inspection) -> Table:
    rows = [[each.layer, side(each.extent), each.held, each.two_sigma] for each in found.reach]
    caption = "how far units see: by arithmetic, and by the gradient of the middle one (pixels)"
    return Table(_FIELDS, rows, caption)


def _samples(found: Inspection) -> Table:
    rows = []
    for seen in found.seen:
        row, column = divmod(int(seen.hidden.argmin()), seen.hidden.shape[1])
        place = f"{_per_cent(row, seen.hidden.shape[0])} down, " + (
            f"{_per_cent(column, seen.hidden.shape[1])} across"
        )
        rows.append(
            [seen.file, seen.truth, seen.guess, seen.guessed, seen.label, seen.probability,
             float(seen.hidden.min()), place]
        )  # fmt: skip
    return Table(_SAMPLES, rows, "images, and the probability when a patch hides the worst place")


def learning(classifier: ImageClassifier) -> Table:
    """How the metrics went."""
    rows = [
        [name, values[0], values[-1], sparkline(values)]
        for name, values in courses(classifier).items()
    ]
    return Table(("metric", "first", "last", "course"), rows, "learning")


def document(facts: Facts) -> dict[str, object]:
    """The architecture in JSON's types."""
    found = facts.table
    return {
        "parameters": found.parameters,
        "multiply_adds": found.multiply_adds,
        "counted": found.counted,
        "depth": found.depth,
        "layers": [_document(layer) for layer in found.layers],
        "stacks": [each._asdict() for each in facts.stacks],
        "sharing": [
            {
                "name": each.name,
                "input": each.shape[0],
                "output": each.shape[1],
                "parameters": each.parameters,
                "unshared": each.unshared,
                "connected": each.connected,
                "times": each.saved,
            }
            for each in facts.sharing
        ],
    }


def looked(found: Inspection) -> dict[str, object]:
    """What was seen, in JSON's types; pictures are files."""
    return {
        "fields": [
            {"layer": each.layer, "sees": each.extent, "held": each.held,
             "two_sigma": each.two_sigma}
            for each in found.reach
        ],
        "samples": [
            {
                "file": seen.file,
                "class": seen.truth,
                "predicted": seen.guess,
                "probability": seen.guessed,
                "about": {"class": seen.label, "probability": seen.probability},
                "layer": seen.cam_layer,
                "grad_cam": seen.cam.tolist(),
                "hidden": seen.hidden.tolist(),
            }
            for seen in found.seen
        ],
    }  # fmt: skip


def report_files(
    classifier: ImageClassifier, found: Inspection, *, png: bool
) -> tuple[dict[str, Any], int]:
    """report.html and the figures, and how many texts a PNG shows with gaps."""
    name = found.name or classifier.document["data"]["name"]
    history = history_of(classifier)
    best = classifier.document["scores"].get("best_epoch")
    figures: dict[str, Figure] = {"curves": sections.curves_figure(history, name=name, best=best)}
    figures |= pictures.figures(
        {"filters": found.filters, "reach": found.reach, "seen": found.seen}, name=name
    )
    told = tables(found.facts, title=classifier.reference, found=found, exact=False)
    parts = [
        Section("Learning", figures=[to_svg(figures["curves"])]),
        *_parts(figures, told, ("looks", "samples"), "Where it looks"),
        *_parts(figures, told, ("maps", ""), "Maps"),
        *_parts(figures, told, ("filters", ""), "First filters"),
        *_parts(figures, told, ("fields", "fields"), "How far units see"),
        Section("Layers", tables=[told["layers"]]),
        Section("Small kernels and shared weights", tables=[told["stacks"], told["sharing"]]),
        sections.environment_section(describe()),
    ]
    page = render(f"{classifier.reference}: what it sees", parts)
    drawn, lacking = to_files(figures, png=png)
    return {"report.html": page, **drawn}, lacking


def _parts(
    figures: Mapping[str, Figure], told: Mapping[str, Table], names: tuple[str, str], title: str
) -> list[Section]:
    """A section of a figure and the table of the same; none where neither is there."""
    drawn = [to_svg(figures[names[0]])] if names[0] in figures else []
    shown = [told[names[1]]] if names[1] in told and told[names[1]].rows else []
    return [Section(title, tables=shown, figures=drawn)] if drawn or shown else []


def _row(layer: Layer, *, exact: bool) -> list[object]:
    numbers: list[object] = [layer.parameters]
    numbers += [layer.share, layer.multiply_adds] if exact else [_large(layer.multiply_adds)]
    return [
        layer.number, layer.name, layer.kind, _shape(layer.shape), *numbers, side(layer.extent),
        side(layer.jump),
    ]  # fmt: skip


def _large(number: float) -> str:
    """A number by its first three digits: 15.5 G."""
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{float(f'{number:.3g}') / unit:g} {name}"
    return f"{number:.3g}"


def _document(layer: Layer) -> dict[str, object]:
    return {
        "number": layer.number,
        "name": layer.name,
        "kind": layer.kind,
        "input": layer.entered,
        "output": layer.shape,
        "parameters": layer.parameters,
        "share": layer.share,
        "multiply_adds": layer.multiply_adds,
        "receptive_field": layer.extent,
        "stride": layer.jump,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def side(pair: tuple[float, float] | None) -> int | float | str | None:
    """A pair of sides as one number where they are equal, else as ``3x5``."""
    if pair is None:
        return None
    down, across = (int(each) if each == int(each) else round(each, 3) for each in pair)
    return down if down == across else f"{down}x{across}"


def _per_cent(place: int, places: int) -> str:
    return f"{100 * (place + 0.5) / places:.0f} %"
