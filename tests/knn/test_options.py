"""Options say the truth about defaults, and the search needs no torch."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer

from dlkit.app import build
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.config import USUAL_K, KnnConfig

ROOM = typer.main.get_command(build()).commands["knn"].commands
SHOWN = {True: "yes", (): "none", "": "none", None: "none"}
TOLD = ("preprocess", "features", "metric", "weights", "folds", "keep", "seed", "device")


@pytest.mark.parametrize("name", TOLD)
def test_the_default_that_help_names_is_the_default(name):
    (parameter,) = [each for each in ROOM["train"].params if each.name == name]
    told = re.search(r"\[default: (.*)\]", parameter.help).group(1)
    value = getattr(KnnConfig(), name)
    value = value[0] if isinstance(value, tuple) and value else value
    assert told == (SHOWN[value] if value in ((), "", None) or value is True else str(value))


def test_the_usual_numbers_of_neighbours_are_those_that_help_names():
    (parameter,) = [each for each in ROOM["train"].params if each.name == "k"]
    assert f"[default: {USUAL_K[0]} to {USUAL_K[-1]}]" in parameter.help


def test_lists_are_written_with_commas():
    config = resolve(KnnConfig, options={"k": "1, 3", "metric": "l1,cosine", "folds": "loo"})
    assert (config.k, config.metric, config.folds) == ((1, 3), ("l1", "cosine"), "loo")
    assert resolve(KnnConfig, options={"folds": "7"}).folds == 7


@pytest.mark.parametrize(
    "options", [{"k": "0"}, {"k": ","}, {"k": "2,2"}, {"folds": "1"}, {"folds": "many"}]
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(DlkitError) as problem:
        resolve(KnnConfig, options=options)
    assert problem.value.code == USAGE


def test_the_search_on_the_cpu_needs_no_torch(dlkit, pictures):
    dlkit("knn", "train", pictures, "-n", "mine", "-k", "3")
    code = (
        "import sys; sys.modules['torch'] = None; from dlkit.app import run; "
        "sys.exit(run(sys.argv[1:]))"
    )
    for command in (
        ("train", pictures), ("eval",), ("eval", pictures), ("inspect", pictures),
        ("predict", pictures / "test"), ("search", pictures / "test"), ("export", "x.npz"),
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, "knn", *map(str, command)],
            capture_output=True,
            text=True,
            cwd=dlkit.folder,
            env=dlkit.environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
