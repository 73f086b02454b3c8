"""``dlkit artifacts``: list, show, compare, verify and remove what training has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.artifacts import compare_cli
from dlkit.artifacts.references_cli import AnyReferences, complete_artifact
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError
from dlkit.options import Form, Header, Json, group

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.artifacts.store import ArtifactInfo

app = group(
    "artifacts",
    "List, show, compare, verify and remove artifacts: what training leaves for others.",
)


Task = Annotated[str | None, typer.Option(help="Only the artifacts of this task.")]


@app.command("list")
def list_all(
    task: Task = None, form: Form = None, json: Json = False, header: Header = False
) -> None:
    """List artifacts and interrupted runs, newest first. Nothing is verified.

    Example: dlkit artifacts list --task word2vec
    """
    from dlkit.artifacts import showing, store

    output = console.Output(form, json_lines=json, header=header)
    if task is not None and not store.has_task(task):
        raise DlkitError(
            f"no artifacts of the task {task!r} in {store.root()}",
            hint="dlkit artifacts list",
            code=NOT_FOUND,
        )
    found = store.list_artifacts(task)
    if not found:
        console.note(f"no artifacts yet in {store.root() / (task or '')}")
    elif output.form == "human":
        _list_for_people(output, found)
    else:
        times = [showing.when(info.finished_ns).isoformat(timespec="seconds") for info in found]
        output.answer(
            ("artifact", "kind", "state", "bytes", "time"),
            [
                (info.reference, info.kind, info.state, info.size, time)
                for info, time in zip(found, times, strict=True)
            ],
            [_as_object(info) | {"time": time} for info, time in zip(found, times, strict=True)],
        )
    # One folder that everybody may write spoils all that lie in it.
    for problem in dict.fromkeys(info.problem for info in found if info.problem):
        console.warn(problem)


def _list_for_people(output: console.Output, found: list[ArtifactInfo]) -> None:
    """A table, or where the screen is too narrow for one, a few lines for each."""
    from shutil import get_terminal_size

    from dlkit.artifacts import showing

    rows = [
        (
            info.reference,
            info.kind if info.state == "finished" else info.state,
            info.shape,
            showing.size(info.size),
            showing.when(info.finished_ns).strftime("%Y-%m-%d %H:%M"),
        )
        for info in found
    ]
    if showing.fits(rows, get_terminal_size().columns):
        output.answer(("artifact", "kind", "rows x dim", "size", "finished"), rows, ())
    else:
        output.text(showing.stacked(rows))


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
    from dlkit.artifacts import finding
    from dlkit.artifacts.load import digest_of, open_artifact
    from dlkit.artifacts.showing import flat

    output = console.Output(form, json_lines=json, header=header)
    path = finding.find(reference, kinds=())
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
    facts = [(name, _fact(value)) for name, value in sorted(flat(artifact.document).items())]
    sizes = [(f"file {entry.name}", entry.size) for entry in artifact.entries.values()]
    output.answer(
        ("fact", "value"),
        [("path", str(path)), *facts, *sizes],
        {"path": str(path), "document": artifact.document, "files": files},
        title=f"{path.parent.name}/{path.name}",
    )


app.command("compare")(compare_cli.compare)


@app.command("verify")
def verify(
    reference: AnyReferences = None,
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
    names = [str(info.path) for info in listed] if everything else reference or []
    targets = [(each, *_located(each)) for each in names]
    columns = ("artifact", "state", "problem")
    rows, problems = [], []
    for name, path, problem in targets:
        if path is not None:
            name = store.reference_of(path)
            try:
                open_artifact(path, verify=True)
            except DlkitError as error:
                problem = error
        state = "ok"
        if problem is not None:
            problems.append(problem)
            state = "missing" if problem.code == NOT_FOUND else "damaged"
        rows.append((name, state, problem.message if problem is not None else ""))
        if output.form != "human":  # a line for each as soon as it is known
            value = {
                "path": None if path is None else str(path),
                **dict(zip(columns, rows[-1], strict=True)),
            }
            output.answer(columns, rows[-1:], value)
    if output.form == "human" and rows:
        output.answer(columns, rows, {})
    if not targets:
        console.note(f"no artifacts yet in {store.root()}")
    if problems:
        raise _summary(problems, len(targets))


def _located(reference: str) -> tuple[Path | None, DlkitError | None]:
    """Where an artifact is, or the error that says that there is none."""
    from dlkit.artifacts.finding import locate

    try:
        return locate(reference), None
    except DlkitError as problem:
        if problem.code != NOT_FOUND:
            raise
        return None, problem


def _summary(problems: list[DlkitError], count: int) -> DlkitError:
    """The one error for all ``problems`` found among ``count`` artifacts; damage weighs more."""
    if all(each.code == NOT_FOUND for each in problems):
        if len(problems) == 1:
            return problems[0]
        what = f"{len(problems)} of {count} artifacts are not there"
        return DlkitError(what, hint="dlkit artifacts list", code=NOT_FOUND)
    what = f"{len(problems)} of {count} artifacts" if count > 1 else "the artifact"
    return DlkitError(
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
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Remove artifacts and interrupted runs for good.

    Example: dlkit artifacts remove word2vec/reviews-2 --yes
    """
    import sys

    from dlkit.artifacts import clearing, finding, needs, showing, store

    output = console.Output(form, json_lines=json, header=header)
    doomed = []
    for each in reference:
        info = finding.entry(each)
        if info not in doomed:
            doomed.append(info)
    for info in doomed:
        clearing.refuse_if_held(info.path)
    for warning in needs.warnings(doomed):
        console.warn(warning)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise DlkitError(
                "removing cannot be undone: nobody is here to be asked",
                hint=f"dlkit artifacts remove {' '.join(reference)} --yes",
                code=USAGE,
            )
        for info in doomed:
            console.note(f"{info.reference}  {info.kind or info.state}  {showing.size(info.size)}")
        if not typer.confirm("Remove for good?", err=True):
            raise DlkitError("nothing was removed")
    columns = ("artifact", "state")
    rows = []
    try:
        for info in doomed:
            clearing.remove(info.path)
            rows.append((store.reference_of(info.path), "removed"))
            if output.form != "human":  # a line for each as soon as it is gone
                value = {**dict(zip(columns, rows[-1], strict=True)), "path": str(info.path)}
                output.answer(columns, rows[-1:], value)
    finally:
        if output.form == "human" and rows:
            output.answer(columns, rows, {})


def _as_object(info: ArtifactInfo) -> dict[str, Any]:
    return {
        "artifact": info.reference,
        "kind": info.kind,
        "state": info.state,
        "bytes": info.size,
        "path": str(info.path),
        "problem": info.problem,
    }


def _fact(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
