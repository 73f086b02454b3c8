"""Settings: recipes, options and defaults become one validated object."""
