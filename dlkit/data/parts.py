"""One split as it is read: inputs, the class that each sample names, and where it comes from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dlkit.data.labels import class_names
from dlkit.data.splits import limited
from dlkit.data.wording import counted, shown
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.data.config import SampleConfig
    from dlkit.data.forms import Form, ImageForm
    from dlkit.data.frames import Frame
    from dlkit.data.roles import Roles
    from dlkit.data.samples import Digests, Kind, Pixels
    from dlkit.data.tabular import RawTable

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """One split before its classes are numbered.

    Attributes:
        inputs: images, texts, or a table's cells.
        names: the class of each sample.
        paths: where each sample comes from.
        form: the images' form, None for other kinds.
        digests: of the inputs, where they are known already.
        groups: the group of each sample, where a column tells them.

    """

    inputs: Pixels | list[str] | RawTable
    names: list[str]
    paths: list[str]
    form: ImageForm | None = None
    digests: Digests | None = None
    groups: list[str] | None = None


@dataclass(frozen=True)
class Wish:
    """How a split is to be read.

    Attributes:
        config: the settings.
        seed: of the choice that --limit makes.
        form: what the inputs must become, where that is known.
        exact: the form is that of the training split, and other sizes are a mistake.

    """

    config: SampleConfig
    seed: int
    form: Form | None = None
    exact: bool = False


def named(
    frame: Frame, roles: Roles, values: Sequence[Any], places: Sequence[str]
) -> list[str | None]:
    """The classes that the cells of a table's label column name.

    Args:
        frame: the table.
        roles: which column it is, and whether it is of numbers in the training split.
        values: its cells.
        places: where each is.

    Raises:
        DlkitError: a cell that names none.

    """
    return class_names(
        values,
        frame.declared.get(roles.label),
        where=f"the label column {shown(roles.label)}",
        places=places,
        numeric=roles.numbered,
    )


def labelled(
    split: str, names: Sequence[str | None], places: Sequence[str], wish: Wish
) -> Generator[Record, None, Places]:
    """The places of samples that have a label."""
    keep = np.array([place for place, name in enumerate(names) if name is not None], np.int64)
    if missing := len(names) - len(keep):
        first = places[next(place for place, name in enumerate(names) if name is None)]
        what = f"the split {split}: {counted(missing, 'sample')} of {len(names):,} without a label"
        if not len(keep):
            raise DlkitError(
                f"the split {split} has no labels", hint="--test-split NAME names another"
            )
        if not wish.config.skip_bad:
            raise DlkitError(
                f"{what}, the first at {shown(first)}",
                hint="--skip-bad leaves out, and counts, such samples",
            )
        yield Warned(f"{what} left out")
    return keep


def limited_by_name(
    split: str, names: Sequence[str], wish: Wish
) -> Generator[Record, None, Places]:
    """The places of the samples that --limit leaves, in their order."""
    _, labels = np.unique(np.array(names, object), return_inverse=True)
    found = limited(labels.astype(np.int64), wish.config.limit, seed=wish.seed)
    if found is None:
        return np.arange(len(names))
    yield Noted(f"the split {split}: {len(found):,} of {len(names):,} samples taken (--limit)")
    return found


def refuse_idle(config: SampleConfig, kind: Kind, *, columns: bool) -> None:
    """Refuse an option that nothing of the data listens to.

    Raises:
        DlkitError: (USAGE) there is one.

    """
    given = {
        "--size": (config.size, "images"),
        "--fit": (None if config.fit == "crop" else config.fit, "images"),
        "--colour": (None if config.colour == "auto" else config.colour, "images"),
        "--image-column": (config.image_column, "columns"),
        "--text-column": (config.text_column, "columns"),
        "--label-column": (config.label_column, "columns"),
        "--group-column": (config.group_column, "columns"),
        "--columns": (",".join(config.columns) or None, "columns"),
    }
    for option, (value, what) in given.items():
        if value is not None and not (kind == "images" if what == "images" else columns):
            raise DlkitError(
                f"{option} {shown(value)}: the data are no {what}"
                if what == "images"
                else f"{option} {shown(value)}: the data have no columns",
                hint=f"leave out {option}",
                code=USAGE,
            )
