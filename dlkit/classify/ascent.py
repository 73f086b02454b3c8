"""The linear softmax classifier of sparse rows at its optimum, by dual coordinate ascent.

    f(W, b) = 1/N Σ w_y (log Σ_j exp s_j - s_y) + λ/2 Σ W²,   s = W x + b

Each row has a dual variable, at the optimum the probabilities that the classifier gives it, and W
is a sum of rows weighted by them. A step brings the variable of one row, drawn at random, to its
best value, or near it, and W with it, so a pass costs as much as a gradient, and a dozen suffice
where a gradient method needs a hundred (Yu, Huang and Lin 2011; Shalev-Shwartz and Zhang 2013). The
biases, which have no penalty and so no sum, are brought to their optimum between passes by Newton's
method.

f is nowhere below the dual value of variables whose sums over the rows are those of the labels. The
variables q are mixed with as little of one and the same row ρ as makes their sums so; the gap
between f and that dual value tells how far f can be from its least value.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import numpy as np

from dlkit.classify.dual import Many, Rows, Two
from dlkit.classify.linear import LinearNgrams
from dlkit.records import Record, Step, Warned

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.ngrams import Bags
    from dlkit.signals import Stop

_PASSES: Final = 2  # between two looks at the gap
_NEVER: Final = 30.0  # what the score of a class without texts is below others'


class Reached:
    """Where the ascent is.

    Attributes:
        model: the classifier.
        objective: f.
        gap: f minus the dual value, a bound of what f is above its least value.
        converged: whether the gap is at most the tolerance times f.
        history: objective and gap after every look.
        seconds: it took.

    """

    def __init__(self, model: LinearNgrams, history: list[dict[str, float]], tolerance: float,
                 seconds: float) -> None:  # fmt: skip
        self.model, self.history, self.seconds = model, history, seconds
        self.objective, self.gap = history[-1]["objective"], history[-1]["gap"]
        self.passes = int(history[-1]["iteration"])
        self.converged = self.gap <= tolerance * self.objective


def ascend(
    bags: Bags,
    labels: npt.NDArray[np.int64],
    *,
    places: int,
    classes: int,
    l2: float,
    class_weights: npt.ArrayLike | None = None,
    tolerance: float = 1e-3,
    iterations: int = 1_000,
    seed: int = 1,
    stop: Stop | None = None,
) -> Generator[Record, None, Reached]:
    """Minimise f over weighted n-grams.

    Args:
        bags: N texts.
        labels: (N,) classes, 0 … C-1.
        places: V.
        classes: C.
        l2: λ, above 0.
        class_weights: (C,) what a text of each class counts.
        tolerance: the gap at which to end, as a share of f.
        iterations: the most passes.
        seed: of the order of the rows.
        stop: asks to stop.

    A class without texts has no weights, and a bias so low that it is never chosen.

    Raises:
        StoppedError: a signal came.

    """
    begun = time.perf_counter()
    present, labels = np.unique(labels, return_inverse=True)
    if class_weights is not None:
        class_weights = np.asarray(class_weights, np.float64)[present]
    costs = np.ones(len(labels))
    if class_weights is not None:
        costs = np.asarray(class_weights, np.float64)[labels]
    rows = Rows(bags, labels, costs, places)
    dual = Two(rows, l2) if len(present) == 2 else Many(rows, l2)
    rng = np.random.default_rng(seed)
    history = [dual.look(0)]
    while history[-1]["gap"] > tolerance * history[-1]["objective"]:
        done = int(history[-1]["iteration"])
        if done >= iterations:
            yield Warned(
                f"the ascent ended after {done:,} passes at {history[-1]['gap']:.2g} above a bound "
                "of the least objective: not at the optimum (a larger --l2 is reached sooner)"
            )
            break
        for _ in range(min(_PASSES, iterations - done)):
            if stop is not None:
                stop.check()
            dual.run(rng.permutation(len(labels)))
            done += 1
        history.append(dual.look(done))
        rate = done / (time.perf_counter() - begun)
        yield Step("dual ascent", done, None, "passes", rate, dict(history[-1]))
    model = _spread(dual.model(), present, classes)
    return Reached(model, history, tolerance, time.perf_counter() - begun)


def _spread(model: LinearNgrams, present: npt.NDArray[np.int64], classes: int) -> LinearNgrams:
    """The classifier of all classes, of which ``present`` were learnt."""
    if len(present) == classes:
        return model
    weights = np.zeros((len(model.weights), classes), np.float32)
    bias = np.full(classes, model.bias.min() - _NEVER, np.float32)
    weights[:, present], bias[present] = model.weights, model.bias
    return LinearNgrams(weights, bias)
