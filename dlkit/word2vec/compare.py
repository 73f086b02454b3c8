"""The objectives side by side: what each costs, and how well it predicts held-out words.

Losses of different objectives do not compare. What does: the probability that a model gives to the
word in the middle, given the words around it, among all words of the vocabulary. The softmax gives
it as it is; hierarchical softmax as the product of the answers on a word's path; of negative
sampling it is exp(x . y) P(y), scaled to sum to 1, as its optimum is x . y = log(P(y | x) / k P(y))
with the noise distribution P (Levy and Goldberg 2014, https://papers.nips.cc/paper/5477).
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from dlkit import signals
from dlkit.config.resolve import validate
from dlkit.errors import USAGE, DlkitError
from dlkit.records import Noted, Record, Started, Step
from dlkit.word2vec import engines, live, train
from dlkit.word2vec.kernels.negatives import POWER
from dlkit.word2vec.loop import train_to_end

if TYPE_CHECKING:
    from pathlib import Path

    from dlkit.data.corpus import Corpus
    from dlkit.vectors.wordtests import Test
    from dlkit.word2vec.config import Word2vecConfig
    from dlkit.word2vec.huffman import Paths

Floats = npt.NDArray[np.floating]

SEED: Final = 20131016
PREDICTIONS: Final = 2000  # enough for a standard error of a percent, few enough for any vocabulary
TOP: Final = 10
AT_ONCE: Final = 64  # predictors whose scores of all words are in memory
PULSE: Final = 0.5  # seconds between progress records


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well a model predicts words from the words around them.

    ``perplexity`` is exp of the mean negative log probability; the vocabulary's size is that of a
    model that knows nothing. ``top`` is the share of words among the ten most probable.
    """

    perplexity: float
    top: float
    words: int


def log_probabilities(
    hidden: Floats,
    outputs: Floats,
    *,
    loss: Literal["ns", "hs", "softmax"],
    counts: npt.NDArray[np.int64],
    paths: Paths | None = None,
    noise_exponent: float = POWER,
) -> npt.NDArray[np.float64]:
    """(V,) log probabilities of every word, the mean of those that each hidden vector gives.

    Args:
        hidden: (B, D) what predicts.
        outputs: (V, D) of words, with ``hs`` of inner nodes.
        loss: what the outputs were trained by.
        counts: (V,) how often each word occurs.
        paths: the tree of hierarchical softmax.
        noise_exponent: of the counts, by which the noise words of ``ns`` were drawn.

    """
    total = np.zeros((2, len(outputs)))
    for start in range(0, len(hidden), AT_ONCE):
        scores = (hidden[start : start + AT_ONCE] @ outputs.T).astype(np.float64)
        if loss == "hs":  # of the branches with code 0 and 1 at every node
            total[0] -= np.logaddexp(0, -scores).sum(axis=0)
            total[1] -= np.logaddexp(0, scores).sum(axis=0)
            continue
        if loss == "ns":
            scores += noise_exponent * np.log(counts)
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        total[0] += scores.sum(axis=0)
    total /= len(hidden)
    logs: npt.NDArray[np.float64] = total[0]
    if loss == "hs":
        assert paths is not None
        # A word's logarithm is the sum over its path, and the mean of sums is the sum of means.
        steps = np.concatenate([[0.0], np.cumsum(total[paths.codes, paths.points])])
        logs = steps[paths.offsets[1:]] - steps[paths.offsets[:-1]]
    return logs


def windows(
    ids: npt.NDArray[np.int32], window: int, number: int
) -> Generator[tuple[int, npt.NDArray[np.int32]], None, None]:
    """At most ``number`` words of a stream in places drawn alike at every call, with their windows.

    Windows are as wide as ``window`` and end with the line.
    """
    places = np.flatnonzero(ids >= 0)
    np.random.default_rng(SEED).shuffle(places)
    for place in places[:number]:
        before = ids[max(0, place - window) : place]
        after = ids[place + 1 : place + 1 + window]
        if len(ends := np.flatnonzero(before < 0)):
            before = before[ends[-1] + 1 :]
        if len(ends := np.flatnonzero(after < 0)):
            after = after[: ends[0]]
        if len(before) + len(after):
            yield int(ids[place]), np.concatenate([before, after])


def predict(
    corpus: Corpus, inputs: Floats, outputs: Floats, config: Word2vecConfig
) -> Generator[Record, None, Prediction | None]:
    """How well the vectors predict the held-out words of ``corpus``; None where there are none.

    Skip-gram predicts a word from each of those around it; its log probabilities are averaged over
    them. CBOW predicts it from their mean or sum.
    """
    from dlkit.word2vec import huffman

    counts = corpus.vocabulary.counts
    paths = huffman.build(counts) if config.loss == "hs" else None
    total, top, words = 0.0, 0, 0
    begun = told = time.perf_counter()
    for centre, around in windows(corpus.held_out, config.window, PREDICTIONS):
        hidden = inputs[around]
        if config.model == "cbow":
            hidden = hidden.sum(axis=0, keepdims=True)
            if config.context == "mean":
                hidden = hidden / len(around)
        logs = log_probabilities(
            hidden, outputs, loss=config.loss, counts=counts, paths=paths,
            noise_exponent=config.noise_exponent,
        )  # fmt: skip
        total -= float(logs[centre])
        top += int(np.count_nonzero(logs >= logs[centre]) <= TOP)
        words += 1
        now = time.perf_counter()
        if now - told > PULSE:
            told = now
            yield Step("predicting", words, PREDICTIONS, "words", words / (now - begun))
    if not words:
        return None
    return Prediction(math.exp(min(total / words, 700)), top / words, words)


def variants(config: Word2vecConfig, names: Sequence[str]) -> list[Word2vecConfig]:
    """A setting for each name such as ``skipgram-ns``, ``cbow-hs`` or ``cbow-sum-softmax``.

    Raises:
        DlkitError: usage: no name, one that names no model, or settings that it cannot have.

    """
    if not names:
        raise DlkitError("--objectives names none", hint="--objectives skipgram-ns", code=USAGE)
    if config.continued is not None or config.initial is not None:
        raise DlkitError(
            "objectives are compared from chance: continued and initial do not go with it",
            code=USAGE,
        )
    found = []
    for name in names:
        model, *rest = name.split("-")
        context = rest.pop(0) if len(rest) == 2 and model == "cbow" else "mean"
        valid = model in ("skipgram", "cbow") and context in ("mean", "sum")
        if not valid or len(rest) != 1 or rest[0] not in ("ns", "hs", "softmax"):
            raise DlkitError(
                f"'{name}' is no objective",
                hint="name them as skipgram-ns, cbow-hs or cbow-sum-softmax",
                code=USAGE,
            )
        tree = config.model_dump(mode="json")
        tree |= {"model": model, "context": context, "loss": rest[0]}
        try:
            found.append(validate(type(config), tree))
        except DlkitError as problem:
            raise DlkitError(f"{name}: {problem.message}", hint=problem.hint, code=USAGE) from None
    return found


def name_of(config: Word2vecConfig) -> str:
    """The name by which ``variants`` knows a setting."""
    middle = "-sum" if config.model == "cbow" and config.context == "sum" else ""
    return f"{config.model}{middle}-{config.loss}"


def compare(
    config: Word2vecConfig, names: Sequence[str], *, folder: Path
) -> Generator[Record, None, list[dict[str, object]]]:
    """Train each objective on the same text and tell its time and quality; nothing is kept.

    Args:
        config: the settings that all share.
        names: of the objectives, see ``variants``.
        folder: an existing folder for the encoded corpus.

    Returns:
        A row for each objective: its name, seconds, words per second, how many times slower than
        the fastest, perplexity and share of held-out words among the ten most probable, the scores
        of ``eval``.

    Raises:
        DlkitError: unreadable data or tests, no words, a training that diverged.
        StoppedError: a signal came.

    """
    neutral = config.model_copy(update={"context": "mean"})
    asked = variants(neutral, names)
    for each in asked:
        yield from engines.check(each)
    tests = yield from live.read_tests(config.eval)
    with signals.catch() as stop:
        corpus = yield from train.encode_all(config, folder, stop)
        if not len(corpus.held_out):
            yield Noted("the text is too short to hold words out: no perplexity")
        rows = []
        for each in asked:
            yield Started(f"training {name_of(each)}", train.headline(each))
            rows.append((yield from _row(each, corpus, tests, stop)))
    fastest = min(float(str(row["seconds"])) for row in rows)
    for row in rows:
        row["times_slower"] = round(float(str(row["seconds"])) / max(fastest, 1e-9), 2)
    return rows


def interruptible(
    work: Generator[Record, None, Prediction | None], stop: signals.Stop
) -> Generator[Record, None, Prediction | None]:
    """``work``, ended where it reports if a signal came."""
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            found: Prediction | None = end.value
            return found
        stop.check()
        yield record


def _row(
    config: Word2vecConfig, corpus: Corpus, tests: Sequence[Test], stop: signals.Stop
) -> Generator[Record, None, dict[str, object]]:
    work = yield from train.prepare(config, corpus, tests, None, folder=None)
    work.trainer.compile()
    begun = time.perf_counter()
    yield from train_to_end(work, stop)
    seconds = time.perf_counter() - begun
    seconds -= work.aside
    inputs = work.trainer.inputs
    found = yield from interruptible(predict(corpus, inputs, work.trainer.outputs, config), stop)
    scores = {key: value for key, value in work.history[-1].items() if key.startswith(live.PREFIX)}
    return {
        "objective": name_of(config),
        "seconds": round(seconds, 3),
        "words_per_second": round(corpus.words * config.epochs / max(seconds, 1e-9)),
        "times_slower": 1.0,
        "perplexity": round(found.perplexity, 1) if found else None,
        "top_10": round(found.top, 4) if found else None,
        "predictions": found.words if found else 0,
        **scores,
    }
