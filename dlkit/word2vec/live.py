"""Scores of the vectors on word tests while they are trained."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.errors import DlkitError
from dlkit.records import Warned
from dlkit.vectors.testfiles import read_file

if TYPE_CHECKING:
    from dlkit.data.corpus import Corpus
    from dlkit.records import Record
    from dlkit.vectors.wordtests import Test
    from dlkit.word2vec.trainer import Vectors

PREFIX = "eval."


def read_tests(
    files: Sequence[str], *, lenient: bool = False
) -> Generator[Record, None, list[Test]]:
    """The tests in ``files``; ``lenient``: what cannot be read is left out with a warning.

    Raises:
        DlkitError: a file cannot be read or holds no test.

    """
    tests: list[Test] = []
    for file in files:
        try:
            test = yield from read_file(Path(file))
        except DlkitError as problem:
            if not lenient:
                raise
            yield Warned(f"no scores: {problem.message}")
            continue
        tests.append(test)
    return tests


def score(tests: Sequence[Test], corpus: Corpus, vectors: Vectors) -> dict[str, float]:
    """One number for each test, by its name: the share of right analogies, Spearman of pairs.

    Nothing where the vectors have overflowed.
    """
    import numpy as np

    if not tests or not np.isfinite(vectors).all():
        return {}
    from dlkit.vectors import evaluate
    from dlkit.vectors.lexicon import Lexicon
    from dlkit.vectors.store import WordVectors

    lexicon = Lexicon.of([word.encode() for word in corpus.vocabulary.words])
    found = WordVectors(
        "training", lexicon, np.ascontiguousarray(vectors), normalise=corpus.normaliser.word
    )
    return {PREFIX + name: value for name, value in evaluate.score(found, tests).items()}
