"""Every recipe: its header says how to run it, it fits its settings, and it runs."""

from __future__ import annotations

import json
import shlex

import pytest

from dlkit.app import ROOMS, schemas
from dlkit.config import recipes
from dlkit.config.resolve import resolve

RECIPES = [pytest.param(each, id=f"{each.task}/{each.name}") for each in recipes.listed()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_fits_the_settings_of_its_task(recipe):
    resolve(schemas()[recipe.task](), recipe=recipe.path)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_begins_with_its_command_and_fits_a_screen(recipe):
    lines = recipe.path.read_text(encoding="utf-8").splitlines()
    task = recipe.task if recipe.task in ROOMS else f"cnn {recipe.task}"
    assert lines[0] == f"# dlkit {task} train -r {recipe.name}"
    assert len(recipe.summary) > 20
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def needs_network(recipe) -> bool:
    """Whether its data are a hub id, or the user's to give."""
    settings = resolve(schemas()[recipe.task](), recipe=recipe.path)
    there = [entry.startswith(("builtin:", "/")) for entry in settings.data]
    return not there or not all(there)


# What makes the run of a task's recipe a short one.
SHORT = {
    "word2vec": ("--set", "epochs=1"),
    "cnn": ("--epochs", "1", "--limit", "300"),
    "search": ("--epochs", "1", "--limit", "300"),
    "detect": ("--epochs", "1", "--limit", "40"),
    "upscale": ("--epochs", "1", "--limit", "200"),
}


@pytest.mark.parametrize("recipe", [p for p in RECIPES if not needs_network(p.values[0])])
def test_a_recipe_runs(recipe, dlkit):
    command = shlex.split(recipe.path.read_text(encoding="utf-8").splitlines()[0].lstrip("# "))
    short = SHORT.get(recipe.task, ())
    name = recipe.name
    if recipe.task == "search":  # a head stands on a network
        dlkit("cnn", "train", "builtin:mnist5k", *SHORT["cnn"], "--set", "network.widths=8,8,8")
        name = f"{name}-head"
    done = dlkit(*command[1:], *short, "--json")
    assert (dlkit.home / recipe.task / name / "MANIFEST").is_file()
    assert done.stdout.count("\n") == 1


def test_show_prints_a_recipe_that_runs_as_shown(dlkit, tmp_path):
    shown = dlkit("recipes", "show", "word2vec/reviews", "--set", "dim=7").stdout
    (tmp_path / "mine.yaml").write_text(shown, encoding="utf-8")
    assert "dim: 7" in shown
    assert dlkit("recipes", "check", "./mine.yaml", "--task", "word2vec").stdout.endswith("ok\n")


def test_copy_overwrites_only_by_force(dlkit, tmp_path):
    dlkit("recipes", "copy", "word2vec/reviews", "mine.yaml")
    original = (tmp_path / "mine.yaml").read_bytes()
    assert original == recipes.find("word2vec/reviews").read_bytes()
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    done = dlkit("recipes", "copy", "word2vec/reviews", "mine.yaml", check=2)
    assert done.stderr == "error: mine.yaml is there already\nhint: --force replaces it\n"
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "mine"
    done = dlkit("recipes", "copy", "word2vec/reviews", ".", "--json")
    assert json.loads(done.stdout) == {"recipe": "word2vec/reviews", "path": "reviews.yaml"}
    dlkit("recipes", "copy", "word2vec/reviews", "mine.yaml", "--force")
    assert (tmp_path / "mine.yaml").read_bytes() == original
    assert {path.name for path in tmp_path.iterdir()} <= {"mine.yaml", "reviews.yaml", "artifacts"}
    there = (tmp_path / "mine.yaml").stat().st_ino
    done = dlkit("recipes", "copy", "word2vec/reviews", "no/mine.yaml", check=1)
    assert done.stderr.startswith("error: cannot write no/mine.yaml: ")
    assert (tmp_path / "mine.yaml").stat().st_ino == there


def test_recipes_are_shown_and_checked_in_json(dlkit):
    (shown,) = dlkit(
        "recipes", "show", "word2vec/reviews", "-s", "dim=7", "--json"
    ).stdout.splitlines()
    assert json.loads(shown)["task"] == "word2vec"
    assert json.loads(shown)["path"] == str(recipes.find("word2vec/reviews"))
    settings = resolve(schemas()["word2vec"](), recipe=recipes.find("word2vec/reviews"))
    assert json.loads(shown)["settings"] == settings.model_dump(mode="json") | {"dim": 7}
    dlkit("recipes", "show", "word2vec/reviews", "--raw", "--json", check=2)
    checked = [json.loads(line) for line in dlkit("recipes", "check", "--json").stdout.splitlines()]
    assert {each["state"] for each in checked} == {"ok"}
    assert [each["recipe"] for each in checked] == [str(each.path) for each in recipes.listed()]
    done = dlkit("recipes", "check", "word2vec/reviews", "--header")
    assert done.stdout.splitlines()[0] == "recipe\tstate"


def test_check_names_the_wrong_line_of_a_copied_recipe(dlkit, tmp_path):
    dlkit("recipes", "copy", "word2vec/reviews", "mine.yaml")
    with (tmp_path / "mine.yaml").open("a", encoding="utf-8") as file:
        file.write("windw: 3\n")
    done = dlkit("recipes", "check", "mine.yaml", check=2)
    assert "windw: unknown key" in done.stderr
    assert "did you mean window (default: 5)?" in done.stderr


def test_a_name_of_several_recipes_is_answered_with_them(dlkit):
    done = dlkit("recipes", "copy", "reviews", "mine.yaml", check=2)
    assert "reviews is the name of 2 recipes" in done.stderr
    assert "hint: say which: classify/reviews, word2vec/reviews" in done.stderr


def test_a_mistyped_recipe_is_answered_with_the_nearest(dlkit):
    done = dlkit("word2vec", "train", "-r", "revews", check=2)
    assert "did you mean reviews?" in done.stderr
