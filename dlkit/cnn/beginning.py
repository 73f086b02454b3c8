"""Weights that a training begins with: an artifact's, or those that someone published."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from dlkit.artifacts.finding import find
from dlkit.classifiers.opened import settings_in
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.network import Network
    from dlkit.cnn.saved import ImageClassifier
    from dlkit.cnn.weights import Weights
    from dlkit.records import Record

# What the weights are of, so that it cannot be another now.
_ITS_OWN: Final = ("model", "network", "pretrained")


def open_beginning(config: CnnConfig) -> ImageClassifier | None:
    """The artifact that ``config`` names to begin with; None: it names none.

    Raises:
        DlkitError: there is no such artifact, or it is damaged; (USAGE) the settings are of
            another network.

    """
    from dlkit.cnn.config import CnnConfig
    from dlkit.cnn.saved import KIND, open_classifier
    from dlkit.config.resolve import validate

    if config.begin is None:
        return None
    found = open_classifier(find(config.begin, kinds={KIND}))
    own = validate(CnnConfig, settings_in(found))
    for name in _ITS_OWN:
        if getattr(config, name) != getattr(own, name):
            raise DlkitError(
                f"{name} cannot change from what {found.reference} has: its weights are of that",
                hint="leave out --from, or what is another",
                code=USAGE,
            )
    return found


def open_weights(config: CnnConfig) -> Generator[Record, None, Weights | None]:
    """The published weights that ``config`` names to begin with; None: it names none.

    Those of an artifact count more: it may itself have begun with published ones.

    Raises:
        DlkitError: there are none of that name, or they cannot be read.

    """
    from dlkit.cnn.weights import fetch

    if config.pretrained is None or config.begin is not None:
        return None
    return (yield from fetch(config.pretrained))


def begin(model: Network, given: ImageClassifier | Weights | None) -> Generator[Record, None, None]:
    """Give ``model`` the weights of an artifact, or published ones.

    Args:
        model: the network.
        given: the artifact, or the weights.

    Raises:
        DlkitError: the weights are of another network, or not finite.

    """
    from dlkit.cnn.pretrained import load
    from dlkit.cnn.saved import ImageClassifier

    assert given is not None
    if isinstance(given, ImageClassifier):
        model.load_state_dict(given.model.state_dict())
    else:
        yield from load(model, given)


def settings_of(classifier: ImageClassifier) -> dict[str, Any]:
    """Its settings, below those that are given now.

    What a training of its own would begin with does not count: its weights are begun with. How
    long and how fast it learnt is not how it is learnt on: what is usual then is taken.
    """
    found = settings_in(classifier)
    training = {name: found["training"][name] for name in ("device", "precision", "validation")}
    return {**found, "begin": None, "freeze": None, "training": training}
