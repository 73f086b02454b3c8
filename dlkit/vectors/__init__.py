"""Word vectors without torch: mapped store, queries, file formats."""
