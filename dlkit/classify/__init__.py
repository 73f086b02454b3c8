"""The room of ``dlkit classify``: linear classifiers and fully connected networks."""
