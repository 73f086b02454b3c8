"""A store of one's own for every test, and a small artifact of word vectors to damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import write_tensors

WORDS = ["饭", "菜", "好吃", "味道", "dinner", "lunch", "é", "🍜"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store and an empty user cache for this process; the store's folder."""
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "artifacts"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "artifacts"


def save_word_vectors(name: str | None = None, *, dim: int = 4, **changes: object) -> Path:
    """Commit word vectors as `dlkit word2vec train` does; ``changes`` replace arrays or files."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(len(WORDS), dim)).astype(np.float32)
    arrays = {"vectors": vectors, "norms": np.linalg.norm(vectors, axis=1).astype(np.float32)}
    document = {
        "model": {"name": "skipgram"},
        "dim": dim,
        "words": len(WORDS),
        "text": {"tokens": "whitespace", "lowercase": False, "drop_punctuation": False},
        "data": {"ids_sha256": "0" * 64},
        "scores": {"loss": 1.5},
        "seed": 1,
        "threads": 1,
        "bit_reproducible": True,
    }
    files: dict[str, object] = {
        "config.yaml": b"dim: 4\n",
        "vectors.safetensors": write_tensors(
            {key: changes.pop(key, value) for key, value in arrays.items()}
        ),
        "outputs.safetensors": write_tensors({"outputs": np.zeros_like(vectors)}),
        "vocab.txt": "".join(f"{word}\t{20 - row}\n" for row, word in enumerate(WORDS)).encode(),
        "metrics.jsonl": b'{"epoch": 1, "loss": 1.5}\n',
        "README.md": b"# Word vectors\n",
        "figures/loss.svg": b"<svg/>\n",
    }
    with reserve("word2vec", name, default="tiny") as run:
        return run.commit(
            document, {**files, **changes}, kind="word-vectors", record={"seconds": 0.1}
        )


@pytest.fixture
def save(home: Path) -> Callable[..., Path]:
    """``save_word_vectors`` in an empty store."""
    return save_word_vectors


@pytest.fixture
def word_vectors(home: Path) -> Path:
    """The folder of a small committed artifact of word vectors."""
    return save_word_vectors()
