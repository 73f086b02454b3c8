"""Augmentation of whole batches: each image by its own draw, on any device."""
