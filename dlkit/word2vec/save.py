"""A finished training as an artifact: what stands in its files."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.artifacts.tensors import write_tensors
from dlkit.config.resolve import to_yaml
from dlkit.errors import DlkitError
from dlkit.records import Saved
from dlkit.word2vec import card

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run
    from dlkit.data.corpus import Corpus
    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.sgns import NegativeSampling

TASK = "word2vec"
KIND = "word-vectors"


def commit(
    run: Run,
    config: Word2vecConfig,
    corpus: Corpus,
    trainer: NegativeSampling,
    history: Sequence[Mapping[str, Any]],
    *,
    threads: int,
    seconds: float,
) -> Saved:
    """Write the artifact and return its record.

    Args:
        run: the run whose name the artifact gets.
        config: the settings, with absolute paths.
        corpus: what was trained on.
        trainer: the trained vectors.
        history: the metrics of each epoch, and the resumptions.
        threads: how many threads trained.
        seconds: how long the training took, reading not counted.

    Raises:
        DlkitError: a vector is not finite, or the disk does not take the files.

    """
    inputs, outputs = trainer.inputs, trainer.outputs
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise DlkitError(
            "training diverged: some vectors are not finite numbers",
            hint="lower the learning rate with --lr",
        )
    epochs = [entry for entry in history if "epoch" in entry]
    resumptions = [entry["changes"] for entry in history if "resumed" in entry]
    scores = {key: value for key, value in epochs[-1].items() if key in ("loss", "held_out_loss")}
    changed = any(resumptions)
    document = _document(config, corpus, scores, threads, exact=threads == 1 and not changed)
    rate = corpus.words * config.epochs / max(seconds, 1e-9)
    path = run.commit(
        document,
        {
            "config.yaml": to_yaml(config).encode(),
            "vectors.safetensors": write_tensors({"vectors": inputs, "norms": _norms(inputs)}),
            "outputs.safetensors": write_tensors({"outputs": outputs}),
            "vocab.txt": b"".join(corpus.vocabulary.lines()),
            "metrics.jsonl": "".join(
                json.dumps(entry, sort_keys=True) + "\n" for entry in epochs
            ).encode(),
            "README.md": card.render(config, document).encode(),
        },
        record={"seconds": seconds, "words_per_second": rate, "resumptions": resumptions},
    )
    reference = f"{TASK}/{path.name}"
    words = corpus.vocabulary.words
    return Saved(
        reference,
        path,
        {
            "vocabulary": len(words),
            "dim": config.dim,
            "epochs": config.epochs,
            "loss": scores["loss"],
            "held_out_loss": scores.get("held_out_loss"),
            "seconds": round(seconds, 2),
            "words_per_second": round(rate),
        },
        _next(words, reference),
    )


def _document(
    config: Word2vecConfig,
    corpus: Corpus,
    scores: Mapping[str, float],
    threads: int,
    *,
    exact: bool,
) -> dict[str, Any]:
    """What artifact.json says: only what another run of the same settings says, too."""
    return {
        "task": TASK,
        "kind": KIND,
        "model": {
            "name": config.model,
            "loss": "negative-sampling",
            "window": config.window,
            "negative": config.negative,
            "sample": config.sample,
        },
        "dim": config.dim,
        "words": len(corpus.vocabulary),
        "text": {"tokens": corpus.tokens, **corpus.normaliser.to_dict()},
        "data": {
            "words": corpus.words,
            "raw_words": corpus.raw_words,
            "lines": corpus.lines,
            "ids_sha256": corpus.ids_sha256,
        },
        "scores": dict(scores),
        "seed": config.seed,
        "threads": threads,
        "bit_reproducible": exact,
    }


def _norms(vectors: np.ndarray) -> np.ndarray:
    """Lengths (V,) of the rows of ``vectors`` (V, D), summed in float64."""
    squares: np.ndarray = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    norms: np.ndarray = np.sqrt(squares).astype(np.float32)
    return norms


def _next(words: list[str], reference: str) -> str:
    """A command to go on with: a question about a word that is frequent, but not the most so."""
    word = words[min(len(words) - 1, 100)]
    asked = f"--word={word}" if word.startswith(("-", "+")) else word
    return f"dlkit similar {_quoted(asked)} --from {_quoted(reference)}"


def _quoted(text: str) -> str:
    """``text`` for a shell; words in any script stand as they are."""
    return text if re.fullmatch(r"[\w./-]+", text) else shlex.quote(text)
