"""numba with its cache in a folder that only the user can write.

numba's cache files are pickles, the one exception to the rule that dlkit reads none. They lie under
``$XDG_CACHE_HOME/dlkit/numba`` (``~/.cache/dlkit/numba``), mode 0700, owned by the user; where such
a folder cannot be had, functions are compiled anew in each process and nothing is read.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from dlkit import signals

_KEPT_SECONDS: Final = 30 * 24 * 3600.0


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


def _sources(folder: Path) -> str:
    """A digest of the source files in ``folder`` by path, size and time.

    numba notices a change only in the file of the cached function, not in those of the functions
    that it calls; so another state of the sources gets another cache. What a compiled function
    calls lies in its own folder, or is emitted by ``llvm``.
    """
    digest = hashlib.sha256()
    here = Path(__file__)
    for path in (here, here.with_name("llvm.py"), *sorted(folder.rglob("*.py"))):
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()[:16]


@functools.cache
def _cache_folder(sources: Path) -> Path | None:
    """The cache for this state of ``sources``; caches unused for a month are removed."""
    parent = private_folder(user_cache() / "numba")
    if parent is None:
        return None
    folder = private_folder(parent / _sources(sources))
    if folder is None:
        return None
    now = time.time()
    with contextlib.suppress(OSError):
        os.utime(folder)
        for sibling in parent.iterdir():
            if sibling != folder and now - sibling.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(sibling, ignore_errors=True)
    return folder


def has_numba() -> bool:
    """Whether numba can be imported."""
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:  # a module without a specification: put there to be missing
        return False


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` that releases the GIL, cached where a private folder can be had.

    A signal that comes while a function is compiled is handled after that. A function may call
    compiled functions of its own folder only. Import modules that use it only inside the
    functions that need them: numba costs 0.3 s. Where numba is missing, functions stay as they
    are.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        if not has_numba():
            return function
        # Level 3 compiles a sixth longer than 2 and gives code no faster; read at import alone.
        os.environ.setdefault("NUMBA_OPT", "2")
        import numba

        folder = _cache_folder(Path(function.__code__.co_filename).parent)
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
        dispatcher = numba.njit(nogil=True, cache=folder is not None, **options)(function)
        # LLVM calls Python while it compiles; a signal's exception in there is lost, or worse.
        dispatcher.compile = signals.deferred()(dispatcher.compile)
        return dispatcher

    return decorate
