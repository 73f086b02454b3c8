"""``dlkit artifacts compare``."""

from __future__ import annotations

import json as jsontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.artifacts.references_cli import References
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.options import Form, Header, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlkit.artifacts.comparing import Fact

_DIGITS = 12  # of a SHA-256 on a terminal: enough to tell two from each other


def compare(
    references: References,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the settings that are the same.")
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Show artifacts side by side: settings that differ, scores, sizes.

    A line a fact, a column an artifact. Of the settings only those that differ are told; data,
    scores, sizes, seconds and the digest always. The artifacts are verified first.

    Example: dlkit artifacts compare word2vec/reviews word2vec/reviews-2
    """
    from dlkit.artifacts import finding, store
    from dlkit.artifacts.comparing import caution
    from dlkit.artifacts.comparing import compare as work
    from dlkit.artifacts.load import open_artifact

    output = console.Output(form, json_lines=json, header=header)
    paths = [finding.find(each, kinds=()) for each in references]
    if again := next((path for path in paths if paths.count(path) > 1), None):
        once = [quoted(references[paths.index(path)]) for path in dict.fromkeys(paths)]
        others = " ".join(once if len(once) > 1 else [*once, "OTHER"])
        raise DlkitError(
            f"{store.reference_of(again)} is named twice",
            hint=f"dlkit artifacts compare {others}",
            code=USAGE,
        )
    if len(paths) < 2:
        raise DlkitError(
            f"nothing to compare {store.reference_of(paths[0])} with: name two artifacts or more",
            hint=f"dlkit artifacts compare {quoted(references[0])} OTHER",
            code=USAGE,
        )
    names = [store.reference_of(path) for path in paths]
    facts = work([open_artifact(path, verify=True) for path in paths], everything=everything)
    count = len(names)
    columns = ("fact", *names)
    if output.form == "human":
        rows = [
            (fact.name, *(_for_people(fact, place) for place in range(count))) for fact in facts
        ]
    else:
        rows = [(fact.name, *(_text(fact, place) for place in range(count))) for fact in facts]
    output.answer(columns, rows, [_as_object(fact, names) for fact in facts])
    if about := caution(facts):
        console.note(about)


def _as_object(fact: Fact, names: Sequence[str]) -> dict[str, Any]:
    values = {names[place]: value for place, value in fact.values.items()}
    return {"fact": fact.name, "values": values, "differs": fact.differs}


def _text(fact: Fact, place: int) -> str:
    """The value of one artifact as ``dlkit artifacts show`` writes it; empty where it has none."""
    if place not in fact.values:
        return ""
    value = fact.values[place]
    return value if isinstance(value, str) else jsontext.dumps(value, ensure_ascii=False)


def _for_people(fact: Fact, place: int) -> str:
    """The same with numbers of readable length, and the beginning of a hash."""
    from dlkit.artifacts import showing

    value = fact.values.get(place)
    if fact.name == "bytes" and isinstance(value, int):
        return showing.size(value)
    if fact.name.endswith(("sha256", "digest")) and isinstance(value, str):
        return value[:_DIGITS] + "…"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return _text(fact, place)
