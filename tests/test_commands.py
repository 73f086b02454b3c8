"""Every command: help, example, a line in the README, a quick start; options that say the truth."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from dlkit.app import ROOMS, build
from dlkit.data.config import TextConfig
from dlkit.word2vec.config import Word2vecConfig

README = Path(__file__).parents[1] / "README.md"


def walk(command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from walk(child, (*path, name))
    else:
        yield path, command


COMMANDS = dict(walk(typer.main.get_command(build()), ("dlkit",)))


def ids(path: tuple[str, ...]) -> str:
    return " ".join(path)


def test_the_rooms_all_stand_in_the_command_line():
    assert {path[1] for path in COMMANDS} == set(ROOMS)


@pytest.mark.parametrize("path", COMMANDS, ids=ids)
def test_a_command_has_a_real_example_that_its_own_parser_takes(path):
    help_text = COMMANDS[path].help or ""
    examples = re.findall(r"^\s*Example: (dlkit .*)$", help_text, re.MULTILINE)
    assert examples, f"{ids(path)}: help needs a line 'Example: dlkit …'"
    words = shlex.split(examples[0].split("|")[0])
    assert tuple(words[: len(path)]) == path
    COMMANDS[path].make_context(ids(path), words[len(path) :], resilient_parsing=False)


@pytest.mark.parametrize("path", COMMANDS, ids=ids)
def test_every_option_has_help(path):
    for parameter in COMMANDS[path].params:
        assert getattr(parameter, "help", None), f"{ids(path)}: {parameter.name}"


@pytest.mark.parametrize("path", COMMANDS, ids=ids)
def test_a_command_stands_in_the_readme(path):
    assert ids(path) in README.read_text(encoding="utf-8")


def defaults() -> Iterator[tuple[str, object]]:
    """Options of `word2vec train` that repeat a setting, and the setting's default."""
    for settings in (Word2vecConfig(), TextConfig()):
        for name, value in settings:
            if name not in {"data", "text", "held_out", "checkpoint_minutes", "continued"}:
                yield name, value


@pytest.mark.parametrize(("name", "value"), list(defaults()))
def test_the_default_that_help_names_is_the_default(name: str, value: object):
    parameters = {p.name: p for p in COMMANDS["dlkit", "word2vec", "train"].params}
    parameter = parameters["eval_files" if name == "eval" else name]
    told = re.search(r"\[default: (.*)\]", parameter.help.replace("\n", " ")).group(1)
    if value in (None, ()):
        assert not told.replace(".", "").isdigit()
        if name == "lr":
            first = Word2vecConfig(model="skipgram").first_lr, Word2vecConfig(model="cbow").first_lr
            assert told == f"{first[0]} skipgram, {first[1]} cbow"
    elif isinstance(value, bool):
        assert told in {"no": False, "keep": False, "yes": True}
        assert {"no": False, "keep": False, "yes": True}[told] is value
    elif isinstance(value, (int, float)):
        assert float(told) == value
    else:
        assert told == value


HEAVY = ("torch", "numpy", "datasets", "matplotlib", "numba", "pydantic", "rich", "pyarrow", "yaml")


def loaded_by(*arguments: str, also: str = "pass") -> set[str]:
    """Names of the modules in memory after `dlkit ARGUMENTS`, in a process of its own."""
    code = (
        f"import sys; {also}; from dlkit.app import run; code = run(sys.argv[1:]); "
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("path", [(), *(path[1:] for path in COMMANDS)], ids=ids)
def test_help_loads_nothing_heavy(path):
    assert not loaded_by(*path, "--help") & set(HEAVY)


@pytest.mark.parametrize("path", [(), *(path[1:] for path in COMMANDS)], ids=ids)
def test_help_works_where_torch_and_numpy_cannot_be_imported(path):
    loaded_by(*path, "--help", also="sys.modules['torch'] = None; sys.modules['numpy'] = None")


def test_recipes_and_artifacts_load_neither_torch_nor_numba(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path))
    without = "sys.modules['torch'] = None; sys.modules['numba'] = None"
    loaded_by("recipes", "list", also=without)
    loaded_by("recipes", "show", "word2vec/reviews", also=without)
    loaded_by("recipes", "check", also=without)
    loaded_by("artifacts", "list", also=without)


def test_a_mistyped_command_is_answered_with_the_nearest(dlkit):
    done = dlkit("simlar", "饭", check=2)
    assert "similar" in done.stderr
    done = dlkit("word2vec", "trian", check=2)
    assert "train" in done.stderr
    assert done.stderr.startswith("error: ")


def test_an_unknown_option_is_a_usage_error_with_a_hint(dlkit):
    done = dlkit("word2vec", "train", "x.txt", "--epoch", "3", check=2)
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert "--epoch" in first
    assert second == "hint: dlkit word2vec train --help"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train", "x", "--noise-exponent", "abc"), "--noise-exponent: must be a number, not abc"),
        (("train", "x.txt", "--dim=1e3"), "--dim: must be a whole number, not 1e3"),
        (("map", "--top", "0"), "--top: must be at least 1, not 0"),
        (("clusters", "-k", "x"), "-k: must be a whole number, not x"),
    ],
)
def test_a_wrong_value_is_named_with_its_option(dlkit, arguments, told):
    done = dlkit("word2vec", *arguments, check=2)
    assert done.stderr == f"error: {told}\nhint: dlkit word2vec {arguments[0]} --help\n"


def test_the_version_is_the_packages(dlkit):
    import dlkit as package

    assert dlkit("--version").stdout == f"dlkit {package.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(dlkit, shell: str):
    without_detection = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "_DLKIT_COMPLETE" in dlkit("--show-completion", shell, env=without_detection).stdout


def complete(dlkit, line: str) -> set[str]:
    done = dlkit(
        env={
            "_DLKIT_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        },
        check=None,
    )
    return set(done.stdout.split())


def test_the_shell_completes_commands_and_recipes(dlkit):
    assert "word2vec" in complete(dlkit, "dlkit wo")
    assert "word2vec/reviews" in complete(dlkit, "dlkit recipes show word")
    assert "reviews" in complete(dlkit, "dlkit word2vec train -r rev")


def test_completion_is_installed_for_the_users_shell(dlkit, tmp_path):
    done = dlkit("--install-completion", "bash", env={"HOME": str(tmp_path)}, check=None)
    assert done.returncode == 0, done.stderr
    written = list(tmp_path.rglob("*.sh"))
    assert written
    assert "dlkit" in written[0].read_text(encoding="utf-8")
