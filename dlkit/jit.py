"""numba with its cache in a folder that only the user can write.

numba's cache files are pickles, the one exception to the rule that dlkit reads none. They lie in
``$XDG_CACHE_HOME/dlkit/numba`` (``~/.cache/dlkit/numba``), mode 0700, owned by the user; where such
a folder cannot be had, functions are compiled anew in each process and nothing is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any


def user_cache() -> Path:
    """The user's cache folder for dlkit; it may not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "dlkit"


def private_folder(path: Path) -> Path | None:
    """Make ``path`` a folder of mode 0700 owned by the user; None where that is not possible."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return None
        if status.st_mode & 0o077:
            path.chmod(0o700)
        if not os.access(path, os.W_OK):
            return None
    except (OSError, RuntimeError):  # RuntimeError: no home folder can be determined
        return None
    return path


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` that releases the GIL, cached where a private folder can be had.

    Import modules that use it only inside the functions that need them: numba costs 0.3 s.
    """
    folder = private_folder(user_cache() / "numba")
    if folder is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(folder)

    import numba

    return numba.njit(nogil=True, cache=folder is not None, **options)  # type: ignore[no-any-return]
