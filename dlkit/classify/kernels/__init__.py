"""Compiled loops over the n-grams of texts (numba)."""
