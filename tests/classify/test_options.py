"""Options say the truth about defaults; settings that mean nothing are refused."""

from __future__ import annotations

import re

import pytest
import typer

from dlkit.app import build
from dlkit.classify.config import ClassifyConfig
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError

TRAIN = typer.main.get_command(build()).commands["classify"].commands["train"]
TOLD = {
    "": ("features", "hidden", "activation", "dropout", "batch_norm", "loss", "keep"),
    "text": ("tokens", "words", "characters", "weighting", "dim"),
    "training": (
        "l2", "l1", "epochs", "batch_size", "optimizer", "schedule", "label_smoothing",
        "class_weights", "validation", "precision", "seed", "device",
    ),
}  # fmt: skip


def shown(value):
    if value in ((), None):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, names in TOLD.items() for name in names]
)
def test_the_default_that_help_names_is_the_default(group, name):
    (parameter,) = [each for each in TRAIN.params if each.name == name]
    told = re.search(r"\[default: (.*?)\]", parameter.help).group(1)
    config = ClassifyConfig()
    assert told == shown(getattr(getattr(config, group) if group else config, name))


def test_lists_are_written_with_commas():
    config = resolve(ClassifyConfig, options={"hidden": "256, 128", "text.words": "2"})
    assert config.hidden == (256, 128)
    assert config.text.words == (2, 2)
    none = resolve(ClassifyConfig, options={"text.words": "0", "text.characters": "3,5"}).text
    assert (none.words, none.characters) == ((), (3, 5))


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": "0"},
        {"hidden": "8,-1"},
        {"activation": "step"},
        {"dropout": "1"},
        {"loss": "mse"},
        {"text.words": "3,2"},
        {"text.characters": "1,11"},
        {"text.words": "1,2,3"},
        {"training.l2": "-1"},
        {"training.lr": "nan"},
    ],
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(DlkitError) as problem:
        resolve(ClassifyConfig, options=options)
    assert problem.value.code == USAGE


def test_mistakes_are_told_before_the_data_are_read(dlkit):
    for command, said in (
        (("--preprocess", "gray"), "grey"),
        (("--features", "word2vec/none"), "none"),
        (("-s", "training.epoch=3"), "epochs"),
    ):
        done = dlkit("classify", "train", "nowhere.csv", *command, check=None)
        assert done.returncode in (2, 3)
        assert said in done.stderr
        assert "nowhere.csv" not in done.stderr


def test_a_trial_leaves_nothing_behind(dlkit, pictures, lines):
    done = dlkit("classify", "train", pictures, "--hidden", "8", "--dry-run", "--json")
    assert "Warning" not in done.stderr
    (told,) = lines(done)
    assert told["layers"] == "8 x 36, 3 x 8"
    assert told["parameters"] == 36 * 8 + 8 + 8 * 3 + 3
    (told,) = lines(dlkit("classify", "train", pictures, "--dry-run", "--json"))
    assert told["optimizer"] == "lbfgs"
    assert not dlkit.home.exists()


def test_one_class_cannot_be_learnt(dlkit, tmp_path):
    path = tmp_path / "same.csv"
    path.write_text("x,kind\n" + "1,a\n2,a\n3,a\n4,a\n", encoding="utf-8")
    done = dlkit("classify", "train", path, check=1)
    assert "class" in done.stderr
