"""The store of artifacts: names, runs, checkpoints, safe writing, distrustful reading."""
