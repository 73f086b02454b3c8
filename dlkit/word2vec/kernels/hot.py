"""Private copies of the most frequent rows, one set for each thread.

Words come in order of frequency, so rows 0 .. H-1 are the ones that all threads write all the
time, and each such write takes the cache line from the other cores. Every thread works on its own
copy of them instead and adds its change to the shared matrix now and then.
"""

from __future__ import annotations

from typing import Any

from dlkit.jit import compiled


@compiled(_nrt=False)
def take_rows(shared: Any, private: Any, base: Any) -> None:
    """Copy the first rows of ``shared`` (V, D) into ``private`` and ``base`` (H, D)."""
    for row in range(private.shape[0]):
        for i in range(private.shape[1]):
            private[row, i] = shared[row, i]
            base[row, i] = shared[row, i]


@compiled(_nrt=False)
def merge_rows(shared: Any, private: Any, base: Any) -> None:
    """Add what changed in ``private`` since ``base`` to ``shared``, and take the sum as new copy.

    Other threads may do the same at the same time; a change that two threads write to the same
    float in the same instant may be lost, as with any row that threads share without locks.
    """
    for row in range(private.shape[0]):
        for i in range(private.shape[1]):
            total = shared[row, i] + (private[row, i] - base[row, i])
            shared[row, i] = total
            private[row, i] = total
            base[row, i] = total
