"""A training that saves after every step until it is killed: killed.py HOME STEPS [resume].

Prints a line per checkpoint; with ``resume`` it goes on, to the end, and prints the digest of the
weights and the history. The settings are those of ``parts``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys


def parts():
    import numpy as np
    import torch

    from dlkit.training import losses
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 160)
    rows = (rng.normal(size=(3, 6))[labels] + rng.normal(size=(160, 6))).astype(np.float32)
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Dropout(0.2),
        torch.nn.Linear(8, 3),
    )  # fmt: skip
    config = TrainingConfig(epochs=25, batch_size=20, ema=0.9, l2=0.01, lr=0.01, threads=1)
    return {
        "model": model,
        "batches": Batches(rows, labels, batch_size=20),
        "config": config,
        "loss": losses.build("softmax", classes=3),
        "validate": Batches(rows[:30], labels[:30], batch_size=30, shuffle=False),
    }


def digest(model, history) -> str:
    found = hashlib.sha256(json.dumps(history).encode())
    for tensor in model.state_dict().values():
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def main() -> None:
    home, every, *rest = sys.argv[1:]
    os.environ["DLKIT_HOME"] = home
    from dlkit.artifacts import runs
    from dlkit.training.checkpoint import Keeper, load
    from dlkit.training.loop import fit

    state = None
    opened = runs.resume("classify") if rest else runs.reserve("classify", default="toy")
    with opened as run:
        if rest:
            room, state, _ = load(run)
            assert room == {"seed": 1}
        keep = Keeper(run, command="go on", document={"seed": 1}, every=int(every))
        given = parts()
        work = fit(**given, state=state, keep=keep)
        save = keep.save

        def told(state):
            save(state)
            sys.stdout.write("saved\n")
            sys.stdout.flush()

        keep.save = told
        while True:
            try:
                next(work)
            except StopIteration as end:
                sys.stdout.write(digest(given["model"], end.value.history) + "\n")
                return


if __name__ == "__main__":
    main()
