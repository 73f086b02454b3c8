"""``dlkit artifacts``: list, show, verify and remove what training has left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.artifacts.store import ArtifactInfo

app = typer.Typer(
    name="artifacts",
    help="List, show, verify and remove artifacts: what training leaves for other commands.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def complete_artifact(incomplete: str) -> list[str]:
    """References of artifacts for the shell."""
    from dlkit.artifacts import store

    names = [info.reference for info in store.list_artifacts()]
    return [name for name in names if name.startswith(incomplete)]


Task = Annotated[str | None, typer.Option(help="Only the artifacts of this task.")]
Form = Annotated[
    str | None, typer.Option("--format", help="human, tsv or json [default: by stdout].")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Header = Annotated[bool, typer.Option("--header", help="Name the columns (tsv).")]
References = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REF", help="NAME, TASK/NAME or a path.", autocompletion=complete_artifact
    ),
]


@app.command("list")
def list_all(
    task: Task = None, form: Form = None, json: Json = False, header: Header = False
) -> None:
    """List artifacts and interrupted runs, newest first. Nothing is verified.

    Example: dlkit artifacts list --task word2vec
    """
    from datetime import datetime

    from dlkit.artifacts import store

    output = console.Output(form, json_lines=json, header=header)
    found = store.list_artifacts(task)
    if not found:
        console.note(f"no artifacts in {store.root() / (task or '')}")
    rows, values = [], []
    for info in found:
        when = datetime.fromtimestamp(info.finished_ns / 1e9).astimezone()
        time = when.isoformat(sep=" ", timespec="seconds")
        rows.append((info.reference, info.kind, info.state, info.size, time))
        values.append(_as_object(info) | {"time": when.isoformat(timespec="seconds")})
    output.answer(("artifact", "kind", "state", "bytes", "time"), rows, values)
    for info in found:
        if info.problem:
            console.warn(info.problem)


@app.command("show")
def show(
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="REF",
            help="NAME, TASK/NAME or a path [default: the newest].",
            autocompletion=complete_artifact,
        ),
    ] = None,
    digest: Annotated[
        bool,
        typer.Option(
            "--digest",
            help="Only the SHA-256 over what two equal trainings share: every file but run.json, "
            "figures, report.html and MANIFEST.",
        ),
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Show the facts and files of an artifact, verified.

    Example: dlkit artifacts show word2vec/reviews --json | jq .document.scores
    """
    from dlkit.artifacts import store
    from dlkit.artifacts.load import digest_of, open_artifact

    output = console.Output(form, json_lines=json, header=header)
    path = store.find(reference, kinds=())
    if reference is None:
        console.note(f"using {path.parent.name}/{path.name}, the newest artifact")
    artifact = open_artifact(path, verify=True)
    if digest:
        found = digest_of(artifact)
        output.answer(("digest",), [(found,)], {"path": str(path), "digest": found})
        return
    files = [
        {"name": entry.name, "bytes": entry.size, "sha256": entry.sha256}
        for entry in artifact.entries.values()
    ]
    facts = list(_flat(artifact.document))
    sizes = [(f"file {entry.name}", entry.size) for entry in artifact.entries.values()]
    output.answer(
        ("fact", "value"),
        [("path", str(path)), *facts, *sizes],
        {"path": str(path), "document": artifact.document, "files": files},
        title=f"{path.parent.name}/{path.name}",
    )


@app.command("verify")
def verify(
    reference: References = None,
    everything: Annotated[bool, typer.Option("--all", help="Every artifact of the store.")] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Compare artifacts with their manifests, every byte. Exit code 4 if any is damaged.

    Example: dlkit artifacts verify --all
    """
    from dlkit.artifacts import store
    from dlkit.artifacts.load import open_artifact

    output = console.Output(form, json_lines=json, header=header)
    if everything == bool(reference):
        raise DlkitError(
            "name artifacts, or say --all" if not everything else "--all takes no names",
            hint="dlkit artifacts verify --all",
            code=USAGE,
        )
    listed = [info for info in store.list_artifacts() if info.state in ("finished", "damaged")]
    paths = [info.path for info in listed] if everything else []
    paths += [store.locate(each) for each in reference or ()]
    columns = ("artifact", "state", "problem")
    rows, problems = [], 0
    for path in paths:
        name, problem = store.reference_of(path), ""
        try:
            open_artifact(path, verify=True)
        except DlkitError as error:
            problem = error.message
            problems += 1
        rows.append((name, "damaged" if problem else "ok", problem))
        if output.form != "human":  # a line for each as soon as it is known
            value = {"path": str(path), **dict(zip(columns, rows[-1], strict=True))}
            output.answer(columns, rows[-1:], value)
    if output.form == "human" and rows:
        output.answer(columns, rows, {})
    if not paths:
        console.note(f"no artifacts in {store.root()}")
    if problems:
        what = f"{problems} of {len(paths)} artifacts" if len(paths) > 1 else "the artifact"
        raise DlkitError(
            f"{what} cannot be believed",
            hint="restore from a copy, or make anew after: dlkit artifacts remove REF",
            code=DAMAGED,
        )


@app.command("remove")
def remove(
    reference: Annotated[
        list[str],
        typer.Argument(
            metavar="REF",
            help="NAME or TASK/NAME of artifacts or interrupted runs.",
            autocompletion=complete_artifact,
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove artifacts and interrupted runs for good.

    Example: dlkit artifacts remove word2vec/reviews-2 --yes
    """
    import sys

    from dlkit.artifacts import clearing, store

    doomed = []
    for each in reference:
        info = _removable(each)
        if info not in doomed:
            doomed.append(info)
    for info in doomed:
        clearing.refuse_if_held(info.path)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise DlkitError(
                "removing cannot be undone: nobody is here to be asked",
                hint=f"dlkit artifacts remove {' '.join(reference)} --yes",
                code=USAGE,
            )
        for info in doomed:
            console.note(f"{info.reference}  {info.kind or info.state}  {info.size:,} bytes")
        if not typer.confirm("Remove for good?", err=True):
            raise DlkitError("nothing was removed")
    for info in doomed:
        clearing.remove(info.path)
        console.Output("tsv").text(f"{store.reference_of(info.path)}\tremoved\n")


def _removable(reference: str) -> ArtifactInfo:
    """The artifact or run of the store that ``reference`` means, damaged or not."""
    from difflib import get_close_matches

    from dlkit.artifacts import store

    there = store.list_artifacts()
    path = str(Path(reference).expanduser().absolute())
    found = [info for info in there if path == str(info.path)]
    found = found or [info for info in there if reference == info.reference]
    found = found or [info for info in there if reference == info.name]
    if len({info.reference for info in found}) > 1:
        raise DlkitError(
            f"{reference} is the name of {len(found)} artifacts",
            hint=f"say which: {', '.join(info.reference for info in found)}",
            code=USAGE,
        )
    if not found:
        names = [info.reference for info in there] + [info.name for info in there]
        close = get_close_matches(reference, names, 1)
        raise DlkitError(
            f"no artifact or run {reference!r} in {store.root()}",
            hint=f"did you mean {close[0]}?" if close else "dlkit artifacts list",
            code=NOT_FOUND,
        )
    return found[0]


def _as_object(info: ArtifactInfo) -> dict[str, Any]:
    return {
        "artifact": info.reference,
        "kind": info.kind,
        "state": info.state,
        "bytes": info.size,
        "path": str(info.path),
        "problem": info.problem,
    }


def _flat(document: Any, prefix: str = "") -> list[tuple[str, object]]:
    """Nested facts as lines: ``scores.loss`` and its value."""
    import json

    rows: list[tuple[str, object]] = []
    for key, value in sorted(document.items()):
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            rows.append((prefix + key, text))
    return rows
