"""Figures: SVG whose text stays text, and curves in the characters of a terminal."""
