"""The README's commands run as they stand: from a checkout and from an installed wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
# Lines that set the machine up; everything else in a block of shell runs.
_SET_UP = ("make ", "git clone", "pip install", "cd dlkit")


def blocks() -> list[str]:
    """The shell blocks of the README in their order, without the lines that install."""
    found = re.findall(r"^```sh\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    kept = [
        "\n".join(line for line in block.splitlines() if not line.startswith(_SET_UP))
        for block in found
    ]
    return [block for block in kept if block.strip()]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the built wheel was installed, without its dependencies."""
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--target", str(target / "site"), str(built)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return target / "site"


# What runs from the wheel runs from the checkout, too; that is shown now and then.
@pytest.fixture(params=[pytest.param("checkout", marks=pytest.mark.slow), "wheel"])
def shell(request, tmp_path: Path, cache: Path):
    """Runs shell text in an empty folder with `dlkit` on the path."""
    commands = tmp_path / "commands"
    commands.mkdir()
    script = commands / "dlkit"
    site = request.getfixturevalue("wheel") if request.param == "wheel" else ROOT
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dlkit "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    environment = os.environ | {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "XDG_CACHE_HOME": str(cache),
    }
    environment.pop("DLKIT_HOME", None)

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return run


@pytest.mark.timeout(900)
def test_every_command_block_of_the_readme_runs(shell):
    found = blocks()
    assert len(found) >= 5
    for block in found:
        done = shell(block)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_installation_holds_its_own_recipes(shell):
    done = shell("dlkit recipes list && dlkit recipes check && dlkit --version")
    assert done.returncode == 0, done.stderr
    assert "word2vec/reviews" in done.stdout


def test_a_wheel_carries_recipes_and_nothing_of_the_tests(wheel: Path):
    assert (wheel / "dlkit" / "recipes" / "word2vec" / "reviews.yaml").is_file()
    assert sorted(p.name for p in wheel.iterdir() if not p.name.endswith(".dist-info")) in (
        ["bin", "dlkit"],
        ["dlkit"],
    )
    assert not list(wheel.rglob("test_*.py"))
