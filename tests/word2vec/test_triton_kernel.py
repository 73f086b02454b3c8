"""The CUDA kernel against its definition, run by Triton's interpreter on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("triton")

MASK = 2**64 - 1

CASES = [
    (model, context, frozen)
    for model, context in (("skipgram", "mean"), ("cbow", "mean"), ("cbow", "sum"))
    for frozen in ("", "frozen")
]

# One process: the interpreter is chosen by the environment when triton is imported.
TRAIN = """
import sys
import numpy as np
import torch
from dlkit.word2vec.batched import triton_kernel
given, found = np.load(sys.argv[1]), {}
piece = tuple(torch.from_numpy(given[name]) for name in ("words", "low", "high", "positions"))
for case in sys.argv[3:]:
    model, context, frozen = case.split(",")
    x, y = torch.from_numpy(given["x"]), torch.from_numpy(given["y"])
    loss = triton_kernel.train(
        x, y, piece, torch.from_numpy(given["table"]), first=int(given["first"]),
        last=int(given["last"]), programs=1, key=int(given["key"]), lr=0.1,
        negative=int(given["negative"]), model=model, context=context,
        frozen=torch.from_numpy(given["frozen"]) if frozen else None,
    )
    found |= {case + "x": x.numpy(), case + "y": y.numpy(), case + "loss": float(loss)}
np.savez(sys.argv[2], **found)
"""


def splitmix(key, position):
    z = (key + position * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def by_hand(given, model, context, frozen):
    """Window after window in float64, in the order of one program."""
    x, y = given["x"].astype(np.float64), given["y"].astype(np.float64)
    table, words, negative = given["table"], given["words"], int(given["negative"])
    slots, loss = 1 << int(negative).bit_length(), 0.0
    for c in range(int(given["first"]), int(given["last"])):
        contexts = [words[i] for i in range(given["low"][c], given["high"][c]) if i != c]
        if not contexts:
            continue
        targets, labels = [words[c]], [1.0]
        for k in range(1, negative + 1):
            for attempt in range(4):
                place = (int(given["positions"][c]) * slots + k) * 4 + attempt
                word = table[(splitmix(int(given["key"]), place) >> 32) * len(table) >> 32]
                if word != words[c]:
                    targets.append(word)
                    labels.append(0.0)
                    break
        labels, old = np.array(labels), y[targets]
        change = np.zeros_like(old)
        groups = [[w] for w in contexts] if model == "skipgram" else [contexts]
        for group in groups:
            h = x[group].mean(axis=0) if context == "mean" else x[group].sum(axis=0)
            logits = old @ h
            pull = 0.1 * (labels - 1 / (1 + np.exp(-logits)))
            loss += np.logaddexp(0, np.where(labels == 1, -logits, logits)).sum()
            change += np.outer(pull, h)
            np.add.at(x, group, np.broadcast_to(pull @ old, (len(group), x.shape[1])))
            x[frozen] = given["x"][frozen]
        np.add.at(y, targets, change)
    return x, y, loss


@pytest.fixture(scope="module")
def given():
    draws = np.random.default_rng(0)
    places = np.arange(12)
    return {
        "x": draws.normal(size=(5, 6)).astype(np.float32),
        "y": draws.normal(size=(5, 6)).astype(np.float32),
        "words": draws.integers(0, 5, 12).astype(np.int64),
        # two lines, of 9 and of 3 words; word 11 sees nothing
        "low": np.where(places == 11, 11, np.maximum(places - 2, np.where(places < 9, 0, 9))),
        "high": np.where(places == 11, 12, np.minimum(places + 3, np.where(places < 9, 9, 12))),
        "positions": places * 3 + 1,
        "frozen": np.array([0, 1, 0, 0, 1], np.uint8),
        "table": np.array([0, 0, 0, 1, 1, 2, 3, 4], np.int32),
        "first": 1, "last": 12, "key": np.array(2**63 + 12345, np.uint64), "negative": 5,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("triton")
    source, result = folder / "given.npz", folder / "found.npz"
    np.savez(source, **given)
    subprocess.run(
        [sys.executable, "-c", TRAIN, str(source), str(result), *map(",".join, CASES)],
        check=True,
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
    )
    return dict(np.load(result))


@pytest.mark.parametrize(("model", "context", "frozen"), CASES)
def test_kernel_is_its_definition(given, found, model, context, frozen):
    kept = np.flatnonzero(given["frozen"]) if frozen else []
    x, y, loss = by_hand(given, model, context, kept)
    case = f"{model},{context},{frozen}"
    assert found[case + "x"][kept].tobytes() == given["x"][kept].tobytes()
    assert np.abs(found[case + "x"] - x).max() < 1e-5
    assert np.abs(found[case + "y"] - y).max() < 1e-5
    assert float(found[case + "loss"]) == pytest.approx(loss, rel=1e-5)
