"""Options that several commands of knn share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.config.cli import complete_recipe
from dlkit.data.samples_cli import READING, named, reading, refuse, resolved
from dlkit.errors import USAGE, DlkitError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dlkit.knn.config import KnnConfig
    from dlkit.knn.saved import Knn


# The options that are settings, beside those of the data's reading.
_SETTINGS = (
    "data",
    "k",
    "metric",
    "weights",
    "preprocess",
    "features",
    "folds",
    "keep",
    "seed",
    "threads",
    "device",
)
# What may be asked of an artifact, and of other data by it; the rest is the artifact's own.
ASKED = ("k", "metric", "weights", "threads", "device")
ASKED_OF_DATA = (
    *ASKED,
    *(f"input.{name}" for name in ("image_column", "text_column", "label_column", "test_split")),
    *(f"input.{name}" for name in ("skip_bad", "limit", "encoding")),
)
OWN = "an artifact was made with its own"


def _complete_recipe(incomplete: str) -> list[str]:
    prefix = "knn/"
    return [name.removeprefix(prefix) for name in complete_recipe(prefix + incomplete)]


def complete_index(incomplete: str) -> list[str]:
    """Names of artifacts of knn, for the shell."""
    from dlkit.artifacts.store import completions

    return completions(incomplete, kinds={"index"})


# The defaults in these texts are those of config.py; a test holds the two together.
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Artifact of knn: NAME, TASK/NAME or a path [default: the newest].",
        autocompletion=complete_index,
    ),
]
K = Annotated[
    str | None,
    typer.Option("--k", "-k", help="Neighbours that vote: 5 or 1,3,5 [default: 1 to 21]."),
]
ArtifactK = Annotated[
    int | None,
    typer.Option("--k", "-k", min=1, help="Neighbours [default: the artifact's]."),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Distances: l2, l1, cosine, linf, minkowski:P (P from 1 on, such as 3 or 1.5), or "
        "several: l1,l2 [default: l2]."
    ),
]
ArtifactMetric = Annotated[
    str | None,
    typer.Option(help="Distance: l2, l1, cosine, linf or minkowski:P [default: the artifact's]."),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Votes: uniform, or distance (each neighbour's is 1/distance; where some are at "
        "distance 0 only these vote), or both [default: uniform]."
    ),
]
Preprocess = Annotated[
    str | None,
    typer.Option(
        help="Steps learnt from training data: grey resize:S crop:S contrast scale centre "
        "standardise pca:N zca hog, such as grey,hog [default: none]."
    ),
]
Folds = Annotated[
    str | None,
    typer.Option(
        help="Parts of the cross-validation; loo: every sample by all others; none (train) "
        "[default: 5]."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads; any number gives the same answers [default: all cores]."),
]
Device = Annotated[str | None, typer.Option(help="Where to search: cpu or cuda [default: cpu].")]


def settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of a command's ``arguments`` that are settings, by dotted key; None: not given."""
    found = {name: arguments[name] for name in _SETTINGS if name in arguments}
    found["data"] = found.get("data") or None
    if isinstance(found.get("k"), int):
        found["k"] = str(found["k"])  # of one number a list is made, too
    return found | reading(arguments)


def config_of(
    recipe: str | None,
    sets: Sequence[str] | None,
    options: Mapping[str, object],
    *,
    knn: Knn | None = None,
    other_data: bool = False,
) -> tuple[KnnConfig, Path | None]:
    """The settings that were asked for, and the recipe's file.

    Args:
        recipe: name or path.
        sets: assignments of ``--set``.
        options: the options by dotted key.
        knn: an artifact whose settings are those that nobody gives.
        other_data: it is asked about other data: how its own were read does not count, but for
            the names of columns and the encoding.

    Raises:
        DlkitError: (USAGE) an unknown key, or a value that does not fit.

    """
    from dlkit.config import recipes
    from dlkit.knn.config import KnnConfig

    path = recipes.find(recipe, task="knn") if recipe is not None else None
    base = None if knn is None else knn.settings()
    config = resolved(KnnConfig, sets, options, recipe=path, base=base, other_data=other_data)
    return config, path


def opened(
    source: str | None, *, quiet: bool, features: str | None = None, rows: bool = True
) -> Knn:
    """The artifact that ``--from`` names, else the newest, which is said.

    Raises:
        DlkitError: there is none, or it is damaged.

    """
    from dlkit.artifacts.finding import find
    from dlkit.knn.saved import KIND, open_knn

    path = find(source, kinds={KIND})
    knn = open_knn(path, features=features, encoder=rows)
    if source is None and not quiet:
        size = f"{len(knn.points.rows):,} points x {knn.points.rows.shape[1]:,}"
        console.note(f"using {knn.reference}: {size}, k {knn.choice.k}, {knn.choice.metric}")
    return knn


def refuse_reading(given: Mapping[str, object], *, other_data: bool) -> None:
    """Refuse options of reading data that an artifact's form, or its record, has settled.

    Raises:
        DlkitError: (USAGE) one was given.

    """
    if not other_data:
        refuse(named(given), why="an artifact is judged on what was recorded; DATA is other data")
    else:
        idle = {key: value for key, value in given.items() if key not in ASKED_OF_DATA}
        refuse(named(idle), why=OWN)


def refuse_sets(
    sets: Sequence[str] | None,
    *,
    allowed: Collection[str] | None = None,
    idle: Collection[str] = (),
    why: str,
) -> None:
    """Refuse assignments of ``--set`` that would change nothing.

    Args:
        sets: as they were typed.
        allowed: the keys that mean something; None: all but ``idle``.
        idle: keys that mean nothing.
        why: the end of the message.

    Raises:
        DlkitError: (USAGE) one was given.

    """
    known = (*_SETTINGS, *(f"input.{name}" for name in READING))
    for each in sets or ():
        key = each.partition("=")[0].strip()
        if key in idle or (allowed is not None and key in known and key not in allowed):
            raise DlkitError(f"--set {key}: {why}", hint="leave it out", code=USAGE)
