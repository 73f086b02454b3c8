"""Going on with a run: settings given again must be those it began with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.artifacts.showing import flat
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError
from dlkit.word2vec.config import Word2vecConfig

# What may change without making another model of it; a change is recorded in run.json.
_FREE = ("epochs", "threads", "device")


def resumed_config(
    saved: Word2vecConfig,
    *,
    done: int,
    recipe: Path | None,
    sets: Sequence[str],
    options: Mapping[str, object],
) -> tuple[Word2vecConfig, list[str]]:
    """The settings to go on with, and the changes in words.

    Args:
        saved: the settings that the run began with.
        done: epochs that are behind.
        recipe: a recipe given again; what it says of epochs, threads and the device
            changes nothing.
        sets: ``--set`` assignments given again.
        options: options given again, None where one was not.

    Raises:
        DlkitError: usage: a setting other than epochs, threads and the device differs, or so few
            epochs are asked for that the run would be over.

    """
    typed = {key for key, value in options.items() if value is not None}
    typed |= {assignment.partition("=")[0].strip() for assignment in sets}
    base = saved.model_dump(mode="json")
    asked = absolute(
        resolve(
            Word2vecConfig, recipe=recipe, sets=sets, options=options, base=base,
            without=[key for key in _FREE if key not in typed],
        )
    )  # fmt: skip
    before, after = _told(saved), _told(asked)
    changes: list[str] = []
    update: dict[str, Any] = {}
    for key, value in after.items():
        old = before[key]
        if value == old:
            continue
        if key not in _FREE and isinstance(old, bool):
            raise DlkitError(
                f"--resume: the run began {'with' if old else 'without'} {_switch(key)}",
                hint="leave the setting out, or start a new run without --resume",
                code=USAGE,
            )
        if key not in _FREE:
            raise DlkitError(
                f"--resume: {key} was {_shown(old)} when the run began, not {_shown(value)}",
                hint="leave the setting out, or start a new run without --resume",
                code=USAGE,
            )
        update[key] = value
        # Rounds give the same bits whatever the threads.
        if not (key == "threads" and saved.deterministic):
            changes.append(f"{key} changed from {_shown(old)} to {_shown(value)}")
    if update.get("epochs", done + 1) <= done:
        raise DlkitError(
            f"--resume: {done} epochs are done already, so --epochs {update['epochs']} is over",
            hint=f"--epochs {done + 1} or more",
            code=USAGE,
        )
    return saved.model_copy(update=update), changes


def _told(config: Word2vecConfig) -> dict[str, Any]:
    """The settings by dotted key, the learning rate as it is used."""
    return flat(config.model_dump()) | {"lr": config.first_lr}


def _switch(key: str) -> str:
    """What a user types to switch on what is on or off."""
    if key == "held_out":
        return "--set held_out=true"
    return "--" + key.rsplit(".", 1)[-1].replace("_", "-")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "not set" if value is None else str(value)


def absolute(config: Word2vecConfig) -> Word2vecConfig:
    """The settings as saved: every path absolute, so that they mean the same anywhere."""
    text = config.text
    if text.vocabulary is not None:
        text = text.model_copy(update={"vocabulary": absolute_data([text.vocabulary])[0]})
    update: dict[str, Any] = {"data": absolute_data(config.data), "text": text}
    update["eval"] = absolute_data(config.eval)
    for name in ("continued", "initial"):
        if (path := getattr(config, name)) is not None:
            update[name] = absolute_data([path])[0]
    return config.model_copy(update=update)


def absolute_data(data: Sequence[str]) -> tuple[str, ...]:
    """The corpora as saved: paths absolute, names as they are, so that the recipe runs anywhere."""
    # os.path takes the text as typed; a Path would make the home folder of ./~name.
    expanded = {entry: os.path.expanduser(entry) for entry in data}  # noqa: PTH111
    return tuple(
        str(Path(path).absolute()) if entry != "-" and Path(path).exists() else entry
        for entry, path in expanded.items()
    )
