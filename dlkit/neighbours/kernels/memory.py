"""Memory that vectors are read from at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

ALIGNMENT: Final = 64


@compiled()
def aligned(size: int) -> npt.NDArray[np.uint8]:
    """``size`` bytes at an address that is a multiple of 64."""
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size]
