"""The training engine against a plain PyTorch loop, a DataLoader and scikit-learn, in pairs.

    python -m tests.benchmarks.bench_training                          drawn samples
    python -m tests.benchmarks.bench_training --data builtin:digits    images that dlkit reads

engine      seconds of a training by ``fit`` and by a bare loop: same network, batches, optimizer
checkpoints the same with checkpoints as a command saves them, and without; how many, how long
batches     samples a second from memory, cropped and mirrored as a whole batch, and by a
            DataLoader of torchvision that does it sample by sample
optimum     seconds to the optimum of a linear softmax, and by scikit-learn at the same penalty;
            both objectives in float64, and with test samples the accuracy of both
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings

import numpy as np

from tests.benchmarks.measure import machine, median, paired, spread

BATCH = 128
# A machine that others use, too, is measured by the seconds of its processors, of all threads.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def drawn(samples: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 28x28 bytes around ten of their own, smooth along a row."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, samples)
    centres = rng.normal(size=(10, 784)).cumsum(1)
    rows = centres[labels] + rng.normal(size=(samples, 784)).cumsum(1)
    rows -= rows.min(1, keepdims=True)
    rows = (255 * rows / rows.max(1, keepdims=True)).astype(np.uint8)
    return rows.reshape(samples, 28, 28, 1), labels


def finish(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def network(inputs: int, hidden: int):
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)
    )


def engine(rows, labels, options) -> dict[str, object]:
    import torch

    from dlkit.training import losses
    from dlkit.training.batches import Batches
    from dlkit.training.config import TrainingConfig
    from dlkit.training.loop import fit

    config = TrainingConfig(epochs=1, optimizer="sgd", batch_size=BATCH)
    loss = losses.build("softmax", classes=10)

    batches = Batches(rows, labels, batch_size=BATCH)

    def seconds(run) -> float:
        model = network(rows.shape[1], options.hidden)
        begun = CLOCKS[options.clock]()
        run(model, batches)
        return CLOCKS[options.clock]() - begun

    def ours(model, batches) -> None:
        finish(fit(model, batches, config=config, loss=loss))

    def bare(model, batches) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
        for batch in batches.at():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(*batch.inputs), batch.targets).backward()
            optimizer.step()

    one, other = paired(lambda: seconds(ours), lambda: seconds(bare), 5 * options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    more = [1e6 * (a - b) / len(batches) for a, b in zip(one, other, strict=True)]
    print(
        f"engine       {spread(one)} s, bare loop {spread(other)} s, ratio {spread(ratio)}, of the "
        f"least {min(one) / min(other):.3f}; microseconds more a step {spread(more)}"
    )
    return {"engine": one, "bare": other, "ratio": median(ratio), "microseconds": median(more)}


def checkpoints(rows, labels, options) -> dict[str, object]:
    """As a command trains: at its default settings, saved when that costs little or is due."""
    from dlkit.artifacts import runs
    from dlkit.training import losses
    from dlkit.training.batches import Batches
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.config import TrainingConfig
    from dlkit.training.loop import fit

    config = TrainingConfig(epochs=options.epochs, batch_size=BATCH)
    loss = losses.build("softmax", classes=10)
    batches = Batches(rows, labels, batch_size=BATCH)
    saved: list[float] = []

    class Timed(Keeper):
        def save(self, state) -> None:
            begun = time.perf_counter()
            super().save(state)
            saved.append(time.perf_counter() - begun)

    def seconds(*, keeping: bool) -> float:
        with tempfile.TemporaryDirectory(dir=options.folder) as home:
            os.environ["DLKIT_HOME"] = home
            with runs.reserve("classify", default="bench") as run:
                keep = Timed(run, command="", document={}) if keeping else None
                begun = time.perf_counter()
                work = fit(
                    network(rows.shape[1], options.hidden),
                    batches,
                    config=config,
                    loss=loss,
                    keep=keep,
                )
                finish(work)
                return time.perf_counter() - begun

    one, other = paired(lambda: seconds(keeping=True), lambda: seconds(keeping=False), options.runs)
    assert len(saved) > options.runs, "too short a training for a checkpoint: more --epochs"
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    each = len(saved) / (options.runs + 1)
    due = median(saved) / (60 * config.checkpoint_minutes)
    print(
        f"checkpoints  {spread(one)} s, without {spread(other)} s, ratio {spread(ratio)}; "
        f"{each:.3g} of them, one takes {spread(saved)} s, {due:.3%} of the "
        f"{config.checkpoint_minutes:g} minutes after which one is due"
    )
    return {"with": one, "without": other, "ratio": median(ratio), "saved": saved}


def batches_a_second(rows, labels, options) -> dict[str, object]:
    import torch

    from dlkit.training.augmenting.moving import shift_and_mirror
    from dlkit.training.batches import Batches

    clock = CLOCKS[options.clock]
    pictures = np.ascontiguousarray(rows.transpose(0, 3, 1, 2))
    side = rows.shape[1]

    def augment(inputs, generator, *_):
        return shift_and_mirror(inputs, generator, padding=side // 8).float().div_(255)

    def ours() -> float:
        batches = Batches(pictures, labels, batch_size=BATCH, augment=augment)
        begun = clock()
        for _ in batches.at():
            pass
        return len(labels) / (clock() - begun)

    def theirs() -> float:
        from PIL import Image
        from torchvision import transforms

        steps = transforms.Compose([
            transforms.RandomCrop(side, padding=side // 8), transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
        ])  # fmt: skip
        some = min(4_000, len(labels))

        class Pictures(torch.utils.data.Dataset):
            def __len__(self):
                return some

            def __getitem__(self, place):
                return steps(Image.fromarray(rows[place].squeeze())), int(labels[place])

        loader = torch.utils.data.DataLoader(Pictures(), batch_size=BATCH, shuffle=True)
        begun = clock()
        for _ in loader:
            pass
        return some / (clock() - begun)

    one, other = paired(ours, theirs, options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    print(f"batches      {spread(one)} a second, DataLoader {spread(other)}, ratio {spread(ratio)}")
    return {"dlkit": one, "dataloader": other, "ratio": median(ratio)}


def optimum(samples, options) -> dict[str, object]:
    """To the optimum at the same λ; what each predicts is compared on all samples."""
    from sklearn.linear_model import LogisticRegression

    from dlkit.training.lbfgs import minimise

    inputs, labels = flat(samples["train"])
    others, wanted = flat(samples["test"]) if "test" in samples else (inputs[:0], labels[:0])
    everything = np.concatenate([inputs, others])
    found = {}
    clock = CLOCKS[options.clock]

    def objective(weights, bias) -> float:
        scores = inputs @ weights.T + bias  # float64, as the weights are
        scores -= scores.max(1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return -logs[np.arange(len(labels)), labels].mean() + options.l2 / 2 * (weights**2).sum()

    def ours() -> float:
        begun = clock()
        best = finish(minimise(inputs, labels, classes=classes_of(labels), l2=options.l2))
        seconds = clock() - begun
        found["dlkit"] = objective(best.weights, best.bias)
        found["answers"] = (everything @ best.weights.T + best.bias).argmax(1)
        found["iterations"] = best.iterations
        return seconds

    def theirs() -> float:
        model = LogisticRegression(
            C=1 / (options.l2 * len(labels)), tol=options.tolerance, max_iter=options.iterations
        )
        begun = clock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(inputs, labels)
        seconds = clock() - begun
        found["peer"] = objective(model.coef_.astype(np.float64), model.intercept_)
        found["peer_answers"] = model.predict(everything)
        found["peer_iterations"] = int(model.n_iter_[0])
        return seconds

    one, other = paired(ours, theirs, options.runs)
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    answers = [found.pop("answers"), found.pop("peer_answers")]
    found["same"] = float((answers[0] == answers[1]).mean())
    found["apart"] = found["dlkit"] / found["peer"] - 1
    if len(wanted):
        found["accuracy"] = [float((each[len(labels) :] == wanted).mean()) for each in answers]
    print(
        f"optimum      {spread(one)} s at {found['dlkit']:.7g} ({found['iterations']} iterations), "
        f"scikit-learn {spread(other)} s at {found['peer']:.7g} ({found['peer_iterations']}), "
        f"ratio {spread(ratio)}; objective {found['apart']:+.1e} of scikit-learn's, "
        f"{found['same']:.3%} of {len(everything):,} answered alike; test accuracy, "
        f"scikit-learn's: {found.get('accuracy')}"
    )
    return {"dlkit_seconds": one, "peer_seconds": other, "ratio": median(ratio), **found}


def classes_of(labels) -> int:
    return int(labels.max()) + 1


def flat(split) -> tuple[np.ndarray, np.ndarray]:
    """Rows of pixels from 0 to 1, and labels."""
    rows, labels = split
    return rows.reshape(len(rows), -1).astype(np.float32) / 255, labels


def images(entry: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The images (N, H, W, C) and labels of a data set's splits, as dlkit reads them."""
    from dlkit.data.config import SampleConfig
    from dlkit.data.loading import load

    samples = finish(load([entry], SampleConfig()))
    return {name: (split.images, split.labels) for name, split in samples.splits.items()}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="images: a folder, builtin:NAME [default: drawn]")
    parser.add_argument("--limit", type=int, help="so many samples of a split")
    parser.add_argument("--folder", help="whose disk takes the checkpoints [default: temporary]")
    parser.add_argument("--parts", default="engine,checkpoints,batches,optimum")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="of all but checkpoints")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=60, help="of checkpoints")
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of scikit-learn")
    parser.add_argument("--iterations", type=int, default=1000, help="of scikit-learn, the most")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    samples = images(options.data) if options.data else {"train": drawn()}
    samples = {
        name: tuple(each[: options.limit] for each in split) for name, split in samples.items()
    }
    floats, labels = flat(samples["train"])
    parts = {
        "engine": lambda: engine(floats, labels, options),
        "checkpoints": lambda: checkpoints(floats, labels, options),
        "batches": lambda: batches_a_second(*samples["train"], options),
        "optimum": lambda: optimum(samples, options),
    }
    results = {name: parts[name]() for name in options.parts.split(",")}
    print(json.dumps({"machine": machine(), "threads": options.threads, "results": results}))


if __name__ == "__main__":
    main()
