"""How the small functions of a kernel are compiled: into their callers, with no call left.

A call would pass every field of every array it is given on the stack, which costs more than most
of these functions do. They are not cached by themselves: the cached functions contain them.

Where numba is missing they stay plain functions, so that what the PyTorch trainer shares with the
kernels (thresholds, tables, checks) can be imported there, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

try:
    import numba
except ImportError:
    numba = None  # type: ignore[assignment]

# ``_nrt=False``: nothing here allocates, and without numba's reference counts no atomic
# instruction is left in the loops. Without wrappers the functions cannot be called from Python, but
# most of the time of compiling them was spent on taking a lane's many arrays from Python.
JIT_OPTIONS: Final[Any] = {
    "nogil": True,
    "forceinline": True,
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
inlined: Final[Callable[[Callable[..., Any]], Any]] = (
    numba.njit(**JIT_OPTIONS) if numba is not None else lambda function: function
)
