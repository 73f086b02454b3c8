"""The panel functions of this machine, and the sizes that go with them."""

from __future__ import annotations

from typing import Final

from dlkit.llvm import FLOAT, INT32, operation
from dlkit.neighbours.kernels import emit, panels
from dlkit.neighbours.kernels.panels import Shape

WIDTH: Final = panels.host()
POINTS: Final = panels.points_of(WIDTH)

_PRODUCTS: Final = panels.products(WIDTH)
_DIFFERENCES: Final = panels.differences(WIDTH)
_MAXIMA: Final = Shape(emit.byte_maxima, INT32, _PRODUCTS.rows)
_FLOAT_PRODUCTS: Final = Shape(emit.float_products, FLOAT, panels.rows_of(WIDTH, FLOAT))
_FLOAT_DIFFERENCES: Final = _FLOAT_PRODUCTS._replace(step=emit.float_differences)
_FLOAT_MAXIMA: Final = _FLOAT_PRODUCTS._replace(step=emit.float_maxima)

PRODUCT_ROWS: Final = _PRODUCTS.rows
DIFFERENCE_ROWS: Final = _DIFFERENCES.rows
FLOAT_ROWS: Final = _FLOAT_PRODUCTS.rows

# Products of bytes: columns in a word, and what is taken off a point's bytes to make them signed.
SHORTS: Final = _PRODUCTS.step is emit.short_products
PRODUCT_COLUMNS: Final = 2 if SHORTS else 4
SHIFT: Final = 0 if SHORTS or "arm" in WIDTH.features else 128
DIFFERENCE_COLUMNS: Final = _DIFFERENCES.word_bytes
MAXIMUM_COLUMNS: Final = _MAXIMA.word_bytes

squares = panels.panel(WIDTH, _PRODUCTS, panels.expanded, panels.below)
cosines = panels.panel(WIDTH, _PRODUCTS, panels.moved, panels.steeper)
products = panels.panel(WIDTH, _PRODUCTS, panels.summed, panels.below)
differences = panels.panel(WIDTH, _DIFFERENCES, panels.summed, panels.below)
maxima = panels.panel(WIDTH, _MAXIMA, panels.largest, panels.below)
float_squares = panels.panel(WIDTH, _FLOAT_PRODUCTS, panels.float_expanded, panels.float_below)
float_differences = panels.panel(WIDTH, _FLOAT_DIFFERENCES, panels.float_summed, panels.float_below)
float_maxima = panels.panel(WIDTH, _FLOAT_MAXIMA, panels.float_summed, panels.float_below)
lowest_bit = operation(emit.lowest, panels.ADDRESS)
