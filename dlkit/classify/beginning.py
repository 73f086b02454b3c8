"""An artifact that a training begins with: its weights, classes, preprocessing and network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.artifacts.finding import find
from dlkit.classifiers.opened import settings_in
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from torch import Tensor

    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.saved import Classifier

# What the weights are of, so that it cannot be another now.
_ITS_OWN: Final = ("hidden", "activation", "batch_norm", "preprocess", "features", "text")


def open_beginning(config: ClassifyConfig) -> Classifier | None:
    """The artifact that ``config`` names to begin with; None: it names none.

    Raises:
        DlkitError: there is no such artifact, or it is damaged; (USAGE) the settings are of
            another network.

    """
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.saved import KIND, open_classifier
    from dlkit.config.resolve import validate

    if config.begin is None:
        return None
    found = open_classifier(find(config.begin, kinds={KIND}))
    own = validate(ClassifyConfig, settings_in(found))
    for name in _ITS_OWN:
        asked, there = getattr(config, name), getattr(own, name)
        if asked != there:
            raise DlkitError(
                f"{name} cannot change from what {found.reference} has: its weights are of that",
                hint="leave out --from, or what is another",
                code=USAGE,
            )
    return found


def weights_of(classifier: Classifier) -> dict[str, Tensor]:
    """Its weights by name, as its network takes them."""
    import torch

    from dlkit.classify.linear import LinearNgrams

    model: Any = classifier.model
    if isinstance(model, LinearNgrams):  # the same weights without PyTorch
        return {name: torch.from_numpy(np.array(each)) for name, each in model.tensors().items()}
    return dict(model.state_dict())


def settings_of(classifier: Classifier) -> dict[str, Any]:
    """Its settings, below those that are given now.

    A training to the optimum does not depend on where it begins: one by epochs is meant.
    """
    found = settings_in(classifier)
    if found["training"]["optimizer"] in ("lbfgs", "sdca"):
        del found["training"]["optimizer"]
    return found
