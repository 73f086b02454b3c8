"""One sample's way through a classifier in numbers: from Wx + b to its loss, and the penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dlkit.classifiers.asking import probabilities_of
from dlkit.classify.asking import scores_of
from dlkit.classify.export import linear_of, names_of
from dlkit.classify.inputs import NgramReader, Numbers
from dlkit.data.ngrams import Bags
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.classify.saved import Classifier
    from dlkit.data.samples import Split

_MOST: Final = 10  # inputs that are told to have pulled most


@dataclass(frozen=True, eq=False)
class Way:
    """A sample's way.

    Attributes:
        file: the sample.
        truth: place of its class; None: it has none.
        products: (C,) Wx of the last layer, x what comes to it.
        biases: (C,) b.
        steps: what is told of each class besides, by name: (C,) exp and softmax, or the margins.
        loss: of the sample; None where its class is not known.
        penalty: R(W) as it stands in the objective, l2/2 ΣW² + l1 Σ|W|.
        squares: ΣW² over all weights.
        pulls: for a linear classifier the inputs that pull most towards the predicted class: name,
            value, weight, product.

    """

    file: str
    truth: int | None
    products: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]
    steps: dict[str, npt.NDArray[np.float64]]
    loss: float | None
    penalty: float
    squares: float
    pulls: list[tuple[str, float, float, float]]

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """(C,) s = Wx + b."""
        return self.products + self.biases

    @property
    def winner(self) -> int:
        """The place of the predicted class."""
        return int(self.scores.argmax())


def explain(classifier: Classifier, split: Split, numbers: Numbers, place: int) -> Way:
    """The way of the sample at ``place`` of ``split``, whose numbers are ``numbers``.

    Args:
        classifier: the artifact.
        split: the samples.
        numbers: of this one sample: (1, D), or the n-grams of one text.
        place: in ``split``, from 0.

    """
    import torch

    from dlkit.training import penalties

    model = classifier.model
    biases = _last_biases(model)
    scores = scores_of(model, numbers)[0].astype(np.float64)
    label = int(split.labels[place])
    truth = None if label < 0 else label
    weights, _ = penalties.divide(model)
    document = classifier.document
    penalty = penalties.penalty(weights, l2=document["l2"], l1=document["l1"])
    squares = float(sum(torch.sum(each.detach().double() ** 2) for each in weights))
    steps, loss = _steps(classifier.loss, scores, truth)
    return Way(
        split.paths[place],
        truth,
        scores - biases,
        biases,
        steps,
        loss,
        penalty,
        squares,
        _pulls(classifier, split, numbers, place, int(scores.argmax())),
    )


def _last_biases(model: Any) -> npt.NDArray[np.float64]:
    bias = model.layers[-1].bias if len(model.layers) else model.bias
    found: npt.NDArray[np.float64] = bias.detach().cpu().double().numpy()
    return found


def _steps(
    kind: str, scores: npt.NDArray[np.float64], truth: int | None
) -> tuple[dict[str, npt.NDArray[np.float64]], float | None]:
    """What follows the scores, and the loss."""
    if kind == "softmax":
        exponentials = np.exp(scores - scores.max())
        shares = probabilities_of(scores[None])[0]
        loss = None
        if truth is not None:
            # log Σ exp is taken of the scores, so that a probability of 0 has a finite loss.
            loss = float(math.log(exponentials.sum()) + scores.max() - scores[truth])
        return {"exp(s - max)": exponentials, "softmax": shares}, loss
    if truth is None:
        return {}, None
    margins = np.maximum(0, scores - scores[truth] + 1)
    margins[truth] = 0
    return {"max(0, s - s_y + 1)": margins}, float(margins.sum())


def _pulls(
    classifier: Classifier, split: Split, numbers: Numbers, place: int, winner: int
) -> list[tuple[str, float, float, float]]:
    """What of a table's row or a text speaks most for the predicted class; nothing of pixels."""
    try:
        weight, _ = linear_of(classifier)
    except DlkitError:
        return []
    if isinstance(numbers, Bags):
        assert isinstance(classifier.reader, NgramReader)
        spelled = classifier.reader.ngrams.spelled(split.texts[place])
        names = {at: " / ".join(words) for at, words in spelled.items()}
        pairs = list(zip(numbers.values.tolist(), numbers.weights.tolist(), strict=True))
    else:
        columns = names_of(classifier, numbers.shape[1])
        if columns is None:
            return []
        names = dict(enumerate(columns))
        pairs = list(enumerate(numbers[0].tolist()))
    # Against the mean of all classes: what speaks for every class alike decides nothing.
    pull = weight[winner].astype(np.float64) - weight.mean(axis=0, dtype=np.float64)
    told = [(names.get(at, str(at)), value, float(pull[at]), float(pull[at] * value))
            for at, value in pairs]  # fmt: skip
    return sorted(told, key=lambda each: -abs(each[3]))[:_MOST]
