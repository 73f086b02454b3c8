"""Accuracy on CIFAR-10 after the same seconds: the fast network, and a plain loop with ResNet-18.

    python -m tests.benchmarks.bench_accuracy PATH/cifar10 --epochs 2

dlkit    ``dlkit cnn train PATH -r cifar10 --epochs N``, the whole process, then ``dlkit cnn eval``
peer     the same process time with what is commonly written: torchvision's transforms for each
         sample (crop after padding by 4, mirror) in a DataLoader with --workers processes,
         ResNet-18 with a 3 x 3 stem, SGD with momentum 0.9, learning rate 0.1, weight decay 5e-4,
         batches of 128, fp32; it stops after the seconds that dlkit took, and is judged then

Both learn on the same threads, one after the other. The peer learns from all 50,000 images, dlkit
from those that are not set aside for validation. Reading the images is in dlkit's time, not in the
peer's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time

import numpy as np

from tests.benchmarks.measure import machine, run

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def ours(data: str, epochs: int, threads: int) -> dict[str, object]:
    """Seconds of the training's process, and the accuracy on the test split."""
    with tempfile.TemporaryDirectory() as home:
        env = {"DLKIT_HOME": home}
        train = ["cnn", "train", data, "-r", "cifar10", "--epochs", str(epochs), "-n", "x"]
        trained = run([sys.executable, "-m", "dlkit", *train, "--threads", str(threads)], env)
        judged = run([sys.executable, "-m", "dlkit", "cnn", "eval", "--from", "x", "--json"], env)
    return {"seconds": trained.seconds, "accuracy": json.loads(judged.output)["accuracy"]}


def images_of(data: str):
    """The training and test images (N, 32, 32, 3) and labels."""
    from dlkit.data.config import SampleConfig
    from dlkit.data.loading import load

    work = load([data], SampleConfig())
    while True:
        try:
            next(work)
        except StopIteration as end:
            samples = end.value.samples
            return [
                (np.asarray(split.images), split.labels) for split in (samples.train, samples.test)
            ]


class Pictures:
    """A map-style data set of PIL images."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform) -> None:
        from PIL import Image

        self.images = [Image.fromarray(each) for each in images]
        self.labels, self.transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int):
        return self.transform(self.images[place]), self.labels[place]


def theirs(data: str, seconds: float, threads: int, workers: int) -> dict[str, object]:
    """Samples that were learnt from in so many seconds, and the accuracy then."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import transforms

    from dlkit.cnn.model import build

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    (images, labels), (asked, truth) = images_of(data)
    seen = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    drawn = [transforms.RandomCrop(32, 4), transforms.RandomHorizontalFlip()]
    learnt = Pictures(images, labels, transforms.Compose([*drawn, *seen]))
    model = build("resnet18", channels=3, size=(32, 32), classes=10, mean=MEAN, std=STD)
    model.pixels = torch.nn.Identity()  # the transforms have done it
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    loader = DataLoader(learnt, 128, shuffle=True, num_workers=workers)
    samples, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for inputs, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            samples += len(targets)
            if time.perf_counter() - begun >= seconds:
                break
    taken = time.perf_counter() - begun
    model.eval()
    right = 0
    judged = Pictures(asked, truth, transforms.Compose(seen))
    with torch.inference_mode():
        for inputs, targets in DataLoader(judged, 256):
            right += int((model(inputs).argmax(1) == targets).sum())
    return {
        "seconds": taken,
        "epochs": samples / len(learnt),
        "samples_per_second": samples / taken,
        "accuracy": right / len(judged),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    fast = ours(options.data, options.epochs, options.threads)
    print(json.dumps({"dlkit": fast}), flush=True)
    peer = theirs(options.data, float(str(fast["seconds"])), options.threads, options.workers)
    print(json.dumps({"resnet18, sample by sample": peer, "machine": machine()}))


if __name__ == "__main__":
    main()
