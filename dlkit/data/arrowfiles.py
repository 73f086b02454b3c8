"""Arrow files and streams: their schema and batches, and whose fault an error is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlkit.errors import DlkitError


def arrow_batches(opened: Any) -> Iterator[Any]:
    """The schema of an Arrow stream (what ``datasets`` writes) or file, then its batches.

    Args:
        opened: a file that has ``peek``.

    """
    from pyarrow import ipc

    if opened.peek(6)[:6] == b"ARROW1":
        whole = ipc.open_file(opened)
        yield whole.schema
        for place in range(whole.num_record_batches):
            yield whole.get_batch(place)
    else:
        reader = ipc.open_stream(opened)
        yield reader.schema
        yield from reader


@contextmanager
def blamed(name: str, kind: str) -> Iterator[None]:
    """Errors of reading a file as errors of that file.

    Args:
        name: what a person calls it.
        kind: the format that it should be of.

    Raises:
        DlkitError: the file is not of that format, or damaged.

    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DlkitError(f"{name} is not readable {kind}: {reason}") from error
