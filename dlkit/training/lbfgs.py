"""L-BFGS over all samples: the linear classifier at the optimum of its regularised loss.

Liu and Nocedal 1989, Nocedal and Wright 2006, algorithms 7.4 and 7.5, with one change: the first
guess of the inverse Hessian is no multiple of the identity but that of ``convex.curvature``,
estimated at the start and once more where the first steps led. On images a third of the iterations
suffice, and columns may have any scale.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.errors import DlkitError
from dlkit.records import Record, Step, Warned
from dlkit.training.convex import SoftmaxObjective

if TYPE_CHECKING:
    import torch

    from dlkit.signals import Stop

_Vector = npt.NDArray[np.float64]  # of all parameters, one after the other

_MEMORY: Final = 20  # steps that the inverse Hessian is corrected by
_AGAIN: Final = 10  # iteration in which the curvature is estimated once more
_DECREASE: Final = 1e-4  # of the line search, as in the book
_CURVATURE: Final = 0.9
_TRIALS: Final = 40
_TOLD_EVERY: Final = 0.1  # seconds


@dataclass(frozen=True)
class Optimum:
    """A linear classifier s = W x + b, and how near it is to the optimum.

    Attributes:
        weights: (C, D) float64 W.
        bias: (C,) float64 b.
        objective: the mean loss and its penalty.
        gradient: the largest component of the objective's gradient.
        iterations: that were done.
        converged: whether ``gradient`` is at most the tolerance.
        seconds: they took.
        history: the objective before the first and after each iteration.

    """

    weights: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    objective: float
    gradient: float
    iterations: int
    converged: bool
    seconds: float
    history: list[float]


def minimise(
    rows: npt.NDArray[Any] | torch.Tensor,
    labels: npt.NDArray[Any] | torch.Tensor,
    *,
    classes: int,
    l2: float,
    class_weights: npt.ArrayLike | None = None,
    intercept: bool = True,
    tolerance: float = 1e-5,
    iterations: int = 1_000,
    threads: int | None = None,
    start: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    stop: Stop | None = None,
) -> Generator[Record, None, Optimum]:
    """Minimise the softmax loss of a linear classifier, with the penalty l2/2 Σ W².

    Args:
        rows: (N, D) inputs, float32 or float64; on the CPU.
        labels: (N,) classes.
        classes: C.
        l2: λ.
        class_weights: (C,) what a sample of each class counts.
        intercept: whether there are biases; they are not penalised.
        tolerance: the largest component of the gradient at which to end.
        iterations: the most.
        threads: of PyTorch; None: as they are set.
        start: W and b to begin with; None: zeros.
        stop: asks to stop.

    Raises:
        DlkitError: the inputs hold NaN or are so large that the loss is none.
        StoppedError: a signal came.

    """
    import torch

    before = torch.get_num_threads()
    with ThreadPoolExecutor(threads or before, "dlkit-rows") as pool:
        # Threads that each have rows of their own wait for one another once an evaluation, those
        # of PyTorch after each operation on a few rows.
        torch.set_num_threads(1)
        try:
            objective = SoftmaxObjective(
                rows, labels, classes=classes, l2=l2, class_weights=class_weights,
                intercept=intercept, pool=pool,
            )  # fmt: skip
            search = _Search(objective, _first(objective, start))
            yield from search.run(tolerance, iterations, stop)
            return search.optimum(tolerance)
        finally:
            torch.set_num_threads(before)


def _first(
    objective: SoftmaxObjective, start: tuple[npt.ArrayLike, npt.ArrayLike] | None
) -> torch.Tensor:
    import torch

    parameters = torch.zeros(objective.shape, dtype=torch.float64)
    if start is not None:
        parameters[:, :-1] = torch.from_numpy(np.array(start[0], np.float64))
        parameters[:, -1] = torch.from_numpy(np.array(start[1], np.float64))
    return parameters


class _Search:
    """Where the minimisation is, and the steps that it remembers."""

    def __init__(self, objective: SoftmaxObjective, parameters: torch.Tensor) -> None:
        self._begun = time.perf_counter()
        self._objective = objective
        self._parameters = parameters
        self._value, self._gradient = objective(parameters)
        if not (np.isfinite(self._value) and bool(self._gradient.isfinite().all())):
            raise DlkitError(
                f"the loss of the linear classifier is {self._value} at the start",
                hint="look for NaN in the data, or scale them: --preprocess standardise",
            )
        self._steps: list[tuple[_Vector, _Vector, float]] = []
        self.history = [self._value]
        self._factor = objective.curvature(parameters if bool(parameters.any()) else None)

    @property
    def largest(self) -> float:
        """The largest component of the gradient."""
        return float(self._gradient.abs().max())

    def run(
        self, tolerance: float, iterations: int, stop: Stop | None
    ) -> Generator[Record, None, None]:
        """Iterate until the gradient is small."""
        told = time.perf_counter()
        for iteration in range(iterations):
            if self.largest <= tolerance:
                return
            if stop is not None:
                stop.check()
            if iteration == _AGAIN:
                self._factor = self._objective.curvature(self._parameters)
                self._steps.clear()
            if not self._advance():
                break
            self.history.append(self._value)
            now = time.perf_counter()
            if now - told > _TOLD_EVERY:
                told = now
                facts = {"objective": self._value, "gradient": self.largest}
                rate = (iteration + 1) / (now - self._begun)
                yield Step("L-BFGS", iteration + 1, None, "iterations", rate, facts)
        if self.largest > tolerance:
            yield Warned(
                f"L-BFGS ended after {len(self.history) - 1:,} iterations with a gradient of "
                f"{self.largest:.2g}, above {tolerance:g}: not at the optimum"
            )

    def _advance(self) -> bool:
        """One step along the quasi-Newton direction; False if none leads further down."""
        for fresh in (False, True):
            if fresh:  # without what was remembered, before giving up
                if not self._steps:
                    return False
                self._steps.clear()
            direction = self._direction()
            slope = float((self._gradient * direction).sum())
            if slope < 0 and self._walk(direction, slope):
                return True
        return False

    def _direction(self) -> torch.Tensor:
        """Minus the gradient times the inverse Hessian: the two loops of algorithm 7.4."""
        import torch

        # NumPy's small products begin sooner than PyTorch's.
        rest = self._gradient.numpy().ravel().copy()
        shares = []
        for step, change, product in reversed(self._steps):
            share = float(step @ rest) / product
            rest -= share * change
            shares.append(share)
        rest = self._solved(rest)
        if self._steps:
            _, change, product = self._steps[-1]
            rest *= product / float(change @ self._solved(change))
        for (step, change, product), share in zip(self._steps, reversed(shares), strict=True):
            rest += (share - float(change @ rest) / product) * step
        return torch.from_numpy(-rest.reshape(self._objective.shape))

    def _solved(self, vector: _Vector) -> _Vector:
        """A vector of all parameters times the first guess of the inverse Hessian."""
        import torch

        columns = torch.from_numpy(vector.reshape(self._objective.shape)).t()
        found: _Vector = torch.cholesky_solve(columns, self._factor).t().numpy().ravel()
        return found

    def _walk(self, direction: torch.Tensor, slope: float) -> bool:
        """Go so far that both conditions of Wolfe hold; False if no such length is found."""
        length, low, high = 1.0, 0.0, float("inf")
        slack = self._objective.noise * abs(self._value)
        for _ in range(_TRIALS):
            there = self._parameters + length * direction
            value, gradient = self._objective(there)
            if not value <= self._value + _DECREASE * length * slope + slack:
                high = length
            elif float((gradient * direction).sum()) < _CURVATURE * slope:
                low = length
            else:
                self._remember(there - self._parameters, gradient - self._gradient)
                self._parameters, self._value, self._gradient = there, value, gradient
                return True
            length = (low + high) / 2 if high < float("inf") else 2 * length
        return False

    def _remember(self, step: torch.Tensor, change: torch.Tensor) -> None:
        one, other = step.numpy().ravel(), change.numpy().ravel()
        product = float(one @ other)
        if product > 0:
            self._steps.append((one, other, product))
            del self._steps[:-_MEMORY]

    def optimum(self, tolerance: float) -> Optimum:
        """What was found."""
        return Optimum(
            self._parameters[:, :-1].numpy().copy(),
            self._parameters[:, -1].numpy().copy(),
            self._value,
            self.largest,
            len(self.history) - 1,
            self.largest <= tolerance,
            time.perf_counter() - self._begun,
            self.history,
        )
