"""From images and a network to a head whose embeddings lie close together by class."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit import signals
from dlkit.classifiers.dividing import set_aside
from dlkit.cnn.search import losses
from dlkit.cnn.search.embedding import Embedder, open_image_encoder
from dlkit.cnn.search.encoding import head_of
from dlkit.cnn.search.judging import Searching
from dlkit.cnn.search.save_head import commit
from dlkit.cnn.search.saved import TASK
from dlkit.data.loading import load
from dlkit.encoders import read_for
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Saved
from dlkit.training import running
from dlkit.training.fitting import Trained, by_epochs
from dlkit.training.machine import check_device

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import nn

    from dlkit.artifacts.runs import Run
    from dlkit.cnn.search.config import SearchConfig
    from dlkit.data.config import SampleConfig
    from dlkit.data.samples import Samples, Split
    from dlkit.encoders import Encoder
    from dlkit.signals import Stop
    from dlkit.training.batches import Batches
    from dlkit.training.checkpoint import Keeper
    from dlkit.training.losses import Loss
    from dlkit.training.state import State

EXAMPLE: Final = "dlkit cnn search train cifar10 --from cnn/NAME"
# What nobody asks for otherwise.
_USUAL: Final[dict[str, Any]] = {
    "epochs": 10, "batch_size": 256, "optimizer": "adamw", "lr": 1e-3, "schedule": "cosine",
}  # fmt: skip


class Prepared(NamedTuple):
    """What a training begins with.

    Attributes:
        samples: the data; of them the training split alone was looked at.
        encoder: the network, which stays as it is.
        reading: how the data were read.
        train: what is learnt from.
        rows: (N, D) its features, of length 1.
        validation: what epochs are judged by; None: nothing was set aside.
        judged: (Q, D) its features.

    """

    samples: Samples
    encoder: Encoder
    reading: SampleConfig
    train: Split
    rows: npt.NDArray[np.float32]
    validation: Split | None
    judged: npt.NDArray[np.float32] | None


def run(
    config: SearchConfig, *, name: str | None = None, default_name: str | None = None
) -> Generator[Record, None, Saved]:
    """Train on ``config.data`` and commit an artifact; see ``training.running.run``."""
    return running.run(_work(), config, name=name, default_name=default_name)


def resume(
    name: str | None,
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Generator[Record, None, Saved]:
    """Go on with an interrupted run; see ``training.running.resume``."""
    return running.resume(_work(), name, recipe=recipe, sets=sets, options=options)


def _work() -> running.Work[SearchConfig, Prepared]:
    from dlkit.cnn.search.config import SearchConfig

    return running.Work(
        TASK, "dlkit cnn search train", EXAMPLE, SearchConfig, headline, _settled,
        absolute, lambda ready: ready.samples.fingerprint("train"), fit, _commit,
        ending=lambda _: "-head",
    )  # fmt: skip


def _settled(config: SearchConfig) -> Generator[Record, None, tuple[SearchConfig, Prepared]]:
    config = settle(config)
    return config, (yield from prepare(config))


def _commit(
    held: Run, config: SearchConfig, ready: Prepared, trained: Trained[nn.Module]
) -> Generator[Record, None, Saved]:
    return commit(held, absolute(config, ready), ready, trained)


def headline(config: SearchConfig) -> dict[str, object]:
    """The settings that a user wants to see first."""
    told: dict[str, object] = {"loss": config.head.loss, "dim": config.head.dim}
    if config.features is not None:
        told["features"] = config.features
    return told | {"seed": config.training.seed}


def settle(config: SearchConfig) -> SearchConfig:
    """The settings with what is usual for a head, and the number of threads.

    Raises:
        DlkitError: (USAGE) an optimizer that finds optima of linear classifiers.

    """
    import torch

    asked = config.training.model_fields_set
    usual = {name: value for name, value in _USUAL.items() if name not in asked}
    if config.training.optimizer in ("lbfgs", "sdca"):
        raise DlkitError(
            f"--optimizer {config.training.optimizer} finds optima of linear classifiers",
            hint="--optimizer adamw",
            code=USAGE,
        )
    if "optimizer" in asked and config.training.optimizer != _USUAL["optimizer"]:
        usual.pop("lr", None)
    if config.training.device == "cpu" and config.training.threads is None:
        usual["threads"] = torch.get_num_threads()
    told = config.model_dump()
    told["training"] |= usual
    return type(config).model_validate(told)


def absolute(config: SearchConfig, ready: Prepared) -> SearchConfig:
    """The settings as saved: what they name is found from any folder."""
    return config.model_copy(
        update={
            "data": ready.samples.origin,
            "input": ready.reading,
            "features": ready.encoder.source.reference,
        }
    )


def prepare(config: SearchConfig) -> Generator[Record, None, Prepared]:
    """Read ``config.data``, set validation images aside, and take the features of all.

    Raises:
        DlkitError: no or unreadable data, one class, no images, no network, no such device.

    """
    training = config.training
    check_device(training.device)
    encoder = yield from open_image_encoder(
        config.features, device=training.device, threads=training.threads
    )
    reading = read_for(encoder, config.input)
    samples = yield from load(config.data, config.input, seed=training.seed, reading=reading)
    if samples.kind != "images":
        what = "a table" if samples.kind == "table" else "texts"
        raise DlkitError(f"{samples.name} holds {what}; cnn search looks at images", code=USAGE)
    learnt, judged = yield from set_aside(
        samples, training.validation, seed=training.seed, column=config.input.group_column
    )
    embedder = Embedder(encoder)
    with signals.waiting():  # nothing can be saved yet
        rows = yield from embedder.plain(learnt.images, what="training images")
        theirs = None
        if judged is not None:
            theirs = yield from embedder.plain(judged.images, what="validation images")
    return Prepared(samples, encoder, reading, learnt, rows, judged, theirs)


def build(config: SearchConfig, ready: Prepared) -> tuple[Any, dict[str, Any], Loss]:
    """The head with its first weights, the arguments that it is built again by, and the loss."""
    import torch

    from dlkit.training.seeding import seeded

    head = config.head
    comparing = head.loss in ("supcon", "triplet")
    arguments = {
        "features": int(ready.rows.shape[1]),
        "dim": head.dim,
        "hidden": list(head.hidden),
        "classes": 0 if comparing else len(ready.samples.classes),
    }
    with seeded(config.training.seed):
        model = head_of(arguments)
    mean = ready.rows.mean(axis=0, dtype=np.float64)
    spread = float(np.sqrt(np.mean((ready.rows - mean) ** 2, dtype=np.float64))) or 1.0
    model.mean.copy_(torch.from_numpy(mean))
    model.scale.fill_(spread)
    loss = losses.build(
        head.loss, margin=head.own_margin, scale=head.scale, temperature=head.temperature
    )
    return model, arguments, loss


def batches_of(config: SearchConfig, ready: Prepared) -> Batches:
    """The features in batches, drawn anew in each epoch; with partners where images compare."""
    import torch

    from dlkit.training.batches import Batches

    training = config.training
    rows = torch.from_numpy(ready.rows)
    augment = None
    if config.head.loss in ("supcon", "triplet"):
        labels = torch.from_numpy(ready.train.labels).to(training.device)
        augment = losses.Partners(rows.to(training.device), labels)
    return Batches(
        rows, ready.train.labels, batch_size=training.batch_size * training.accumulate,
        seed=training.seed, device=training.device, augment=augment, shuffle=True,
    )  # fmt: skip


def fit(
    config: SearchConfig,
    ready: Prepared,
    stop: Stop | None,
    *,
    keep: Keeper | None = None,
    state: State | None = None,
) -> Generator[Record, None, Trained[nn.Module]]:
    """Train a head on the features; nothing is written but checkpoints.

    Raises:
        DlkitError: diverged, out of memory, ``state`` is of another training.
        StoppedError: a signal came.

    """
    model, arguments, loss = build(config, ready)
    judge = None
    if ready.validation is not None and ready.judged is not None:
        judge = Searching(ready.rows, ready.train.labels, ready.judged, ready.validation.labels)
        if not judge.some_right:
            yield Noted("no validation image has a class that is learnt: the last weights are kept")
            judge = None
    if judge is not None:
        before = judge.before()
        yield Noted(
            f"before training: validation mAP {before['map']:.4f}, recall@1 "
            f"{before['recall@1']:.4f}, by the features as they are"
        )
    trained = yield from by_epochs(
        model, arguments, batches_of(config, ready), config=config.training, loss=loss,
        validate=judge, state=state, stop=stop, keep=keep,
    )  # fmt: skip
    if judge is not None:
        trained.facts["features_map"] = before["map"]
        trained.facts["features_recall@1"] = before["recall@1"]
    return trained
