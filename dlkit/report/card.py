r"""The model card of a classifier: the README.md of its artifact, as Markdown.

After Mitchell et al. 2019, https://doi.org/10.1145/3287560.3287596. Names come from data: whatever
could be read as Markdown or HTML is escaped. https://spec.commonmark.org/0.31.2/#backslash-escapes
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from dlkit.report.html import in_table, shown
from dlkit.report.sections import classes_table, scores_table
from dlkit.report.svg import visible
from dlkit.report.tables import Table

if TYPE_CHECKING:
    from dlkit.training.metrics import Scores

_ANYWHERE: Final = re.compile(r"([\\`*_\[\]<>|~&$])")
# A heading, a list or a line across, where a line or an item begins with it.
_AT_FIRST: Final = re.compile(r"^([#+=-]|\d{1,9}(?=[.)]( |$)))")
_MOST_CLASSES: Final = 100  # rows of the table of classes


def render_card(
    title: str,
    *,
    summary: str,
    facts: Mapping[str, object],
    scores: Scores | Table | None,
    judged: str,
    commands: Sequence[str],
    limits: Sequence[str],
    intervals: bool = True,
) -> bytes:
    """A model card: what it is, how it was made, how good it is, how it is used, what it cannot.

    Args:
        title: its heading.
        summary: a sentence or two.
        facts: settings and sizes by name.
        scores: of a classifier, or a table of others; None: it was not judged, which the card says.
        judged: on which samples, for example "359 test samples of digits".
        commands: what to type.
        limits: paragraphs of what it cannot and who should not use it.
        intervals: whether the scores have such.

    """
    lines = [f"# {marked(title)}", "", marked(summary), ""]
    lines += [f"- {marked(name)}: {marked(shown(value))}" for name, value in facts.items()]
    lines += ["", "## Scores", ""]
    if scores is None:
        lines += ["It was judged on no samples that it had not learnt from.", ""]
    else:
        lines += [f"On {marked(judged)}{'; intervals of 95 %' if intervals else ''}.", ""]
        if isinstance(scores, Table):
            lines += [*_table(scores), ""]
        else:
            lines += [*_table(scores_table(scores)), "", *_classes(scores)]
    lines += ["## Use", "", *(f"    {visible(command)}" for command in commands), ""]
    lines += ["## Limits", ""]
    for paragraph in limits:
        lines += [marked(paragraph), ""]
    return "\n".join(lines).encode()


def marked(text: str) -> str:
    """``text`` in one line, with every character that Markdown could take for markup escaped."""
    line = _ANYWHERE.sub(r"\\\1", visible(" ".join(text.split())))
    return _AT_FIRST.sub(lambda found: _escaped_start(found[0]), line)


def _escaped_start(start: str) -> str:
    """A digit cannot be escaped: of ``1.`` the dot is."""
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def _classes(scores: Scores) -> list[str]:
    table = classes_table(scores)
    if len(table.rows) <= _MOST_CLASSES:
        return [*_table(table), ""]
    low = sorted(table.rows, key=lambda row: -1.0 if row[3] is None else float(str(row[3])))
    told = f"The {_MOST_CLASSES} of {len(table.rows):,} classes with the lowest F1:"
    return [told, "", *_table(table._replace(rows=low[:_MOST_CLASSES])), ""]


def _table(table: Table) -> list[str]:
    rows = [table.columns, ["---"] * len(table.columns)]
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    lines += [f"| {' | '.join(marked(in_table(value)) for value in row)} |" for row in table.rows]
    return lines
