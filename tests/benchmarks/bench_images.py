"""Images through dlkit's batches and engine, and through timm's loaders and loop, in pairs.

    python -m tests.benchmarks.bench_images                               pipeline, small network
    python -m tests.benchmarks.bench_images --parts training,inference    ResNet-18 and VGG-16, too
    python -m tests.benchmarks.bench_images --parts steps                 what pays on this machine

pipeline    images a second, mirrored and cropped after padding, ready for the network
small       images a second that a small network is trained on, pipeline and all, at 32x32
training    the same of ResNet-18 and VGG-16 (batch normalisation), at --size
inference   the same networks judged, loss and accuracy, as timm's validate.py does
steps       seconds of a network's step alone: fp32 and bf16, channels first and last

timm's way is ``timm.data.create_loader`` with --workers processes and a loop with what its train.py
and validate.py do for a batch when told --device cpu: the prefetcher's normalisation, forward,
loss, backward, optimizer (fused SGD as dlkit's; its own default is not faster), ``loss.item()``.
Its data set is PIL images in memory. Training images are mirrored and cropped after padding by 4
(timm's ``rrc`` would cost it more). Where timm has no network for images so small, both sides run
dlkit's. Without timm the peer is torchvision's transforms in a DataLoader and the same loop.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache

import numpy as np

from tests.benchmarks.measure import machine, median, paired, spread

# On a machine that others use, too, the seconds of the processors tell more; with --workers 0 they
# are those of everything that is done.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
PADDING = 4
TIMM_NAMES = {"resnet18": "resnet18", "vgg16": "vgg16_bn"}


@cache
def drawn(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, size, size, 3) of bytes, and labels of ten classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return images, rng.integers(0, 10, count)


def network(name: str, size: int):
    import torch

    from dlkit.cnn.model import build

    torch.manual_seed(0)
    return build(name, channels=3, size=(size, size), classes=10, mean=MEAN, std=STD)


def peer_network(name: str, size: int):
    """timm's network of the name; dlkit's, without the pixels' scaling, for small images."""
    import torch

    if size >= 64 and name in TIMM_NAMES and has_timm():
        import timm

        return timm.create_model(TIMM_NAMES[name], num_classes=10)
    model = network(name, size)
    model.pixels = torch.nn.Identity()  # the loader has done it
    return model


@cache
def has_timm() -> bool:
    try:
        import timm  # noqa: F401
    except ImportError:
        return False
    return True


class Pictures:
    """A map-style data set of PIL images in memory, as timm's loaders take."""

    transform = None

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        from PIL import Image

        self.images = [Image.fromarray(each) for each in images]
        self.labels = labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int):
        return self.transform(self.images[place]), self.labels[place]


def peer_loader(options, size: int, *, training: bool):
    """Batches (B, 3, H, W) float32, normalised, and labels."""
    import torch
    from torchvision import transforms

    images, labels = drawn(options.images, size)
    pictures = Pictures(images, labels)
    ahead = [transforms.RandomCrop(size, PADDING), transforms.RandomHorizontalFlip()]
    if not has_timm():
        pictures.transform = transforms.Compose([
            *(ahead if training else []), transforms.ToTensor(), transforms.Normalize(MEAN, STD)
        ])  # fmt: skip
        return torch.utils.data.DataLoader(
            pictures, options.batch, shuffle=training, num_workers=options.workers,
            persistent_workers=options.workers > 0,
        )  # fmt: skip
    from timm.data import create_loader
    from timm.data.transforms import MaybePILToTensor

    loader = create_loader(
        pictures, (3, size, size), options.batch, is_training=training, no_aug=True, mean=MEAN,
        std=STD, num_workers=options.workers, crop_pct=1.0, device=torch.device("cpu"),
        persistent_workers=options.workers > 0,
    )  # fmt: skip
    if training:
        pictures.transform = transforms.Compose([*ahead, MaybePILToTensor()])
    return loader


def our_batches(options, size: int, *, training: bool):
    from dlkit.training.augmenting.config import parse
    from dlkit.training.augmenting.making import augmentation
    from dlkit.training.batches import Batches

    images, labels = drawn(options.images, size)
    steps = f"flip,crop:{PADDING}" if training else "none"
    augment = augmentation(parse(steps))
    return Batches(images, labels, batch_size=options.batch, shuffle=training, augment=augment)


def finish(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def autocast(options):
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16")


def pipeline(options) -> dict[str, object]:
    size = options.size
    batches = our_batches(options, size, training=True)
    loader = peer_loader(options, size, training=True)

    def ours() -> float:
        begun, seen = options.now(), 0
        for batch in batches.at():
            batch.inputs[0].float().div_(255)  # which is in the network otherwise
            seen += len(batch.targets)
        return seen / (options.now() - begun)

    def theirs() -> float:
        begun, seen = options.now(), 0
        for _, labels in loader:
            seen += len(labels)
        return seen / (options.now() - begun)

    return told(f"pipeline {size}x{size}", *paired(ours, theirs, options.runs))


def training(options, names) -> dict[str, object]:
    return {
        name: told(
            f"training {name} {options.size}x{options.size}", *trained(options, name, options.size)
        )
        for name in names
    }


def trained(options, name: str, size: int) -> tuple[list[float], list[float]]:
    import torch

    from dlkit.training import losses
    from dlkit.training.config import TrainingConfig
    from dlkit.training.loop import fit

    model, peer = network(name, size), peer_network(name, size)
    batches = our_batches(options, size, training=True)
    loader = peer_loader(options, size, training=True)
    config = TrainingConfig(
        epochs=1, batch_size=options.batch, optimizer="sgd", lr=1e-3, precision=options.precision
    )
    loss = losses.build("softmax", classes=10)
    optimizer = torch.optim.SGD(peer.parameters(), lr=1e-3, momentum=0.9, fused=True)
    criterion = torch.nn.CrossEntropyLoss()
    layout = torch.channels_last if options.peer_channels_last else torch.contiguous_format
    peer.to(memory_format=layout)

    def ours() -> float:
        begun = options.now()
        finish(fit(model, batches, config=config, loss=loss))
        return batches.samples / (options.now() - begun)

    def theirs() -> float:
        peer.train()
        begun, seen, total = options.now(), 0, 0.0
        for inputs, labels in loader:
            images = inputs.contiguous(memory_format=layout)
            with autocast(options):
                value = criterion(peer(images), labels)
            value.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += value.item() * len(labels)
            seen += len(labels)
        return seen / (options.now() - begun)

    return paired(ours, theirs, options.runs)


def inference(options, names) -> dict[str, object]:
    import torch

    from dlkit.training import losses
    from dlkit.training.config import TrainingConfig
    from dlkit.training.judging import judge
    from dlkit.training.machine import laid_out

    size, results = options.size, {}
    for name in names:
        model, peer = laid_out(network(name, size)), peer_network(name, size).eval()
        batches = our_batches(options, size, training=False)
        loader = peer_loader(options, size, training=False)
        config = TrainingConfig(precision=options.precision)
        loss = losses.build("softmax", classes=10)
        layout = torch.channels_last if options.peer_channels_last else torch.contiguous_format
        peer.to(memory_format=layout)

        def ours(model=model, batches=batches, config=config, loss=loss) -> float:
            begun = options.now()
            judge(model, batches, loss=loss, config=config)
            return batches.samples / (options.now() - begun)

        def theirs(peer=peer, loader=loader, layout=layout) -> float:
            begun, seen, right, total = options.now(), 0, 0, 0.0
            with torch.inference_mode():
                for inputs, labels in loader:
                    images = inputs.contiguous(memory_format=layout)
                    with autocast(options):
                        outputs = peer(images)
                    total += torch.nn.functional.cross_entropy(outputs.float(), labels).item()
                    right += int((outputs.argmax(1) == labels).sum())
                    seen += len(labels)
            return seen / (options.now() - begun)

        results[name] = told(f"inference {name} {size}x{size}", *paired(ours, theirs, options.runs))
    return results


def steps(options, names) -> dict[str, object]:
    """Forward, loss and backward of a network, or forward alone, in every precision and layout."""
    import torch

    images, labels = drawn(options.batch, options.size)
    images = torch.from_numpy(images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(labels)
    results: dict[str, object] = {}
    for name in names:
        ways = {}
        for precision in ("fp32", "bf16"):
            for layout in ("first", "last", *(["last, compiled"] if options.compile else [])):
                form = torch.contiguous_format if layout == "first" else torch.channels_last
                model = network(name, options.size).to(memory_format=form)
                call = torch.compile(model) if "compiled" in layout else model
                way = f"{precision} channels {layout}"
                ways[way] = (model, call, images.contiguous(memory_format=form))

        def seconds(way: str, kind: str, ways=ways) -> float:
            model, call, given = ways[way]
            model.train(kind == "train")
            begun = options.now()
            bf16 = torch.autocast("cpu", torch.bfloat16, enabled=way.startswith("bf16"))
            with bf16, torch.set_grad_enabled(kind == "train"):
                value = torch.nn.functional.cross_entropy(call(given).float(), labels)
            if kind == "train":
                value.backward()
                model.zero_grad()
            return options.now() - begun

        found: dict[str, list[float]] = {}
        for run in range(options.runs + 1):
            for kind in ("train", "infer"):
                for way in ways:
                    value = seconds(way, kind)
                    if run:  # the first warms up
                        found.setdefault(f"{kind} {way}", []).append(value)
        for key, values in found.items():
            base = found[f"{key.split()[0]} fp32 channels first"]
            ratio = [a / b for a, b in zip(values, base, strict=True)]
            print(f"{name:10} {key:36} {spread(values)} s, ratio {spread(ratio)}", flush=True)
        results[name] = found
    return results


def told(what: str, one: list[float], other: list[float]) -> dict[str, object]:
    ratio = [a / b for a, b in zip(one, other, strict=True)]
    peer = "timm" if has_timm() else "torchvision"
    print(f"{what:24} {spread(one)} images/s, {peer} {spread(other)}, ratio {spread(ratio)}")
    return {"dlkit": one, "peer": other, "ratio": median(ratio)}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default="pipeline,small")
    parser.add_argument("--networks", default="resnet18,vgg16")
    parser.add_argument("--small", default="resnet20", help="networks of part small")
    parser.add_argument("--size", type=int, default=32, help="side of the images")
    parser.add_argument("--images", type=int, default=2_048)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="processes of the peer's loader")
    parser.add_argument("--peer-channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="in part steps, too")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    settings = dict(vars(options))
    options.now = CLOCKS[options.clock]
    torch.set_num_threads(options.threads)
    names = options.networks.split(",")
    parts = {
        "pipeline": lambda: pipeline(options),
        "small": lambda: training(options, options.small.split(",")),
        "training": lambda: training(options, names),
        "inference": lambda: inference(options, names),
        "steps": lambda: steps(options, names),
    }
    results = {name: parts[name]() for name in options.parts.split(",")}
    print(json.dumps({"machine": machine(), "settings": settings, "results": results}))


if __name__ == "__main__":
    main()
