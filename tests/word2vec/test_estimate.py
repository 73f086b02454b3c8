"""What a training is said to need is what its arrays take."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dlkit import machine
from dlkit.errors import DlkitError
from dlkit.word2vec import engines
from dlkit.word2vec.config import Word2vecConfig
from dlkit.word2vec.estimate import require_room, sizes
from dlkit.word2vec.subwords import ngram_rows

WORDS = [f"{number:x}字{number % 7}" for number in range(3000)]
COUNTS = np.arange(3000, 0, -1)


def built(config: Word2vecConfig):
    """A trainer of the words, the lists of its n-grams, and what it was said to need."""
    ngrams, buckets = ngram_rows(WORDS, config)
    listed = 0 if ngrams is None else len(ngrams.rows)
    ids = np.tile(np.append(np.arange(50), -1), 20).astype(np.int32)
    vocabulary = SimpleNamespace(words=WORDS, counts=COUNTS)
    corpus = SimpleNamespace(ids=lambda: ids, vocabulary=vocabulary)
    trainer = engines.build(config, corpus, ngrams)
    return trainer, ngrams, sizes(config, len(WORDS), len(buckets), listed)


def settings(**changes: object) -> Word2vecConfig:
    return Word2vecConfig(dim=16, threads=1, buckets=5000, **changes)


@pytest.mark.parametrize("maxn", [0, 5])
def test_memory_is_that_of_the_kernels_arrays(maxn):
    trainer, ngrams, size = built(settings(maxn=maxn))
    arrays = [trainer._inputs, trainer._outputs]
    if ngrams is not None:
        arrays += [ngrams.offsets, ngrams.rows, trainer.inputs]
    assert size.memory == sum(array.nbytes for array in arrays)


@pytest.mark.parametrize("maxn", [0, 5])
def test_memory_is_that_of_the_tensors(maxn):
    trainer, ngrams, size = built(settings(maxn=maxn, loss="softmax"))
    tensors = [trainer._inputs, trainer._outputs]
    if ngrams is not None:
        lists = trainer._composition
        tensors += [lists._offsets, lists._rows, lists._pulled, lists._furthest]
        tensors.append(lists.all(trainer._inputs))
    assert size.memory == sum(each.numel() * each.element_size() for each in tensors)


def test_what_memory_cannot_hold_is_refused_with_both_sizes(monkeypatch):
    size = sizes(settings(), 1_000_000, 0)
    monkeypatch.setattr(machine, "free_memory", lambda: size.memory - 1)
    with pytest.raises(DlkitError, match=r"need 0.1 GB of memory; there is 0.1 GB"):
        require_room(size, None)
    monkeypatch.setattr(machine, "free_memory", lambda: size.memory)
    require_room(size, None)
