"""The n-grams that tell the classes apart most, in letters, for a linear classifier of texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.classify.saved import Classifier
    from dlkit.data.ngrams import Bags, Ngrams

FILE: Final = "telling.jsonl"
_EACH: Final = 20  # n-grams of a class
_ALL: Final = 400  # of all classes: each is looked for in the texts
_READ: Final = 3  # texts that have an n-gram and are read for its letters, the shortest of some
_SOME: Final = 50


class Telling(NamedTuple):
    """An n-gram that speaks for a class.

    Attributes:
        label: the class.
        ngram: its letters; of several that share its bucket those that most texts have.
        weight: the class' weight less the classes' mean, times what the n-gram counts.

    """

    label: str
    ngram: str
    weight: float


def most_telling(
    ngrams: Ngrams,
    weights: npt.NDArray[np.float32],
    bags: Bags,
    texts: Sequence[str],
    classes: Sequence[str],
) -> list[Telling]:
    """The n-grams with the largest weights of each class.

    A bucket does not know its n-grams; they are found in training texts.

    Args:
        ngrams: how texts become n-grams.
        weights: (V, C) W.
        bags: of N texts.
        texts: the same.
        classes: (C,) names.

    """
    each = max(1, min(_EACH, _ALL // len(classes)))
    mean = weights.mean(axis=1)
    places, pulls = [], []
    for column in range(len(classes)):
        pull = (weights[:, column] - mean) * ngrams.factors
        best = np.argpartition(-pull, min(each, len(pull) - 1))[:each]
        best = best[np.argsort(-pull[best], kind="stable")]
        places.append(best[pull[best] > 0])
        pulls.append(pull[places[-1]])
    wanted = np.zeros(len(ngrams), bool)
    wanted[np.concatenate(places)] = True
    letters = _letters(ngrams, wanted, bags, texts)
    return [
        Telling(name, letters[place], weight)
        for name, some, values in zip(classes, places, pulls, strict=True)
        for place, weight in zip(some.tolist(), values.tolist(), strict=True)
        if place in letters
    ]


def _letters(
    ngrams: Ngrams, wanted: npt.NDArray[np.bool_], bags: Bags, texts: Sequence[str]
) -> dict[int, str]:
    """The letters of the places that are wanted."""
    at = np.flatnonzero(wanted[bags.values])
    rows = np.searchsorted(bags.offsets, at, side="right") - 1
    having: dict[int, list[int]] = {}
    for place, row in zip(bags.values[at].tolist(), rows.tolist(), strict=True):
        found = having.setdefault(place, [])
        if len(found) < _SOME:
            found.append(row)
    spelled: dict[int, dict[int, list[str]]] = {}
    letters = {}
    for place, found in having.items():
        counts: dict[str, int] = {}
        for row in sorted(found, key=lambda row: len(texts[row]))[:_READ]:
            if row not in spelled:
                spelled[row] = ngrams.spelled(texts[row])
            for spelling in spelled[row].get(place, ()):
                counts[spelling] = counts.get(spelling, 0) + 1
        if counts:
            letters[place] = max(counts, key=lambda spelling: counts[spelling])
    return letters


def write_telling(found: Sequence[Telling]) -> bytes:
    """The file: an object a line."""
    lines = [json.dumps(each._asdict(), ensure_ascii=False) + "\n" for each in found]
    return "".join(lines).encode("utf-8", "surrogatepass")


def telling_of(classifier: Classifier) -> list[Telling]:
    """What an artifact says; nothing if it is not linear, or no texts were to be kept."""
    if FILE not in classifier.artifact:
        return []
    text = classifier.artifact.read(FILE).decode("utf-8", "surrogatepass")
    # Not by splitlines: a class may be called by what that takes for the end of a line.
    return [Telling(**json.loads(line)) for line in text.split("\n") if line]
