"""What ``eval`` of a classifier tells where several artifacts are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from dlkit.data.samples_cli import refuse

if TYPE_CHECKING:
    from dlkit import console
    from dlkit.classifiers.comparing import Answers
    from dlkit.classifiers.eval_cli import Tables
    from dlkit.classifiers.evaluate import Judged
    from dlkit.classifiers.opened import Classifier

C = TypeVar("C", bound="Classifier")
_SHOWN = ("artifact", "accuracy", "low", "high", "p", "size", "a second")  # in 80 characters


def refuse_single(tables: Tables, others: Mapping[str, object]) -> None:
    """Refuse what is told of one artifact where several are compared.

    Args:
        tables: that are asked for.
        others: values of further options, by name.

    Raises:
        DlkitError: (USAGE) one was given.

    """
    given = {
        "--per-class": tables.per_class,
        "--confusion": tables.confusion,
        "--worst": tables.worst or None,
        "--uncertain": tables.uncertain or None,
    }
    refuse({**given, **others}, why="it tells of one artifact, several --from are compared")


def each_once(open_: Callable[[str], C], sources: Sequence[str]) -> list[C]:
    """The artifacts that several ``--from`` name.

    Raises:
        DlkitError: one is not there, or (USAGE) is named twice.

    """
    from dlkit.classifiers.comparing import check_others

    found = [open_(source) for source in sources]
    check_others([str(each.path.absolute()) for each in found])
    return found


def compared(
    output: console.Output,
    work: Iterable[tuple[Classifier, Judged]],
    *,
    title: str = "",
    more: Mapping[str, object] | None = None,
) -> None:
    """Several artifacts in one table, the best first.

    Args:
        output: where it goes.
        work: judges one after the other.
        title: what a person reads behind the data's name: how they were asked.
        more: what the objects have besides.

    Raises:
        DlkitError: (USAGE) they were not judged on the same samples.

    """
    from dlkit.classifiers.comparing import COLUMNS, answers_of, check_same, compare
    from dlkit.progress import short

    found: list[Answers] = []
    for classifier, judged in work:
        found.append(answers_of(classifier, judged))
        command = f"dlkit {classifier.document['task']} eval"
        check_same(found[0], found[-1], command=command)
    rows = compare(found)
    caption = (
        f"{found[0].data}{title}: {len(found[0].right):,} samples; p: of such a difference from "
        "the first by chance (McNemar); size: parameters"
    )
    if output.form == "human":
        shown = [dict(zip(COLUMNS, each.row(), strict=True)) for each in rows]
        sizes = [{**row, "size": short(float(str(row["parameters"])))} for row in shown]
        output.answer(_SHOWN, [[row[name] for name in _SHOWN] for row in sizes], (), title=caption)
        return
    told = [{**each.document(), **(more or {})} for each in rows]
    output.answer(COLUMNS, [each.row() for each in rows], told)
