"""A server that has everything imported and runs commands in forks of itself: forked.py DATA.

Reads a line of JSON for each command: its arguments, the seconds after which it is killed (null:
never), the home of artifacts, and a file for standard output and error. Runs it as ``python -m
dlkit`` would, and answers with a line, how it ended. A training that comes to its end adds a line
``held DIGEST`` to the file: of all that it then held, weights, optimizer, averages, scores of the
epochs.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import tempfile
import time


def digest(work) -> str:
    """Of everything in the state of a training but the seconds and the generators.

    Where the last checkpoint stands after the last epoch, no epoch begins any more that would seed
    the generators.
    """
    from dlkit.training import state as states

    state = states.capture(work.steps, work.batches, work.progress)
    numbers = {key: value for key, value in state.numbers.items() if key != "seconds"}
    found = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode())
    for name in sorted(state.tensors):
        if not name.startswith("generator."):
            found.update(name.encode() + state.tensors[name].contiguous().numpy().tobytes())
    return found.hexdigest()


def prepare(data: str) -> None:
    """Import and load what a training of ``data`` needs, and let it tell what it held at its end.

    Nothing here has gradients: PyTorch refuses them in forks of a process that had some.
    """
    import torch

    from dlkit.app import run
    from dlkit.classify.config import ClassifyConfig
    from dlkit.classify.prepare import prepare
    from dlkit.training import checkpoint, loop, machine, optimisers
    from dlkit.training.config import TrainingConfig

    assert checkpoint is not None
    torch.set_num_threads(1)
    for _ in prepare(ClassifyConfig(data=(data,))):
        pass
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLKIT_HOME"] = home
        assert not run(["classify", "train", "builtin:digits", "--l2", "1", "--json", "--quiet"])
    # The first optimizer and the first GradScaler import what a training needs of PyTorch.
    optimisers.Optimizer(torch.nn.Linear(1, 1), TrainingConfig()).step()
    machine.scaler(TrainingConfig())
    finish = loop._Work.finish

    def told(self):
        sys.stderr.write(f"held {digest(self)}\n")
        return finish(self)

    loop._Work.finish = told


def child(command) -> int:
    """Run a command in this process."""
    out = os.open(command["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.environ["DLKIT_HOME"] = command["home"]
    from dlkit.app import run

    code = run(command["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    prepare(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        command = json.loads(line)
        number = os.fork()
        if not number:
            code = 99
            try:
                code = child(command)
            finally:
                os._exit(code)
        if command["after"] is not None:
            time.sleep(command["after"])
            os.kill(number, signal.SIGKILL)  # it is not waited for yet, so the number is its own
        _, status = os.waitpid(number, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
