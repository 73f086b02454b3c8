"""``dlkit cnn search inspect``: the space that embeddings fill, its hubs, what whitening does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.cnn.search import settings_cli as of
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet

if TYPE_CHECKING:
    from dlkit.cnn.search.inspect import Inspection

_HUBS = ("image", "class", "times found")


def inspect(
    source: of.From = None,
    hubs: Annotated[
        bool, typer.Option("--hubs", help="In a pipe the images that are found most often.")
    ] = False,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures", help="Draw the figures into a new folder of reports/."
        ),
    ] = True,
    png: shared.Png = False,
    threads: shared.Threads = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Look into an index: spectrum, occupied space, hubs, cosines, and what whitening does.

    The effective rank says how many axes the embeddings use; hubness is the skewness of how often
    images are among the 10 nearest of others; an image that is never found is no answer to
    anything. Each is told of the embeddings as they are and whitened, with mAP and recall@1 where
    there are classes.

    Example: dlkit cnn search inspect --from search/cifar10
    """
    from dlkit.cnn.search.inspect import inspect as work
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    if png and not figures:
        raise DlkitError("--png draws, --no-figures does not", code=USAGE)
    index = of.opened(source, quiet=quiet)
    if figures:
        from dlkit.artifacts.reports import check_report

        check_report(of.TASK, index.path.name)
    found = follow(work(index, threads=threads), mode=progress, quiet=quiet)
    drawn = _draw(found, png=png) if figures else []
    _show(output, found, drawn, hubs=hubs)
    if drawn and not quiet:
        console.note(f"drew {', '.join(drawn)}")


def _show(output: console.Output, found: Inspection, drawn: list[str], *, hubs: bool) -> None:
    index = found.index
    told = {each.name: each.document() for each in found.spaces}
    often = [
        (
            index.shown(each.place),
            index.classes[index.labels[each.place]] if index.labels[each.place] >= 0 else None,
            each.times,
        )
        for each in found.hubs
    ]
    if output.form == "json":
        document: dict[str, object] = {
            "index": index.reference,
            "images": len(index),
            "looked_at": len(found.places),
            "searched": found.searched,
            "spaces": told,
            "variances": {each.name: each.variances.tolist() for each in found.spaces},
            "hubs": [{"image": one, "class": two, "times": times} for one, two, times in often],
        }
        output.answer((), [], document | ({"figures": drawn} if drawn else {}))
        return
    if output.form == "tsv":
        if hubs:
            output.answer(_HUBS, often, ())
            return
        measures = list(next(iter(told.values())))
        output.answer(
            ("space", *measures), [(name, *each.values()) for name, each in told.items()], ()
        )
        return
    names = list(told)
    rows = [(each, *(told[name][each] for name in names)) for each in told[names[0]]]
    title = f"{index.reference}: {len(found.places):,} images; searched: {found.searched}"
    output.answer(("measure", *names), rows, (), title=title)
    output.answer(_HUBS, often, (), title="found most often")


def _draw(found: Inspection, *, png: bool) -> list[str]:
    from dlkit.artifacts.reports import write_report
    from dlkit.cnn.search.showing import inspection_figures
    from dlkit.report.canvas import gaps, to_files

    files, lacking = to_files(inspection_figures(found), png=png)
    folder = write_report(of.TASK, found.index.path.name, "inspect", files)
    if lacking:
        console.warn(gaps(lacking))
    return [str(folder / name) for name in files]
