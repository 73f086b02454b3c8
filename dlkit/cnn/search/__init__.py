"""``dlkit cnn search``: images that look alike, found by what a network sees of them."""
