"""Word vectors from text."""
