"""What ``eval`` of every classifier asks for and tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.classifiers.evaluate import Judged
    from dlkit.classifiers.opened import Classifier
    from dlkit.report.canvas import Figure
    from dlkit.report.tables import Table

Top = Annotated[
    str, typer.Option("--top", help="Also the share whose class is among so many: 3 or 3,5.")
]
PerClass = Annotated[
    bool, typer.Option("--per-class", help="Precision, recall, F1 and area of each class.")
]
Confusion = Annotated[
    bool, typer.Option("--confusion", help="How many of each class were taken for each.")
]
Worst = Annotated[
    int, typer.Option(min=0, metavar="N", help="Also the N samples with the largest loss.")
]
Uncertain = Annotated[
    int, typer.Option(min=0, metavar="N", help="Also the N samples it is least sure of.")
]
Report = Annotated[
    bool, typer.Option("--report", help="Write report.html and figures into reports/.")
]

_SCORES = ("score", "value", "low", "high")
_SAMPLES = ("file", "class", "taken for", "value")
_PAIRS = 10  # of classes that are confused, which a person is shown below the classes


class Extra(NamedTuple):
    """A further table.

    Attributes:
        key: of the object.
        title: what a person reads above it.
        columns: names.
        rows: of values.
        document: what the object has under the key.

    """

    key: str
    title: str
    columns: Sequence[str]
    rows: list[list[object]]
    document: object


class Tables(NamedTuple):
    """The tables that are asked for besides the scores.

    Attributes:
        per_class: scores of each class.
        confusion: what was taken for what.
        worst: so many samples with the largest loss.
        uncertain: so many that the network is least sure of.

    """

    per_class: bool
    confusion: bool
    worst: int
    uncertain: int

    def check(self, form: str, others: Mapping[str, bool] | None = None) -> None:
        """Do nothing if they can be told together.

        Args:
            form: of the output: human, tsv or json.
            others: further tables, by option, and whether they are asked for.

        Raises:
            DlkitError: (USAGE) they cannot.

        """
        details = {
            "--per-class": self.per_class,
            "--confusion": self.confusion,
            "--worst": bool(self.worst),
            "--uncertain": bool(self.uncertain),
            **(others or {}),
        }
        if form == "tsv" and sum(details.values()) > 1:
            *first, last = details
            raise DlkitError(
                f"{', '.join(first)} and {last} are tables of their own: in a pipe one at a time",
                hint="--json has all",
                code=USAGE,
            )


def check_png(*, png: bool, report: bool) -> None:
    """Do nothing if figures that shall be PNGs are drawn.

    Raises:
        DlkitError: (USAGE) none are.

    """
    if png and not report:
        raise DlkitError("--png is of --report, which draws", hint="--report --png", code=USAGE)


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of ``--top``.

    Raises:
        DlkitError: (USAGE) they are none.

    """
    try:
        found = tuple(int(part) for part in text.split(",") if part.strip())
        if any(number < 1 for number in found):
            raise ValueError
    except ValueError:
        raise DlkitError(
            f"--top {text}: must be whole numbers from 1", hint="--top 3,5", code=USAGE
        ) from None
    return found


def show(
    output: console.Output,
    classifier: Classifier,
    judged: Judged,
    tables: Tables,
    *,
    title: str = "",
    more: Mapping[str, object] | None = None,
    extras: Sequence[Extra] = (),
) -> None:
    """The scores; where they were asked for the classes, the confusion and single samples.

    Args:
        output: where they go.
        classifier: the artifact.
        judged: what it was judged to be.
        tables: what is asked for besides.
        title: what a person reads behind the artifact's name: how it was asked.
        more: what the object has besides.
        extras: further tables.

    """
    from dlkit.classifiers.opened import value_of
    from dlkit.report.sections import scores_table

    scores, samples, value = judged.scores, judged.samples, value_of(classifier)
    single = _single(classifier, judged, tables)
    if output.form == "json":
        told: dict[str, object] = {"artifact": classifier.reference, "data": samples.name}
        told |= {**(more or {}), **scores.document(), "seconds": judged.seconds}
        told |= _documents(judged, tables)
        keys = ("file", "class", "taken_for", value)
        for name, rows in single.items():
            told[name] = [dict(zip(keys, row, strict=True)) for row in rows]
        told |= {each.key: each.document for each in extras}
        output.answer((), [], told)
        return
    if output.form == "human" or not (tables.per_class or tables.confusion or single or extras):
        table = scores_table(scores)
        heading = f"{classifier.reference}{title} on {samples.name}: {table.caption}"
        output.answer(_SCORES, table.rows, (), title=heading)
    for table in _of_classes(judged, tables, exact=output.form == "tsv"):
        output.answer(table.columns, table.rows, (), title=table.caption)
    for extra in extras:
        output.answer(extra.columns, extra.rows, (), title=extra.title)
    for name, rows in single.items():
        output.answer((*_SAMPLES[:-1], value), rows, (), title=name)


def _documents(judged: Judged, tables: Tables) -> dict[str, object]:
    """What the object has about classes, where it was asked for."""
    from dlkit.report.sections import classes_table
    from dlkit.report.tables import CONFUSION, most_confused

    scores, names = judged.scores, judged.samples.classes
    told: dict[str, object] = {}
    if tables.per_class:
        classes = classes_table(scores)
        keys = [name.replace("-", "_") for name in classes.columns]
        told["classes"] = [dict(zip(keys, row, strict=True)) for row in classes.rows]
        keys = [name.replace(" ", "_") for name in CONFUSION]
        wrong = most_confused(scores.confusion, names)
        told["confused"] = [dict(zip(keys, pair, strict=True)) for pair in wrong]
    if tables.confusion:
        told |= {"names": names, "confusion": scores.confusion.tolist()}
    return told


def _of_classes(judged: Judged, tables: Tables, *, exact: bool) -> list[Table]:
    """The tables about classes that were asked for; ``exact``: for programs, one of each kind."""
    from dlkit.report.sections import classes_table
    from dlkit.report.tables import (
        CONFUSION,
        Table,
        confused_pairs,
        confusion_table,
        most_confused,
    )

    scores, names, found = judged.scores, judged.samples.classes, []
    if tables.per_class:
        found.append(classes_table(scores)._replace(caption="classes"))
        wrong = [] if exact else most_confused(scores.confusion, names)
        if wrong:
            caption = "most often confused"
            if len(wrong) > _PAIRS:
                caption += f": the first {_PAIRS} of {len(wrong):,} pairs (--confusion has all)"
            found.append(Table(CONFUSION, wrong[:_PAIRS], caption))
    if tables.confusion and exact:
        found.append(Table(CONFUSION, list(confused_pairs(scores.confusion, names))))
    elif tables.confusion:
        caption = "what was taken for what"
        found.append(confusion_table(scores.confusion, names, caption=caption))
    return found


def _single(
    classifier: Classifier, judged: Judged, tables: Tables
) -> dict[str, list[list[object]]]:
    """Rows of single samples, by what they are chosen for."""
    from dlkit.classifiers.asking import unsure_of, worst_of

    found = {}
    if tables.worst:
        labels = judged.samples.test.labels
        places = worst_of(judged.values, labels, tables.worst, classifier.loss)
        found["worst"] = _rows(judged, places.tolist())
    if tables.uncertain:
        places = unsure_of(judged.values, tables.uncertain, classifier.loss)
        found["uncertain"] = _rows(judged, places.tolist())
    return found


def _rows(judged: Judged, places: list[int]) -> list[list[object]]:
    """File, class, what it was taken for and the value of that, for samples of the test split."""
    test, classes, found = judged.samples.test, judged.samples.classes, []
    for place in places:
        guess = int(judged.values[place].argmax())
        truth = classes[int(test.labels[place])]
        found.append([test.paths[place], truth, classes[guess], float(judged.values[place, guess])])
    return found


def write_evaluation(
    classifier: Classifier,
    judged: Judged,
    *,
    png: bool,
    quiet: bool,
    title: str = "",
    extras: Sequence[Extra] = (),
    more: Mapping[str, Figure] | None = None,
) -> None:
    """report.html and the figures, into a new folder of reports/.

    Args:
        classifier: the artifact.
        judged: what it was judged to be.
        png: draw each figure as PNG, too.
        quiet: do not say where.
        title: what stands behind the artifact's name: how it was asked.
        extras: further tables.
        more: further figures by name.

    """
    from dlkit.artifacts.reports import write_report
    from dlkit.classifiers.showing import evaluation_files
    from dlkit.report.canvas import gaps
    from dlkit.report.tables import Table

    tables = [Table(each.columns, each.rows, each.title) for each in extras]
    files, lacking = evaluation_files(
        classifier, judged, png=png, title=title, tables=tables, more=more
    )
    task, name = classifier.document["task"], classifier.path.name
    folder = write_report(task, name, "eval", files)
    if lacking:
        console.warn(gaps(lacking))
    if not quiet:
        console.note(f"wrote {folder / 'report.html'}")
