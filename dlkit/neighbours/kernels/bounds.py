"""What float32 can get wrong in a distance, and the numbers of the metrics.

Rows are centred and scaled so that no value exceeds 2 (cosine: have length 1), then rounded. With
u = 2^-24, D columns, x and y the rounded rows, and any order of summation:

- A sum of D products or differences is wrong by at most g = D u / (1 - D u) times the sum of the
  magnitudes of its terms (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
- xx - 2xy + yy is wrong by at most g (xx + yy) for the product, a few u (xx + yy) for the two
  additions and 4.2 u (xx + yy) for the rounding of the rows: less than `relative_error` (xx + yy).
- A sum of absolute differences is wrong by at most its share g, and u (sum |x| + sum |y|) for the
  rounding of the rows: ROUNDED covers the latter, also after the share is taken off.
- A largest absolute difference is wrong by at most u times itself, and u (max |x| + max |y|) for
  the rounding of the rows.
- Denormal numbers lose at most TINY a column.

A Minkowski distance of order p is not bounded by itself: by Hoelder's inequality a distance of
order b, 1 or 2 and below p, is at most D^(1/b - 1/p) times as large.
"""

from __future__ import annotations

from typing import Final

from dlkit.jit import compiled

L2: Final = 0
L1: Final = 1
COSINE: Final = 2
LINF: Final = 3
MINKOWSKI: Final = 4

UNIT: Final = 2.0**-24  # half the distance from 1 to the next float32
ROUNDED: Final = 1.5 * UNIT
TINY: Final = 2.0**-140

_HOPELESS: Final = 1e20  # nothing can be said: every pair is computed in float64


@compiled()
def relative_error(columns: int) -> float:
    """A bound of the relative error of a float32 sum of ``columns`` terms, and a little more."""
    error = 1.01 * (columns + 10) * UNIT
    return error / (1 - error) if error < 0.25 else _HOPELESS
