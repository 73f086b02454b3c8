"""Where recipes lie, and how one is found by name or path."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import USAGE, DlkitError


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that comes with dlkit: its task, name and file."""

    task: str
    name: str
    path: Path

    @property
    def summary(self) -> str:
        """What it does, from the second of the comment lines at its top."""
        with self.path.open(encoding="utf-8") as file:
            comments = [line[1:].strip() for line in file if line.startswith("#")]
        return comments[1] if len(comments) > 1 else ""


def folder() -> Path:
    """The folder of the recipes: inside the package where it was installed, else the checkout's.

    Raises:
        DlkitError: the installation has no recipes.

    """
    here = Path(__file__).resolve()
    for candidate in (here.parents[1] / "recipes", here.parents[2] / "recipes"):
        if candidate.is_dir():
            return candidate
    raise DlkitError("this installation of dlkit holds no recipes", hint="install dlkit again")


def listed(task: str | None = None) -> Iterator[Recipe]:
    """The recipes, by task and name; only those of ``task`` if it is given."""
    for path in sorted(folder().glob("*/*.yaml")):
        if task in (None, path.parent.name):
            yield Recipe(path.parent.name, path.stem, path)


def find(reference: str, *, task: str | None = None) -> Path:
    """The file of a recipe given as NAME, TASK/NAME or a path.

    What has the suffix .yaml or .yml, or begins with ``.``, ``/`` or ``~``, is a path.

    Raises:
        DlkitError: usage: no such recipe, with the nearest name; or several of one name.

    """
    if reference.startswith((".", "/", "~")) or reference.endswith((".yaml", ".yml")):
        try:
            path = Path(reference).expanduser()
            if path.is_dir() or not path.exists():
                raise DlkitError(f"recipe {reference}: no such file", code=USAGE)
        except (OSError, RuntimeError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise DlkitError(f"recipe {reference[:200]}: {reason}", code=USAGE) from None
        return path
    known = {f"{recipe.task}/{recipe.name}": recipe for recipe in listed()}
    wanted = reference if "/" in reference else f"{task}/{reference}"
    if task is None and "/" not in reference:
        matches = [key for key, recipe in known.items() if recipe.name == reference]
        if len(matches) > 1:
            raise DlkitError(
                f"{reference} is the name of {len(matches)} recipes",
                hint=f"say which: {', '.join(matches)}",
                code=USAGE,
            )
        wanted = matches[0] if matches else wanted
    if wanted in known and (task is None or known[wanted].task == task):
        return known[wanted].path
    if wanted in known:
        raise DlkitError(
            f"the recipe {wanted} is for {known[wanted].task}, not for {task}",
            hint=f"dlkit recipes list {task}",
            code=USAGE,
        )
    names = [key for key in known if task is None or known[key].task == task]
    names += [known[key].name for key in names]
    close = difflib.get_close_matches(reference, names, n=1)
    hint = f"did you mean {close[0]}?" if close else "dlkit recipes list"
    raise DlkitError(f"no recipe is called {reference[:200]!r}", hint=hint, code=USAGE)
