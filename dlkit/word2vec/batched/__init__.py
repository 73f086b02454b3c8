"""Training in batches on PyTorch tensors: full softmax, other devices, machines without numba."""
