"""An artifact that a training begins with, as the new artifact and the reading of data know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlkit.artifacts.load import digest_of
from dlkit.artifacts.store import root

if TYPE_CHECKING:
    from dlkit.classifiers.opened import Classifier


def kept_of(classifier: Classifier) -> dict[str, Any]:
    """What of the artifact the data are read by: arguments of ``data.loading.load``."""
    return {"form": classifier.form, "classes": classifier.classes}


def document_of(classifier: Classifier) -> dict[str, str]:
    """What another artifact tells of the one that it began with."""
    return {"artifact": classifier.reference, "digest": digest_of(classifier.artifact)}


def place_of(classifier: Classifier) -> str:
    """How it is found again from any folder: TASK/NAME in the store, else its path."""
    path = classifier.path.absolute()
    return classifier.reference if path.parent.parent == root().absolute() else str(path)
