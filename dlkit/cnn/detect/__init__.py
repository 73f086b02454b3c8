"""The room of ``dlkit cnn detect``: where things are in images."""
