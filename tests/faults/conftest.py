"""The process whose children are killed and starved, and what must hold after each of them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
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


SMALL = ("--dim", "4", "--epochs", "1", "--threads", "1", "--sample", "0", "--min-count", "1")


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """An artifact that the real command trained, once for all tests; they damage copies of it."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "corpus.txt").write_text("a b c 饭 café\n" * 300, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "dlkit", "word2vec", "train", "corpus.txt", "-n", "real", *SMALL],
        cwd=folder,
        env=os.environ | {"DLKIT_HOME": "artifacts", "XDG_CACHE_HOME": str(cache)},
        check=True,
        capture_output=True,
    )
    return folder / "artifacts" / "word2vec" / "real"


@pytest.fixture
def real(dlkit, training: Path) -> Path:
    """A copy of that artifact where the fixture ``dlkit`` finds it, as ``real``."""
    return Path(shutil.copytree(training, dlkit.home / "word2vec" / "real"))


class Failing:
    """Runs the command where it must fail: one line of error, no result, nothing left behind."""

    def __init__(self, dlkit) -> None:
        self.dlkit = dlkit

    def __call__(self, *arguments: str | Path, code: int = 1, **options) -> str:
        done = self.dlkit(*arguments, check=code, **options)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, done.stderr
        assert "this is a bug" not in done.stderr
        assert done.stdout == ""
        home = self.dlkit.home
        for path in home.rglob("*") if home.exists() else ():
            assert path.is_dir() or path.name in (".lock", ".gitignore"), path
        return done.stderr[done.stderr.index(errors[0]) :]


@pytest.fixture
def failing(dlkit) -> Failing:
    return Failing(dlkit)


class Trains:
    """Trains a tiny model with the real command; gives the words of its vocabulary."""

    def __init__(self, dlkit) -> None:
        self.dlkit = dlkit
        self.stderr = ""

    def __call__(self, *arguments: str | Path, **options) -> list[str]:
        done = self.dlkit("word2vec", "train", *SMALL, "--json", *arguments, **options)
        self.stderr = done.stderr
        self.artifact = Path(json.loads(done.stdout)["path"])
        vocabulary = (self.artifact / "vocab.txt").read_text(encoding="utf-8")
        return [line.split("\t")[0] for line in vocabulary.splitlines()]


@pytest.fixture
def trains(dlkit) -> Trains:
    return Trains(dlkit)


MEASURED = """
import json, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run([sys.executable, "-m", "dlkit", *sys.argv[1:]], capture_output=True)
print(json.dumps({
    "code": done.returncode,
    "seconds": time.monotonic() - began,
    "megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    "stderr": done.stderr.decode(),
}))
"""


@pytest.fixture
def measured(dlkit):
    """Run the command and tell its exit code, seconds, megabytes and stderr."""

    def run(*arguments: str | Path) -> dict:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *map(str, arguments)],
            cwd=dlkit.folder,
            env=dlkit.environment,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    return run
