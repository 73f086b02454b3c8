"""An unfinished training as files: enough to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.artifacts.tensors import read_tensors, write_tensors
from dlkit.config.resolve import validate
from dlkit.data.corpus import Corpus
from dlkit.data.normalise import Normaliser
from dlkit.data.vocab import Vocabulary
from dlkit.errors import DAMAGED, DlkitError
from dlkit.word2vec.config import Word2vecConfig

if TYPE_CHECKING:
    from dlkit.artifacts.runs import Run


@dataclass
class Checkpoint:
    """Settings, corpus, the trainer's state, and the metrics of the epochs behind.

    ``arrays`` and ``scalars`` are what ``Trainer.state`` returns.
    """

    config: Word2vecConfig
    corpus: Corpus
    arrays: dict[str, np.ndarray]
    scalars: dict[str, Any]
    history: list[dict[str, Any]]


def save(run: Run, state: Checkpoint) -> None:
    """Write ``state`` into the run's folder, in place of the checkpoint before; keep the folder."""
    run.save_checkpoint(
        {
            "state.safetensors": write_tensors(
                {**state.arrays, "held_out_ids": state.corpus.held_out}
            ),
            "vocab.txt": b"".join(state.corpus.vocabulary.lines()),
        },
        {
            "config": state.config.model_dump(mode="json"),
            "corpus": _describe(state.corpus),
            "scalars": state.scalars,
            "history": state.history,
        },
    )
    run.keep()


def load(run: Run) -> Checkpoint:
    """The checkpoint in the run's folder.

    Raises:
        DlkitError: it is damaged, or the encoded corpus beside it is not the one it was made with.

    """
    document, folder = run.load_checkpoint()
    arrays = {
        name: np.array(each) for name, each in read_tensors(folder / "state.safetensors").items()
    }
    corpus = _corpus(document["corpus"], run.folder, Vocabulary.read(folder / "vocab.txt"), arrays)
    return Checkpoint(
        validate(Word2vecConfig, document["config"]),
        corpus,
        arrays,
        document["scalars"],
        document["history"],
    )


def _describe(corpus: Corpus) -> dict[str, Any]:
    """What of a corpus lies neither in a file of its own nor in an array."""
    return {
        "words": corpus.words,
        "raw_words": corpus.raw_words,
        "lines": corpus.lines,
        "ids_sha256": corpus.ids_sha256,
        "tokens": corpus.tokens,
        "normaliser": corpus.normaliser.to_dict(),
        "sources": list(corpus.sources),
    }


def _corpus(
    described: Mapping[str, Any],
    folder: Path,
    vocabulary: Vocabulary,
    arrays: dict[str, np.ndarray],
) -> Corpus:
    corpus = Corpus(
        ids_path=folder / "ids.bin",
        held_out=arrays.pop("held_out_ids"),
        vocabulary=vocabulary,
        words=described["words"],
        raw_words=described["raw_words"],
        lines=described["lines"],
        ids_sha256=described["ids_sha256"],
        tokens=described["tokens"],
        normaliser=Normaliser.from_dict(described["normaliser"]),
        sources=tuple(described["sources"]),
    )
    try:
        with corpus.ids_path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as problem:
        raise DlkitError(f"{corpus.ids_path}: {problem.strerror}", code=DAMAGED) from None
    digest.update(corpus.held_out.tobytes())
    if digest.hexdigest() != corpus.ids_sha256:
        raise DlkitError(
            f"{corpus.ids_path} is not the encoded corpus that the checkpoint was made with",
            hint="train anew without --resume",
            code=DAMAGED,
        )
    return corpus
