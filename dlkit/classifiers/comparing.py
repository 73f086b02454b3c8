"""Several classifiers judged on the same samples, beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dlkit.errors import USAGE, DlkitError, quoted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.classifiers.evaluate import Judged
    from dlkit.classifiers.opened import Classifier
    from dlkit.training.metrics import Scores

COLUMNS: Final = (
    "artifact", "accuracy", "low", "high", "macro F1", "log-loss", "wrong", "only it", "only first",
    "p", "parameters", "a second",
)  # fmt: skip


class Answers(NamedTuple):
    """What one classifier made of a test split; of the samples only what tells which they are.

    Attributes:
        reference: TASK/NAME.
        data: name of the data.
        samples: file and class of each.
        right: (N,) whether it found the class.
        scores: how good it is.
        parameters: numbers that it has learnt.
        seconds: that its answers took.

    """

    reference: str
    data: str
    samples: list[tuple[str, str]]
    right: npt.NDArray[np.bool_]
    scores: Scores
    parameters: int
    seconds: float


class Compared(NamedTuple):
    """A classifier beside the first of the list.

    Attributes:
        answers: its own.
        ahead: samples that it alone of the two gets right.
        behind: samples that the first alone gets right.
        p: of a difference as large or larger, if both were right equally often; of the first None.

    """

    answers: Answers
    ahead: int
    behind: int
    p: float | None

    def row(self) -> list[object]:
        """Values of ``COLUMNS``."""
        own = self.answers
        scores, second = own.scores, len(own.right) / own.seconds
        low, high = scores.intervals["accuracy"]
        pair = (None, None) if self.p is None else (self.ahead, self.behind)
        return [
            own.reference, scores.accuracy, low, high, scores.macro_f1, scores.log_loss,
            scores.total - scores.correct, *pair, self.p, own.parameters, round(second),
        ]  # fmt: skip

    def document(self) -> dict[str, Any]:
        """All scores and the comparison, in JSON's types."""
        own = self.answers
        told = {"artifact": own.reference, "data": own.data, **own.scores.document()}
        if self.p is not None:
            told |= {"only_it": self.ahead, "only_first": self.behind, "p": self.p}
        return told | {"parameters": own.parameters, "seconds": own.seconds}


def answers_of(classifier: Classifier, judged: Judged) -> Answers:
    """What is kept of an evaluation until others are beside it."""
    test, classes = judged.samples.test, judged.samples.classes
    named = [classes[label] for label in test.labels.tolist()]
    return Answers(
        classifier.reference,
        judged.samples.name,
        list(zip(test.paths, named, strict=True)),
        judged.values.argmax(axis=1) == test.labels,
        judged.scores,
        int(classifier.document["parameters"]),
        judged.seconds,
    )


def check_others(references: Sequence[str]) -> None:
    """Do nothing if each artifact is named once.

    Raises:
        DlkitError: (USAGE) one is named twice.

    """
    for place, reference in enumerate(references):
        if reference in references[:place]:
            raise DlkitError(
                f"--from {reference} is given twice", hint="leave out one of them", code=USAGE
            )


def check_same(first: Answers, other: Answers, *, command: str) -> None:
    """Do nothing if two were judged on the same samples.

    Raises:
        DlkitError: (USAGE) they were not.

    """
    if first.data == other.data and first.samples == other.samples:
        return
    names = f"--from {quoted(first.reference)} --from {quoted(other.reference)}"
    raise DlkitError(
        f"{first.reference} is judged on {len(first.samples):,} samples of {first.data}, "
        f"{other.reference} on {len(other.samples):,} of {other.data}: other samples",
        hint=f"{command} DATA {names} judges all on DATA",
        code=USAGE,
    )


def compare(found: Sequence[Answers]) -> list[Compared]:
    """Those who are right most often first, of equals those with the smaller log-loss.

    Each but the first is compared with the first, sample by sample.

    Args:
        found: of the same samples (``check_same``).

    """

    def rank(answers: Answers) -> tuple[float, float]:
        loss = answers.scores.log_loss
        return -answers.scores.accuracy, float("inf") if loss is None else loss

    first, *others = sorted(found, key=rank)
    rows = [Compared(first, 0, 0, None)]
    for each in others:
        ahead = int((each.right & ~first.right).sum())
        behind = int((first.right & ~each.right).sum())
        rows.append(Compared(each, ahead, behind, mcnemar(ahead, behind)))
    return rows


def mcnemar(one: int, other: int) -> float:
    """The two-sided exact probability of so unequal counts, or less equal ones, of a fair coin.

    McNemar 1947, https://doi.org/10.1007/BF02295996 : of two classifiers that are right equally
    often, each is as probable to be the one that is right where only one is.

    Args:
        one: samples that only one gets right.
        other: those that only the other does.

    """
    throws, term, total = one + other, 1, 0
    for heads in range(min(one, other) + 1):
        total += term  # of binomial coefficients, whole numbers however many samples there are
        term = term * (throws - heads) // (heads + 1)
    return min(1.0, 2 * total / (1 << throws))
