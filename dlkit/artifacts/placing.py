"""Files that a user names: written beside their place and put there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dlkit.artifacts.names import shown
from dlkit.artifacts.writing import blamed, sync_folder
from dlkit.errors import FAILED, USAGE, DlkitError


def check_places(paths: Sequence[Path], *, force: bool) -> None:
    """Look whether files can be put at ``paths``, before the work begins.

    Raises:
        DlkitError: (USAGE) one is there already and ``force`` is not set; one is no regular file,
            its folder is not there or cannot be written.

    """
    for path in paths:
        folder = path.parent
        if not folder.is_dir():
            raise DlkitError(
                f"{shown(str(path))}: there is no folder {shown(str(folder))}",
                hint=f"mkdir -p {folder}",
                code=FAILED,
            )
        if path.is_dir() or (os.path.lexists(path) and not path.is_file()):
            raise DlkitError(f"{shown(str(path))} is no regular file", code=USAGE)
        if os.path.lexists(path) and not force:
            raise DlkitError(
                f"{shown(str(path))} is there already", hint="--force replaces it", code=USAGE
            )
        effective = os.access in os.supports_effective_ids
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            raise DlkitError(f"the folder {shown(str(folder))} cannot be written", code=FAILED)


@contextmanager
def placed(paths: Sequence[Path], *, force: bool) -> Iterator[list[BinaryIO]]:
    """Open a file for each of ``paths``; when the body ends without an exception all are in place.

    Until then they have temporary names beside their places, and nothing that was there changes.

    Raises:
        DlkitError: as ``check_places``, or the disk refused.

    """
    check_places(paths, force=force)
    # A link stays a link: what it leads to is replaced.
    targets = [path.resolve() if path.is_symlink() else path for path in paths]
    temporary = [path.with_name(f".tmp-{path.name}-{os.urandom(4).hex()}") for path in targets]
    try:
        with ExitStack() as stack:
            streams: list[BinaryIO] = []
            for path, beside in zip(paths, temporary, strict=True):
                with blamed(path):
                    streams.append(stack.enter_context(beside.open("xb", buffering=1 << 20)))
            with blamed(paths[0]):
                yield streams
            for path, stream in zip(paths, streams, strict=True):
                with blamed(path):
                    stream.flush()
                    os.fsync(stream.fileno())
        check_places(paths, force=force)
        for path, beside in zip(targets, temporary, strict=True):
            with blamed(path):
                beside.rename(path)
                sync_folder(path.parent)
    except BaseException:
        for beside in temporary:
            with suppress(OSError):
                beside.unlink()
        raise
