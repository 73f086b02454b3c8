"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.config.resolve import to_yaml
from dlkit.errors import DlkitError
from dlkit.records import Saved
from dlkit.vectors.store import row_norms
from dlkit.vectors.subwords import FILE as SUBWORDS
from dlkit.word2vec import card
from dlkit.word2vec.engines import is_exact, threads_of
from dlkit.word2vec.live import PREFIX
from dlkit.word2vec.onward import question
from dlkit.word2vec.start import ROWS

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.loop import Work

TASK = "word2vec"
KIND = "word-vectors"
LOSSES: Final = {
    "ns": "negative-sampling",
    "hs": "hierarchical-softmax",
    "softmax": "softmax",
}


def commit(run: Run, work: Work, *, seconds: float) -> Saved:
    """Write the artifact and return its record.

    Args:
        run: the run whose name the artifact gets.
        work: the finished training; paths in its settings are absolute.
        seconds: how long the training took, reading not counted.

    Raises:
        DlkitError: a vector is not finite, or the disk does not take the files.

    """
    config = work.config
    epochs = [entry for entry in work.history if "epoch" in entry]
    resumptions = [entry["changes"] for entry in work.history if "resumed" in entry]
    rate = work.corpus.words * config.epochs / max(seconds, 1e-9)
    document = _document(work, _scores(epochs[-1]), changed=any(resumptions))
    threads = threads_of(config)
    if config.deterministic:  # any number of threads gives these very files
        config = config.model_copy(update={"threads": None})
    path = run.commit(
        document,
        {
            "config.yaml": f"# dlkit word2vec train -r config.yaml\n{to_yaml(config)}".encode(),
            **_tensors(work),
            "vocab.txt": b"".join(work.corpus.vocabulary.lines()),
            "metrics.jsonl": "".join(
                json.dumps(entry, sort_keys=True) + "\n" for entry in epochs
            ).encode(),
            "README.md": card.render(config, document).encode(),
        },
        record={
            "seconds": seconds,
            "words_per_second": rate,
            "threads": threads,
            "resumptions": resumptions,
        },
    )
    reference = f"{TASK}/{path.name}"
    words = work.corpus.vocabulary.words
    scores = document["scores"]
    facts = {
        "vocabulary": len(words),
        "dim": config.dim,
        "epochs": config.epochs,
        "loss": scores["loss"],
        "held_out_loss": scores.get("held_out_loss"),
        **{key: value for key, value in scores.items() if key.startswith(PREFIX)},
        "seconds": round(seconds, 2),
        "words_per_second": round(rate),
    }
    return Saved(reference, path, facts, question(words, reference))


def _scores(epoch: Mapping[str, Any]) -> dict[str, float]:
    """What of the last epoch's metrics tells how good the vectors are."""
    return {
        key: value
        for key, value in epoch.items()
        if key in ("loss", "held_out_loss") or key.startswith(PREFIX)
    }


def _tensors(work: Work) -> dict[str, Callable[[BinaryIO], None]]:
    """The files of the matrices, once all values are found to be finite."""
    inputs, outputs = work.vectors, work.trainer.outputs
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise DlkitError(
            "training diverged: some vectors are not finite numbers",
            hint="lower the learning rate with --lr",
        )
    files = {
        "vectors.safetensors": write_tensors({"vectors": inputs, "norms": row_norms(inputs)}),
        "outputs.safetensors": write_tensors({"outputs": outputs}),
    }
    if work.config.maxn:
        rows, words = work.trainer.rows, len(inputs)
        files[SUBWORDS] = write_tensors({"buckets": work.buckets, "vectors": rows[words:]})
        files[ROWS] = write_tensors({"rows": rows[:words]})
    return files


def _document(work: Work, scores: Mapping[str, float], *, changed: bool) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    config, corpus = work.config, work.corpus
    return {
        "task": TASK,
        "kind": KIND,
        "model": {
            "name": config.model,
            "loss": LOSSES[config.loss],
            "window": config.window,
            "fixed_window": config.fixed_window,
            "sample": config.sample,
            **(_noise(config) if config.loss == "ns" else {}),
            **({"context": config.context} if config.model == "cbow" else {}),
        },
        "dim": config.dim,
        "words": len(corpus.vocabulary),
        **(_subwords(config) if config.maxn else {}),
        **({"began_with": _began_with(config)} if _began_with(config) else {}),
        **({"frozen": True} if config.freeze else {}),
        "text": {"tokens": corpus.tokens, **corpus.normaliser.to_dict()},
        "data": {
            "words": corpus.words,
            "raw_words": corpus.raw_words,
            "lines": corpus.lines,
            "ids_sha256": corpus.ids_sha256,
        },
        "scores": dict(scores),
        "seed": config.seed,
        "threads": None if config.deterministic else threads_of(config),
        "bit_reproducible": is_exact(config) and not changed,
    }


def _noise(config: Word2vecConfig) -> dict[str, Any]:
    return {"negative": config.negative, "noise_exponent": config.noise_exponent}


def _began_with(config: Word2vecConfig) -> str | None:
    """The name of the artifact or the file of the first vectors; None for chance."""
    start = config.continued or config.initial
    return None if start is None else Path(start).name


def _subwords(config: Word2vecConfig) -> dict[str, Any]:
    settings = {"shortest": config.minn, "longest": config.maxn, "buckets": config.buckets}
    return {"subwords": settings}
