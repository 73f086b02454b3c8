"""``dlkit cnn inspect``: a network's layers in numbers, how far it sees, and where it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn import settings_cli as of
from dlkit.data.samples_cli import Colour, ImageColumn, Size, SkipBad, refuse
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlkit.cnn.inspect import Inspection, Wish
    from dlkit.cnn.saved import ImageClassifier
    from dlkit.report.tables import Table

_TABLES = ("layers", "stacks", "sharing", "fields", "samples", "learning")


def inspect(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]…",
            help="Images to look at instead of samples: files, folders, patterns.",
        ),
    ] = None,
    source: of.From = None,
    sample: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Look at sample N of the test split; several: 3,17 [default: 4 of them].",
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose maps, Grad-CAM and field are drawn [default: the last with maps].",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="Class that is asked about [default: what each image is taken for].",
        ),
    ] = None,
    patch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pixels of a side of what hides [default: a quarter of the shorter side]."
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="One table: layers, stacks, sharing, fields, samples or learning [default: all; "
            "in a pipe layers].",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Tables of an architecture, without an artifact: vgg16, resnet50."
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=2, help="Classes of --model [default: 1000].")
    ] = None,
    sets: Sets = None,
    size: Size = None,
    colour: Colour = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            help="Draw what it sees into a new folder of reports/; needs the data, or FILE.",
        ),
    ] = True,
    png: shared.Png = False,
    image_column: ImageColumn = None,
    skip_bad: SkipBad = None,
    threads: shared.Threads = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Look into a network: its layers, how far its units see, where it looks in an image.

    Of each layer the shape, parameters, multiply-adds, receptive field and its stride; only layers
    with weights have a number. Then what stacked small kernels and shared weights save, effective
    receptive fields, and of single images Grad-CAM and what hiding a part does. With --model the
    tables of any architecture.

    Example: dlkit cnn inspect --from mnist5k --sample 7
    """
    output = console.Output(form, json_lines=json, header=header)
    if table is not None and table not in _TABLES:
        raise DlkitError(
            f"--table {table}: there is none", hint=f"--table {'|'.join(_TABLES)}", code=USAGE
        )
    looking = {"FILE": files, "--sample": sample, "--layer": layer, "--class": label,
               "--patch": patch, "--from": source, "--png": png or None}  # fmt: skip
    if model is not None:
        refuse(looking, why="--model names an architecture without weights")
        _architecture(output, model, classes, size, colour, sets, table=table)
        return
    own = {"--size": size, "--colour": colour, "--classes": classes, "--set": sets}
    refuse(own, why="an artifact has its own; they are of --model")
    wish = _wish(files, sample, layer, label, patch)
    if png and not figures:
        raise DlkitError("--png draws, --no-figures does not", code=USAGE)
    options = {"--image-column": image_column, "--skip-bad": skip_bad}
    if not files:
        refuse(options, why="an artifact's own data are read as they were; FILE can be")
    classifier = of.opened(source, quiet=quiet, threads=threads)
    if figures:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, classifier.path.name)
    given = {"input.image_column": image_column, "input.skip_bad": skip_bad}
    found = _inspect(
        classifier, wish, given, images=figures or sample is not None, mode=progress, quiet=quiet
    )
    drawn = _draw(classifier, found, png=png) if figures else []
    _show(output, classifier, found, drawn, table=table)
    if drawn and not quiet:
        page, *others = drawn
        console.note(f"wrote {page}, and {len(others)} figures beside it")


def _wish(
    files: list[str] | None,
    sample: str | None,
    layer: str | None,
    label: str | None,
    patch: int | None,
) -> Wish:
    from dlkit.cnn.inspect import Wish

    if files and sample is not None:
        raise DlkitError("--sample is of the artifact's own data; FILE is an image", code=USAGE)
    try:
        numbers = tuple(int(part) for part in (sample or "").split(",") if part.strip())
        if (sample is not None and not numbers) or any(number < 1 for number in numbers):
            raise ValueError
    except ValueError:
        raise DlkitError(
            f"--sample {sample}: must be numbers from 1", hint="--sample 3,17", code=USAGE
        ) from None
    return Wish(numbers, tuple(files or ()), layer, label, patch)


def _inspect(
    classifier: ImageClassifier,
    wish: Wish,
    given: Mapping[str, object],
    *,
    images: bool,
    mode: str,
    quiet: bool,
) -> Inspection:
    from dlkit.classifiers.evaluate import Asked
    from dlkit.cnn.inspect import inspect as work
    from dlkit.progress import follow

    other = bool(wish.files)
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=other)
    begun = config.begin is not None
    asked = Asked(config.data, config.input, config.training.seed, other=False, begun=begun)
    wanted = asked if images and not other else None
    return follow(work(classifier, wanted, wish, reading=config.input), mode=mode, quiet=quiet)


def _architecture(
    output: console.Output,
    model: str,
    classes: int | None,
    size: str | None,
    colour: str | None,
    sets: list[str] | None,
    *,
    table: str | None,
) -> None:
    """The tables of ``--model``."""
    from dlkit.cnn.architecture import architecture
    from dlkit.cnn.telling import document, tables

    if colour not in (None, "grey", "rgb"):
        raise DlkitError(f"--colour {colour}: must be grey or rgb", code=USAGE)
    if table not in (None, "layers", "stacks", "sharing"):
        raise DlkitError(f"--table {table} needs weights, of an artifact", code=USAGE)
    config, _ = of.config_of(None, sets, {"model": model, "input.size": size or "224"})
    sides = config.input.height_and_width
    assert sides is not None
    facts = architecture(
        model, channels=1 if colour == "grey" else 3, size=sides, classes=classes or 1000,
        arguments=config.network.model_dump(mode="json", exclude_none=True),
    )  # fmt: skip
    if output.form == "json":
        shape = {"height": sides[0], "width": sides[1], "classes": classes or 1000}
        output.answer((), [], {"model": model, **shape, **document(facts)})
        return
    title = f"{model} on {sides[1]}x{sides[0]} pixels"
    _tables(output, tables(facts, title=title, exact=output.form == "tsv"), table)


def _draw(classifier: ImageClassifier, found: Inspection, *, png: bool) -> list[str]:
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.telling import report_files
    from dlkit.report.canvas import gaps

    files, lacking = report_files(classifier, found, png=png)
    folder = write_report(of.TASK, classifier.path.name, "inspect", files)
    if lacking:
        console.warn(gaps(lacking))
    return [str(folder / name) for name in files]


def _show(
    output: console.Output,
    classifier: ImageClassifier,
    found: Inspection,
    drawn: list[str],
    *,
    table: str | None,
) -> None:
    from dlkit.classifiers.history import courses
    from dlkit.cnn.telling import document, learning, looked, tables

    if output.form == "json":
        told: dict[str, object] = {"artifact": classifier.reference, "data": found.name or None}
        told |= {**document(found.facts), **looked(found), "curves": courses(classifier)}
        output.answer((), [], told | ({"figures": drawn} if drawn else {}))
        return
    exact = output.form == "tsv"
    all_ = tables(found.facts, title=classifier.reference, found=found, exact=exact)
    _tables(output, {**all_, "learning": learning(classifier)}, table)


def _tables(output: console.Output, found: dict[str, Table], wanted: str | None) -> None:
    """The table that is wanted, else on a terminal all, in a pipe that of the layers."""
    if wanted is None and output.form != "human":
        wanted = "layers"
    for name, each in found.items():
        if wanted in (None, name) and (each.rows or wanted):
            output.answer(each.columns, each.rows, (), title=each.caption)
