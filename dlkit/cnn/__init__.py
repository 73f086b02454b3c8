"""The room of ``dlkit cnn``: convolutional networks on images."""
