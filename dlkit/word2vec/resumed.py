"""Going on with a run: settings given again must be those it began with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError
from dlkit.word2vec.config import Word2vecConfig

# What may change without making another model of it; a change is recorded in run.json.
_FREE = ("epochs", "threads")


def resumed_config(
    saved: Word2vecConfig,
    recipe: Path | None,
    sets: Sequence[str],
    options: Mapping[str, object],
) -> tuple[Word2vecConfig, list[str]]:
    """The settings to go on with, and the changes in words.

    Args:
        saved: the settings that the run began with.
        recipe: a recipe given again.
        sets: ``--set`` assignments given again.
        options: options given again, None where one was not.

    Raises:
        DlkitError: usage: a setting other than epochs and threads differs.

    """
    given = resolve(Word2vecConfig, recipe=recipe, sets=sets, options=options)
    asked = given.model_dump(exclude_unset=True)
    before = saved.model_dump()
    changes: list[str] = []
    update: dict[str, Any] = {}
    for key, value in _flat(asked).items():
        old = _flat(before)[key]
        if key == "data":
            value, old = absolute_data(value), tuple(old)
        if value == old:
            continue
        if key not in _FREE:
            raise DlkitError(
                f"--resume: {key} was {old} when the run began, not {value}",
                hint="leave the setting out, or start a new run without --resume",
                code=USAGE,
            )
        update[key] = value
        changes.append(f"{key} changed from {old} to {value}")
    return saved.model_copy(update=update), changes


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def absolute_data(data: Sequence[str]) -> tuple[str, ...]:
    """The corpora as saved: paths absolute, names as they are, so that the recipe runs anywhere."""
    return tuple(
        str(Path(entry).expanduser().absolute())
        if entry != "-" and (Path(entry).expanduser().exists())
        else entry
        for entry in data
    )
