"""A batch of one sample: batch normalisation of a map of one number has nothing to compare it with.

The variance of a single number is 0, whatever the number; PyTorch refuses it. Larger maps give
several numbers of a channel, and ``training.batches`` never ends an epoch with a sample alone, so
that only a batch size of 1, or a single training sample, can come to this.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.network import Network
    from dlkit.data.forms import ImageForm


def check_batches(model: Network, form: ImageForm, size: int) -> None:
    """Do nothing if every normalisation of a network has two or more numbers of a channel.

    Args:
        model: the network; what of it is frozen normalises by what it has learnt.
        form: the images.
        size: samples that go through it at once.

    Raises:
        DlkitError: (USAGE) one has not.

    """
    if size > 1:
        return
    from torch.nn.modules.batchnorm import _BatchNorm

    from dlkit.cnn.layers import table

    model.train()
    norms = {
        name
        for name, part in model.named_modules()
        if isinstance(part, _BatchNorm) and part.training
    }
    found = table(model, channels=form.channels, size=(form.height, form.width))
    for layer in found.layers:
        if layer.name in norms and math.prod(layer.shape[1:]) == 1:
            raise DlkitError(
                f"a batch of one sample leaves {layer.name} ({layer.kind}) one number of a channel "
                "to normalise",
                hint="--batch-size 2 or more, or larger images (--size)",
                code=USAGE,
            )
