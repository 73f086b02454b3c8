"""Data sets of the Hugging Face hub: one short look whether it can be reached, then the library."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from dlkit.errors import DlkitError

PATIENCE: Final = 3.0  # seconds for the hub to answer
_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?(:[\w.-]+)?", re.ASCII)
_TRUE: Final = {"1", "on", "yes", "true"}


def is_id(name: str) -> bool:
    """Whether a name can be a data set's id: ``name`` or ``owner/name``, perhaps ``:CONFIG``."""
    return _ID.fullmatch(name) is not None


def offline() -> bool:
    """Whether the user has forbidden the network (HF_HUB_OFFLINE, HF_DATASETS_OFFLINE)."""
    return any(
        os.environ.get(key, "").lower() in _TRUE
        for key in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    )


def check(name: str, *, typed: str) -> None:
    """See that a data set can be had: it is in the cache, or the hub knows it.

    Raises:
        DlkitError: it cannot, with what to do about it.

    """
    if not is_id(name):
        raise DlkitError(f"{name!r} is not the id of a data set on the hub", hint="OWNER/NAME")
    identity = name.partition(":")[0]
    forced = typed.startswith("hub:")
    nothing_here = "" if forced else f"{typed!r} is no file or folder here"
    it = f"the data set {identity!r}" if forced else f"{nothing_here}; as a data set it"
    if cached(identity):
        return
    if offline():
        raise DlkitError(
            f"{it} is not in the cache, and HF_HUB_OFFLINE is set",
            hint=f"give a file or folder, or unset HF_HUB_OFFLINE, or: {_DOWNLOAD} {identity}",
        )
    answer = ask(identity)
    if answer == 200:
        return
    if answer in (401, 403, 404):
        why = "is not on the hub" if answer == 404 else "is not on the hub or not open to you"
        raise DlkitError(f"{it} {why}", hint=_WHAT_ELSE)
    problem = f"the hub answered {answer}" if answer else "the hub cannot be reached"
    looked = f"to look for the data set {identity!r}" if forced else "to look for such a data set"
    raise DlkitError(
        f"{nothing_here}{', and ' if nothing_here else ''}{problem} {looked}",
        hint=f"{_WHAT_ELSE}, or where there is a network: {_DOWNLOAD} {identity}",
    )


_DOWNLOAD: Final = "hf download --repo-type dataset"
_WHAT_ELSE: Final = "give a file, a folder or builtin:NAME"


def rows(name: str, split: str) -> Any:
    """A data set's split.

    Args:
        name: the id, with ``:CONFIG`` where the data set has several configurations.
        split: its name; all for every split.

    Returns:
        A ``datasets.Dataset``.

    Raises:
        DlkitError: the library cannot load it.

    """
    import datasets

    loaded = splits(name, None if split == "all" else split)
    if split == "all":
        return datasets.concatenate_datasets(list(loaded.values()))
    return loaded


def splits(name: str, split: str | None = None) -> Any:
    """All splits of a data set, or one.

    Args:
        name: the id, with ``:CONFIG`` where the data set has several configurations.
        split: the one that is wanted.

    Returns:
        A ``datasets.DatasetDict``, or for one split a ``datasets.Dataset``.

    Raises:
        DlkitError: the library cannot load it.

    """
    import datasets

    datasets.disable_progress_bars()
    identity, _, configuration = name.partition(":")
    try:
        return datasets.load_dataset(identity, configuration or None, split=split)
    except Exception as error:
        # The library lets through errors of every layer below it.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DlkitError(f"the data set {name!r} cannot be loaded: {lines[0]}") from error


def cache() -> Path:
    """The folder that the hub's library keeps its files in."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")


def cached(identity: str, *, kind: str = "datasets") -> bool:
    """Whether the hub's cache holds any of a data set (or of ``kind`` models)."""
    folder = f"{kind}--{identity.replace('/', '--')}"
    return _not_empty(cache() / folder / "snapshots")


def _not_empty(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def ask(identity: str, *, kind: str = "datasets") -> int | None:
    """The status of the hub's answer, None without one; never longer than PATIENCE.

    A thread of its own, because looking up a host's address has no time limit.
    """
    answers: list[int] = []

    def look() -> Iterator[int]:
        import urllib.error
        import urllib.request

        base = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        if not base.startswith(("https://", "http://")):
            return
        request = urllib.request.Request(f"{base}/api/{kind}/{identity}", method="HEAD")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310
                yield int(reply.status)
        except urllib.error.HTTPError as error:
            yield error.code
        except (OSError, ValueError):
            return

    thread = threading.Thread(target=lambda: answers.extend(look()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else None
