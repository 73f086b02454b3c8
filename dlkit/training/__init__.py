"""The one optimisation loop, and everything that every supervised network trains with."""
