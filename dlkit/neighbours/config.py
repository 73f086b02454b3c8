"""The distances that a search knows, by name: l2, l1, cosine, linf and minkowski:P."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from dlkit.errors import USAGE, DlkitError

Kind = Literal["l2", "l1", "cosine", "linf", "minkowski"]
# In the order of the numbers that kernels know them by (`kernels.bounds`); the last needs an order.
KINDS: Final[tuple[Kind, ...]] = ("l2", "l1", "cosine", "linf", "minkowski")
METRICS: Final[tuple[Kind, ...]] = KINDS[:-1]
KNOWN: Final = f"{', '.join(METRICS)} or minkowski:P"

LARGEST_ORDER: Final = 1000.0
_ORDERS: Final = f"P is a number from 1 to {LARGEST_ORDER:g}: minkowski:3"
_LIMIT: Final = "linf is what minkowski:P comes to as P grows"


class Metric(NamedTuple):
    """A distance.

    Attributes:
        kind: of KINDS.
        order: p of a Minkowski distance, (sum |x - y|^p)^(1/p): 2 of l2, 1 of l1, infinite of
            linf; 0 of cosine, which is none.

    """

    kind: Kind
    order: float

    @property
    def name(self) -> str:
        """As users write it."""
        if self.kind != "minkowski":
            return self.kind
        return f"minkowski:{repr(self.order).removesuffix('.0')}"

    def whole(self, columns: int) -> bool:
        """Whether keys of rows of bytes are whole numbers that float64 has, all of them."""
        if self.kind != "minkowski":
            return True
        return self.order.is_integer() and columns * 255 ** int(self.order) <= 1 << 53


def parse(text: str) -> Metric:
    """The metric of that name; minkowski:1 is l1, minkowski:2 is l2.

    Raises:
        DlkitError: (USAGE) there is none.

    """
    orders = {"l2": 2.0, "l1": 1.0, "cosine": 0.0, "linf": float("inf")}
    for known in METRICS:
        if text == known:
            return Metric(known, orders[known])
    name, _, number = text.partition(":")
    hint = "l2, l1, linf and minkowski:P compare values, cosine compares directions"
    if name == "minkowski":
        order = _order(number)
        if order in (1.0, 2.0):
            return parse(f"l{order:g}")
        if 1 <= order <= LARGEST_ORDER:
            return Metric("minkowski", order)
        endless = order > LARGEST_ORDER or number.strip("+").lower() in ("inf", "infinity")
        hint = _LIMIT if endless else _ORDERS
    raise DlkitError(f"the metric is {text!r}, not {KNOWN}", hint=hint, code=USAGE)


def _order(text: str) -> float:
    """The number, 0 where it is not written plain: Python takes 1_0, nan and spaces, too."""
    if not (text.isascii() and text[:1].isdigit() and text[-1:] not in " \t\n" and "_" not in text):
        return 0.0
    try:
        return float(text)
    except ValueError:
        return 0.0
