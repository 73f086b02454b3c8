"""k nearest neighbours: the class of what lies nearest."""
