"""Compiled loops over text and numbers of words (numba)."""
