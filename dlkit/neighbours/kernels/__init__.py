"""Compiled kernels of the neighbour search: import them inside function bodies only (numba)."""
