"""The training engine against a plain PyTorch loop, a DataLoader and scikit-learn, in pairs.

    python -m tests.benchmarks.bench_training                          drawn samples
    python -m tests.benchmarks.bench_training --rows rows.npz          yours: arrays X uint8, y

engine      seconds of a training by ``fit`` and by a bare loop: same network, batches, optimizer
checkpoints the same with and without a checkpoint at the end of each epoch, in memory and on disk
batches     samples a second from memory, cropped and mirrored as a whole batch, and by a
            DataLoader of torchvision that does it sample by sample
optimum     seconds to the optimum of a linear softmax, and by scikit-learn at the same penalty
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from tests.benchmarks.measure import machine, median, paired, spread

BATCH = 128


def drawn(samples: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 28x28 bytes around ten of their own, smooth along a row."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, samples)
    centres = rng.normal(size=(10, 784)).cumsum(1)
    rows = centres[labels] + rng.normal(size=(samples, 784)).cumsum(1)
    rows -= rows.min(1, keepdims=True)
    return (255 * rows / rows.max(1, keepdims=True)).astype(np.uint8), labels


def finish(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def network(hidden: int):
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(784, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)
    )


def engine(rows, labels, options) -> dict[str, object]:
    import torch

    from dlkit.training import losses
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.loop import fit

    config = TrainingConfig(epochs=1, optimizer="sgd", batch_size=BATCH)
    loss = losses.build("softmax", classes=10)

    def seconds(run) -> float:
        batches = Batches(rows, labels, batch_size=BATCH)
        model = network(options.hidden)
        begun = time.perf_counter()
        run(model, batches)
        return time.perf_counter() - begun

    def ours(model, batches) -> None:
        finish(fit(model, batches, config=config, loss=loss))

    def bare(model, batches) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
        for batch in batches.at():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(*batch.inputs), batch.labels).backward()
            optimizer.step()

    one, other = paired(lambda: seconds(ours), lambda: seconds(bare), options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    print(f"engine       {spread(one)} s, bare loop {spread(other)} s, ratio {spread(ratio)}")
    return {"engine": one, "bare": other, "ratio": median(ratio)}


def checkpoints(rows, labels, options) -> dict[str, object]:
    from dlkit.artifacts import runs
    from dlkit.training import losses
    from dlkit.training.batches import Batches
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.config import TrainingConfig
    from dlkit.training.loop import fit

    config = TrainingConfig(epochs=options.epochs, batch_size=BATCH)
    loss = losses.build("softmax", classes=10)
    batches = Batches(rows, labels, batch_size=BATCH)

    def seconds(*, keeping: bool) -> float:
        with tempfile.TemporaryDirectory() as home:
            os.environ["DLKIT_HOME"] = home
            with runs.reserve("classify", default="bench") as run:
                keep = Keeper(run, command="", document={}) if keeping else None
                begun = time.perf_counter()
                work = fit(network(options.hidden), batches, config=config, loss=loss, keep=keep)
                finish(work)
                return time.perf_counter() - begun

    one, other = paired(lambda: seconds(keeping=True), lambda: seconds(keeping=False), options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    print(f"checkpoints  {spread(one)} s, without {spread(other)} s, ratio {spread(ratio)}")
    return {"with": one, "without": other, "ratio": median(ratio)}


def batches_a_second(rows, labels, options) -> dict[str, object]:
    import torch

    from dlkit.training.batches import Batches

    pictures = np.ascontiguousarray(rows.reshape(-1, 1, 28, 28))

    def augment(inputs, generator):
        samples = len(inputs)
        padded = torch.nn.functional.pad(inputs, (2, 2, 2, 2))
        shifts = torch.randint(0, 5, (2, samples), generator=generator)
        mirrored = torch.rand(samples, generator=generator) < 0.5
        along = torch.arange(28)
        across = torch.where(mirrored[:, None], 27 - along, along) + shifts[1][:, None]
        down = along + shifts[0][:, None]
        each = torch.arange(samples)[:, None, None]
        return padded[each, 0, down[:, :, None], across[:, None, :]][:, None].float().div_(255)

    def ours() -> float:
        batches = Batches(pictures, labels, batch_size=BATCH, augment=augment)
        begun = time.perf_counter()
        for _ in batches.at():
            pass
        return len(labels) / (time.perf_counter() - begun)

    def theirs() -> float:
        from PIL import Image
        from torchvision import transforms

        steps = transforms.Compose([
            transforms.RandomCrop(28, padding=2), transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
        ])  # fmt: skip
        some = min(4_000, len(labels))

        class Pictures(torch.utils.data.Dataset):
            def __len__(self):
                return some

            def __getitem__(self, place):
                return steps(Image.fromarray(pictures[place, 0])), int(labels[place])

        loader = torch.utils.data.DataLoader(Pictures(), batch_size=BATCH, shuffle=True)
        begun = time.perf_counter()
        for _ in loader:
            pass
        return some / (time.perf_counter() - begun)

    one, other = paired(ours, theirs, options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    print(f"batches      {spread(one)} a second, DataLoader {spread(other)}, ratio {spread(ratio)}")
    return {"dlkit": one, "dataloader": other, "ratio": median(ratio)}


def optimum(rows, labels, options) -> dict[str, object]:
    from sklearn.linear_model import LogisticRegression

    from dlkit.training.lbfgs import minimise

    inputs = rows.astype(np.float32) / 255
    found = {}

    def objective(weights, bias) -> float:
        scores = inputs @ weights.T + bias
        scores -= scores.max(1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return -logs[np.arange(len(labels)), labels].mean() + options.l2 / 2 * (weights**2).sum()

    def ours() -> float:
        begun = time.perf_counter()
        best = finish(minimise(inputs, labels, classes=10, l2=options.l2))
        seconds = time.perf_counter() - begun
        found["dlkit"] = objective(best.weights, best.bias)
        found["answers"] = (inputs @ best.weights.T + best.bias).argmax(1)
        return seconds

    def theirs() -> float:
        model = LogisticRegression(
            C=1 / (options.l2 * len(labels)), tol=options.tolerance, max_iter=options.iterations
        )
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(inputs, labels)
        seconds = time.perf_counter() - begun
        found["peer"] = objective(model.coef_.astype(np.float64), model.intercept_)
        found["same"] = float((model.predict(inputs) == found["answers"]).mean())
        found["peer_iterations"] = int(model.n_iter_[0])
        return seconds

    one, other = paired(ours, theirs, options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    found.pop("answers")
    print(
        f"optimum      {spread(one)} s at {found['dlkit']:.6g}, scikit-learn {spread(other)} s at "
        f"{found['peer']:.6g} ({found['peer_iterations']} iterations), ratio {spread(ratio)}, "
        f"{found['same']:.2%} answered alike"
    )
    return {"dlkit": one, "peer": other, "ratio": median(ratio), **found}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, help="npz with X (N, 784) uint8 and y")
    parser.add_argument("--limit", type=int, help="so many samples of it")
    parser.add_argument("--parts", default="engine,checkpoints,batches,optimum")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of scikit-learn")
    parser.add_argument("--iterations", type=int, default=1000, help="of scikit-learn, the most")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows, labels = drawn()
    if options.rows is not None:
        with np.load(options.rows) as arrays:
            rows, labels = arrays["X"], arrays["y"]
    rows, labels = rows[: options.limit], labels[: options.limit]
    floats = rows.astype(np.float32) / 255
    parts = {
        "engine": lambda: engine(floats, labels, options),
        "checkpoints": lambda: checkpoints(floats, labels, options),
        "batches": lambda: batches_a_second(rows, labels, options),
        "optimum": lambda: optimum(rows, labels, options),
    }
    results = {name: parts[name]() for name in options.parts.split(",")}
    print(json.dumps({"machine": machine(), "threads": options.threads, "results": results}))


if __name__ == "__main__":
    main()
