"""``dlkit recipes``: list, show, copy and check the recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.errors import NOT_FOUND, USAGE, DlkitError, quoted
from dlkit.options import Force, Form, Header, Json, group

if TYPE_CHECKING:
    from dlkit.config.schema import Settings

# The settings class of each task, handed down by the app as the context's object.
Schemas = Mapping[str, Callable[[], "type[Settings]"]]

app = group(
    "recipes",
    "List, show, copy and check the recipes: runnable settings that come with dlkit.",
)


def complete_recipe(incomplete: str) -> list[str]:
    """Names of recipes for the shell."""
    from dlkit.config import recipes

    names = [f"{recipe.task}/{recipe.name}" for recipe in recipes.listed()]
    return [name for name in names if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="NAME, TASK/NAME or a path.", autocompletion=complete_recipe
    ),
]


@app.command("list")
def list_recipes(
    task: Annotated[str | None, typer.Option(help="Only the recipes of this task.")] = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """List the recipes and what each of them does.

    Example: dlkit recipes list --task word2vec
    """
    from dlkit.config import recipes

    output = console.Output(form, json_lines=json, header=header)
    found = list(recipes.listed(task))
    if not found:
        raise DlkitError(
            f"no recipes of the task {task!r}", hint="dlkit recipes list", code=NOT_FOUND
        )
    output.answer(
        ("recipe", "what it does"),
        [(f"{each.task}/{each.name}", each.summary) for each in found],
        [{"recipe": f"{each.task}/{each.name}", "summary": each.summary} for each in found],
    )


@app.command("show")
def show_recipe(
    context: typer.Context,
    recipe: Name,
    sets: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The file as it is, with comments.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, not YAML.")] = False,
) -> None:
    """Print the settings that a recipe stands for, every default filled in.

    Example: dlkit recipes show word2vec/reviews --set dim=200
    """
    from dlkit.config import recipes

    if raw and (json or sets):
        other = "--json" if json else "--set"
        raise DlkitError(f"--raw and {other} do not go together", code=USAGE)
    path = recipes.find(recipe)
    output = console.Output("tsv", json_lines=json)
    if raw:
        output.text(path.read_text(encoding="utf-8"))
        return

    from dlkit.config.resolve import resolve, to_yaml

    task = _task(path, context.obj)
    settings = resolve(context.obj[task](), recipe=path, sets=sets or ())
    if json:
        value = {"task": task, "path": str(path), "settings": settings.model_dump(mode="json")}
        output.answer((), (), value)
    else:
        output.text(to_yaml(settings))


@app.command("copy")
def copy_recipe(
    context: typer.Context,
    recipe: Name,
    target: Annotated[Path, typer.Argument(help="A file or folder.")] = Path(),
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Copy a recipe to change it.

    Example: dlkit recipes copy word2vec/reviews mine.yaml
    """
    from dlkit.config import recipes

    output = console.Output(form, json_lines=json, header=header)
    path = recipes.find(recipe)
    task = _task(path, context.obj)
    destination = target / path.name if target.is_dir() else target
    _write(destination, path.read_bytes(), force=force)
    output.answer(("path",), [(str(destination),)], {"recipe": recipe, "path": str(destination)})
    console.note(f"run it: dlkit {task} train -r {quoted(_as_path(destination))}")


def _as_path(path: Path) -> str:
    """``path`` so that it is not taken for the name of a recipe."""
    return str(path) if path.is_absolute() else f"./{path}"


def _write(path: Path, content: bytes, *, force: bool) -> None:
    """Put ``content`` at ``path``, whole; what is there stays unless ``force`` is set."""
    try:
        if not force:
            with path.open("xb") as file:
                file.write(content)
            return
        beside = path.with_name(f".tmp-{path.name}")
        beside.write_bytes(content)
        beside.replace(path)
    except FileExistsError:
        raise DlkitError(
            f"{path} is there already", hint="--force replaces it", code=USAGE
        ) from None
    except OSError as problem:
        raise DlkitError(f"cannot write {path}: {problem.strerror or problem}") from None


@app.command("check")
def check_recipes(
    context: typer.Context,
    recipe: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]…", help="Names or paths; all of dlkit's if none."),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="The task of a file that lies in no task's folder.")
    ] = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
) -> None:
    """Check recipes against the settings of their task without running them.

    Example: dlkit recipes check mine.yaml --task word2vec
    """
    from dlkit.config import recipes
    from dlkit.config.resolve import resolve

    schemas: Schemas = context.obj
    if task is not None and task not in schemas:
        raise DlkitError(
            f"--task: no task is called {task!r}", hint=f"tasks: {', '.join(schemas)}", code=USAGE
        )
    output = console.Output(form, json_lines=json, header=header)
    paths = [recipes.find(each) for each in recipe or ()]
    columns, rows = ("recipe", "state"), []
    try:
        for path in paths or [each.path for each in recipes.listed()]:
            resolve(schemas[task or _task(path, schemas)](), recipe=path)
            rows.append((str(path), "ok"))
            if output.form != "human":  # a line for each as soon as it is known
                output.rows(columns, rows[-1:])
    finally:
        if output.form == "human" and rows:
            output.rows(columns, rows)


def _task(path: Path, schemas: Schemas) -> str:
    """The task of a recipe: the name of its folder, else the one named in its first comment."""
    if path.absolute().parent.name in schemas:
        return path.absolute().parent.name
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    words = first.lstrip("# ").split()
    if len(words) > 1 and words[0] == "dlkit" and words[1] in schemas:
        return words[1]
    raise DlkitError(
        f"{path}: which task is it of?",
        hint=f"begin the file with the command that runs it, or add --task ({', '.join(schemas)})",
        code=USAGE,
    )
