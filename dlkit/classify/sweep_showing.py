"""The table and the pictures of a sweep, and the artifact that holds them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

from dlkit.artifacts.record import describe
from dlkit.classifiers.showing import plain
from dlkit.classify.save import absolute
from dlkit.classify.sweep import TASK, Sweep, scores_text, told
from dlkit.classify.sweep_axes import label
from dlkit.classify.sweep_figures import figures
from dlkit.config.resolve import to_yaml
from dlkit.errors import quoted
from dlkit.records import Record, Saved, Warned
from dlkit.report import html, sections
from dlkit.report.canvas import gaps, to_files
from dlkit.report.tables import Table

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.classify.prepare import Prepared

KIND: Final = "sweep"
BEST: Final = "best.yaml"
SCORES: Final = (
    "train_accuracy", "validation_accuracy", "gap", "train_loss", "validation_loss", "parameters",
)  # fmt: skip


def table(sweep: Sweep) -> tuple[list[str], list[list[object]]]:
    """Names of the columns, and a row a trial."""
    best = sweep.best()["trial"]
    rows: list[list[object]] = []
    for each in sweep.results():
        knobs = [_plain(each["knobs"][name]) for name in sweep.axes]
        note = each["problem"] or ("best" if each["trial"] == best else "")
        scores = (each.get(name) for name in SCORES)
        rows.append([each["trial"], *knobs, *scores, note])
    return ["trial", *sweep.axes, *SCORES, "note"], rows


def _plain(value: object) -> object:
    """Numbers as they are typed, not to four digits: λ = 0.00001 is not 0.0000."""
    return value if isinstance(value, int) and not isinstance(value, bool) else label(value)


def commit(
    held: Run, sweep: Sweep, ready: Prepared, *, png: bool
) -> Generator[Record, None, Saved]:
    """Make the artifact of a finished sweep, its pictures with ``png`` as .png, too.

    Raises:
        DlkitError: the disk refused.

    """
    best = sweep.best()
    columns, rows = table(sweep)
    settings = to_yaml(absolute(sweep.config(best["trial"]), ready))
    pictures, lacking = to_files(figures(sweep, ready), png=png)
    if lacking:
        yield Warned(gaps(lacking))
    lines = ["\t".join(columns), *("\t".join(map(_cell, row)) for row in rows)]
    kept = ("settled", "notes", "seconds", "map")
    document: dict[str, Any] = {
        "kind": KIND,
        "of": "classify",
        "features": ready.reader.document()["features"],
        "over": sweep.axes,
        "by": sweep.by,
        "last_epoch": sweep.last_epoch,
        "best": best["trial"],
        "trials": [
            {name: value for name, value in each.items() if name not in kept}
            for each in sweep.results()
        ],
        "data": {name: value for name, value in ready.samples.document().items()
                 if name != "origin"},
        "scores": {name: best[name] for name in SCORES},
    }  # fmt: skip
    files = {
        "trials.tsv": ("\n".join(lines) + "\n").encode(),
        BEST: settings.encode(),
        "report.html": _page(held.name, sweep, ready, pictures, settings),
    }
    files |= {f"figures/{name}": each for name, each in pictures.items()}
    seconds = {str(each["trial"]): each["seconds"] for each in sweep.results()}
    path = held.commit(
        document, files, record={"seconds": sum(seconds.values()), "trials": seconds}
    )
    facts = {
        "trials": len(rows),
        "best": f"trial {best['trial']}: {told(best['knobs'])}",
        "scores": scores_text(best),
        "pictures": str(path / "figures"),
    }
    again = f"dlkit classify train -r {quoted(str(path / BEST))}"
    return Saved(f"{TASK}/{path.name}", path, facts, again)


def _cell(value: object) -> str:
    text = "" if value is None else repr(value) if isinstance(value, float) else str(value)
    return text.replace("\t", " ").replace("\n", " ")


def _page(
    name: str, sweep: Sweep, ready: Prepared, pictures: Mapping[str, bytes], settings: str
) -> bytes:
    best, (columns, rows) = sweep.best(), table(sweep)
    shown = [[f"{x:.4f}" if isinstance(x, float) else x for x in row] for row in rows]
    said = [
        "Accuracy and mean loss, without penalties, on what was learnt from and on validation "
        "samples; gap is the first accuracy less the second. The test split was not looked at.",
        f"Best by validation {sweep.by}: trial {best['trial']}, {told(best['knobs'])}: "
        f"{scores_text(best)}.",
    ]
    if sweep.last_epoch:
        said.append("The weights are those after the last epoch, not those of the best one.")
    caption = f"{len(rows):,} trials"
    drawn = [each for file, each in pictures.items() if file.endswith(".svg")]
    parts = [
        html.Section("Scores", text=said, figures=drawn),
        html.Section("Trials", tables=[Table(columns, shown, caption)]),
        html.Section("Settings of the best", code=settings),
        sections.data_section(plain(ready.samples.document())),
        sections.environment_section(describe()),
    ]
    subtitle = f"{ready.samples.name}, {caption} over {', '.join(sweep.axes)}"
    return html.render(f"Sweep {name}", parts, subtitle=subtitle)
