"""``dlkit cnn upscale``: images made two, three or four times as large by a network."""
