"""kill -9 at random moments of a training, whatever it is doing: no run ends with other bits."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = 50  # of each kind
# A checkpoint is asked for every 30 milliseconds: kills find it half written, too.
OFTEN = ("--threads", "1", "--set", "training.checkpoint_minutes=0.0005", "--set",
         "training.batch_size=16", "--progress", "off")  # fmt: skip
ROWS = ("--hidden", "64,64", "--dropout", "0.2", "--batch-norm", "--epochs", "25",
        "--set", "training.ema=0.9", *OFTEN)  # fmt: skip
TEXTS = ("--dim", "32", "--hidden", "32", "--epochs", "25", *OFTEN)


class Server:
    """Commands in forks of a process that has everything imported."""

    def __init__(self, folder, environment, data) -> None:
        self.home, self.out = folder / "artifacts", folder / "out.txt"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forked.py")), str(data)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment | {"OMP_NUM_THREADS": "1"}, cwd=folder,
        )  # fmt: skip
        for line in self._process.stdout:
            if line == "ready\n":
                break

    def __call__(self, *arguments, after=None):
        """Run ``dlkit classify train``, killed ``after`` so long: its exit code, seconds."""
        command = {
            "arguments": ["classify", "train", *map(str, arguments)],
            "after": after,
            "home": str(self.home),
            "out": str(self.out),
        }
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        begun = time.monotonic()
        code = int(self._process.stdout.readline())
        return code, time.monotonic() - begun

    def held(self) -> str:
        """The digest of all that the last training held at its end."""
        (found,) = re.findall(r"^held (\w+)$", self.out.read_text(encoding="utf-8"), re.MULTILINE)
        return found

    def files(self, name):
        folder = self.home / "classify" / name
        return [(folder / file).read_bytes() for file in ("weights.safetensors", "metrics.jsonl")]

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(timeout=60) == 0
        self._process.stdout.close()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["pictures", "texts"])
def test_a_run_that_is_killed_at_any_moment_ends_with_the_same_bits(dlkit, kind, request):
    data, options = request.getfixturevalue(kind), ROWS if kind == "pictures" else TEXTS
    server = Server(dlkit.folder, dlkit.environment, data)
    try:
        kill_and_go_on(server, data, options, random.Random(kind))
    finally:
        server.close()


def kill_and_go_on(server, data, options, draw):
    seconds = []
    for name in ("whole", "again"):
        code, passed = server(data, "-n", name, *options)
        assert code == 0, server.out.read_text()
        seconds.append(passed)
    expected, held = server.files("whole"), server.held()
    assert server.files("again") == expected
    killed = resumed = runs = 0
    while killed < KILLS:
        name, runs = f"x{runs}", runs + 1
        folder = server.home / "classify"
        arguments = begin = (data, "-n", name, *options)
        for after in (draw.random() * min(seconds), draw.random() * min(seconds), None):
            code, _ = server(*arguments, after=after)
            killed += code == -signal.SIGKILL
            if (folder / name).exists():
                break
            assert code == -signal.SIGKILL, server.out.read_text()
            saved = (folder / ".running" / name / "checkpoint.json").exists()
            arguments = ("--resume", "--name", name, "--progress", "off") if saved else begin
            resumed += saved
        assert server.files(name) == expected, (name, killed)
        if code == 0:
            assert server.held() == held, (name, killed)
    assert resumed > KILLS / 4  # others came before the first checkpoint
