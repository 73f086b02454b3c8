"""How long a user waits for help: whole processes of the installed command.

python -m tests.benchmarks.bench_startup [--runs 15]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import median, run

COMMANDS = (
    ("--help",),
    ("--version",),
    ("word2vec", "train", "--help"),
    ("similar", "--help"),
    ("artifacts", "list", "--help"),
    ("recipes", "list", "--help"),
    ("artifacts", "list"),
    ("recipes", "list"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    script = Path(sys.executable).with_name("dlkit")
    start = [str(script)] if script.exists() else [sys.executable, "-m", "dlkit"]
    with tempfile.TemporaryDirectory() as home:
        for words in COMMANDS:
            seconds = []
            for _ in range(arguments.runs + 1):
                seconds.append(run([*start, *words], {"DLKIT_HOME": home}).seconds)
            seconds = seconds[1:]
            print(
                f"dlkit {' '.join(words):24} {median(seconds):.3f} s "
                f"({min(seconds):.3f} to {max(seconds):.3f}, n={len(seconds)})",
                flush=True,
            )


if __name__ == "__main__":
    main()
