"""Arrays for many inputs: in memory, or mapped from a file where they would fill it."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.errors import DlkitError
from dlkit.jit import private_folder, user_cache

_IN_MEMORY: Final = 0.25  # of the machine's memory, for one array; more is mapped from a file


def new_array(shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
    """An array: in memory, or mapped from a file without a name where it is large.

    The file lies in the user's cache folder and is gone with the process, however that ends.

    Raises:
        DlkitError: the disk has no room for it.

    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= memory_for_arrays():
        return np.empty(shape, dtype)
    folder = private_folder(user_cache())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk is told now, not by SIGBUS
            return np.memmap(file, dtype, "w+", shape=shape)
    except OSError as error:
        raise DlkitError(
            f"no room for an array of {size:,} bytes in {folder or tempfile.gettempdir()}: "
            f"{error.strerror}",
            hint="--size with fewer pixels, --limit, or XDG_CACHE_HOME on another disk",
        ) from error


def memory_for_arrays() -> int:
    """How many bytes one array may take in memory."""
    return int(_IN_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
