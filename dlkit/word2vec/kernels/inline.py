"""How the small functions of a kernel are compiled: into their callers, with no call left.

A call would pass every field of every array it is given on the stack, which costs more than most
of these functions do. They are not cached by themselves: the cached functions contain them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba

# ``_nrt=False``: nothing here allocates, and without numba's reference counts no atomic
# instruction is left in the loops.
OPTIONS: Final[dict[str, Any]] = {"nogil": True, "forceinline": True, "_nrt": False}
inlined: Final[Callable[[Callable[..., Any]], Any]] = numba.njit(**OPTIONS)
