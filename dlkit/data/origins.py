"""Where samples come from, told so that it opens from any folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def anywhere(paths: Sequence[str], typed: Sequence[str], origin: Sequence[str]) -> list[str]:
    """Where samples come from, as it opens from any folder.

    Args:
        paths: files below what was typed, or ``FILE:ROW`` where FILE is a table's name.
        typed: the data, as they were given.
        origin: the same, absolute where they are files.

    """
    moved = {
        name: os.path.normpath(there)
        for here, there in zip(typed, origin, strict=True)
        if Path(there).is_absolute()
        for name in (here.rstrip("/"), Path(there).name)
    }
    found = []
    for path in paths:
        starts = (name for name in moved if path.startswith((f"{name}/", f"{name}:")))
        name = max(starts, key=len, default=None)
        found.append(path if name is None else moved[name] + path.removeprefix(name))
    return found
