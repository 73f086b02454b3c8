"""The process whose children are killed and starved, and what must hold after each of them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlkit.artifacts import store
from dlkit.artifacts.load import open_artifact
from dlkit.artifacts.runs import reserve

SAVER = Path(__file__).with_name("saver.py")


class Saver:
    """Gives orders to saver.py; see there."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SAVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *orders: dict) -> list[dict]:
        self.process.stdin.write(json.dumps(orders) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def one(self, home: Path, work: str, **order: object) -> dict:
        """Do one thing in one child; its last words are under ``end`` (empty if killed)."""
        answer = self({"home": str(home), "work": work, **order})[0]
        end = answer["told"][-1] if answer["told"] and "calls" in answer["told"][-1] else {}
        assert "crash" not in end, end["crash"]
        return answer | {"end": end}


@pytest.fixture(scope="session")
def saver() -> Iterator[Saver]:
    made = Saver()
    yield made
    made.process.stdin.close()
    made.process.wait(timeout=30)
    made.process.stdout.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store, in memory where that is possible: there an fsync costs nothing."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(prefix="dlkit-", dir=parent) as folder:
        monkeypatch.setenv("DLKIT_HOME", f"{folder}/artifacts")
        monkeypatch.setenv("XDG_CACHE_HOME", f"{folder}/artifacts-cache")
        yield Path(folder, "artifacts")


class Check:
    """What holds of a store after any fault: only whole artifacts, few remains, and it goes on."""

    def __init__(self, contents) -> None:
        self.contents = contents

    def artifacts(self) -> list[Path]:
        """Every artifact a reader could see, each verified and compared with what was saved."""
        found = []
        for info in store.list_artifacts():
            if info.state not in ("finished", "damaged"):
                continue
            artifact = open_artifact(info.path, verify=True)
            document = artifact.document
            if "seed" in document:
                for name, data in self.contents(document["seed"], document["size"]).items():
                    assert artifact.read(name) == data
            found.append(info.path)
        return found

    def strays(self) -> list[Path]:
        """What would have to be swept: folders of the store that are neither artifact nor run."""
        return sorted(store.root().rglob(".tmp-*"))

    def goes_on(self) -> None:
        """The next start sweeps what is left, and can save."""
        with reserve("t", default="next") as run:
            assert not self.strays()
            open_artifact(run.commit({}, {"a.txt": b"a"}, kind="k"))


@pytest.fixture(scope="session")
def check() -> Check:
    place = importlib.util.spec_from_file_location("saver", SAVER)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return Check(module.contents)
