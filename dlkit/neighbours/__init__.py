"""Exact nearest neighbours: distances and selection fused, no approximation in the answer."""
