"""The numbers of gensim 4.4.0 and of word2vec's compute-accuracy.c on the same vectors.

The vectors, questions and pairs are made here. Written as word2vec binary and as text they were
given once to ``KeyedVectors.evaluate_word_analogies`` and ``evaluate_word_pairs``, and to
``compute-accuracy vectors.bin THRESHOLD`` (gcc -O3).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlkit.vectors.evaluate import evaluate
from dlkit.vectors.rules import PRESETS, Lookup
from dlkit.vectors.testfiles import read_test

STEMS, FORMS, DIM = 40, ("", "s", "ed", "性"), 12
CASES = ("wAb%dx", "waB%dx", "wab%dX", "WAb%dx", "WAB%dX", "wAB%dX")


def noise(row: int) -> np.ndarray:
    """(DIM,) whole numbers of -50 to 50 that look drawn, the same everywhere."""
    values = []
    state = row * 2654435761 % 2**32
    for _ in range(DIM):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state // 65536 % 101 - 50)
    return np.array(values, dtype=np.float32)


def made_vectors() -> tuple[list[str], np.ndarray]:
    words: dict[str, np.ndarray] = {}
    for stem in range(STEMS):
        for form, ending in enumerate(FORMS):
            word = f"wab{stem}x{ending}"
            vector = 2 * noise(stem) + noise(1000 + form) + noise(2000 + 10 * stem + form) // 2
            words[word] = vector
            if stem % 2 == 1:
                words[word.capitalize()] = vector + noise(3000 + 10 * stem + form) // 3
            if stem % 8 == 5 and form == 0:
                for place, other in enumerate(CASES):
                    words[other % stem] = vector + noise(4000 + 10 * stem + place) // 9
    order = sorted(words, key=lambda word: (len(word), int(noise(sum(map(ord, word)))[3]), word))
    return order, np.array([words[word] for word in order])


def made_questions() -> str:
    lines = []
    for form, section in enumerate(("plural", "gram1-past", "gram2-性", "a", "b", "c", "d")):
        lines.append(f": {section}")
        ending = FORMS[form % 3 + 1]
        for a in range(1, STEMS, 4):
            for b in range(form, STEMS + 1, 5):
                if a != b:
                    lines.append(f"wab{a}x wab{a}x{ending} Wab{b}x wab{b}x{ending}")
    return "\n".join(lines) + "\n"


def made_pairs() -> str:
    lines = []
    for a in range(STEMS + 2):
        for b in (a, a + 1, a * 7 % STEMS):
            lines.append(f"wab{a}x\tWab{b}xs\t{(a * 13 + b * 5) % 10 + 5 * (a == b)}.5")
    return "\n".join(lines) + "\n"


# The calls' arguments as rules; right answers and questions of each section and of all; Spearman,
# Pearson and the percentage of unknown pairs.
GENSIM = [
    (
        {},
        [(67, 78), (67, 78), (69, 78), (58, 78), (75, 78), (61, 68), (55, 69), (452, 527)],
        (0.4080290005212174, 0.44603031213516325, 5.555555555555555),
    ),
    (
        {"restrict": 150},
        [(50, 54), (1, 1), (18, 18), (18, 31), (0, 0), (15, 16), (15, 23), (117, 143)],
        (0.3382516127753921, 0.3909230910030569, 36.507936507936506),
    ),
    (
        {"case": "keep"},
        [(20, 38), (21, 38), (18, 38), (12, 38), (36, 38), (22, 38), (20, 29), (149, 257)],
        (0.4959435616298575, 0.5375631837185144, 52.38095238095239),
    ),
    (
        {"unknown": "wrong"},
        [(67, 88), (67, 78), (69, 78), (58, 78), (75, 78), (61, 78), (55, 69), (452, 547)],
        (0.3825610315404682, 0.42747394643264947, 5.555555555555555),
    ),
]
# The threshold; each section's right answers and questions; of all: semantic and syntactic.
C_TOOL = [
    (
        0,
        [(66, 78), (64, 78), (69, 78), (57, 78), (72, 78), (60, 68), (53, 69)],
        [(328, 390), (113, 137)],
    ),
    (
        150,
        [(48, 54), (1, 1), (18, 18), (16, 31), (0, 0), (15, 16), (15, 23)],
        [(83, 104), (30, 39)],
    ),
]


@pytest.fixture(scope="module")
def made():
    return made_vectors()


def scored(vectors_of, files, made, text: str, rules):
    vectors = vectors_of(*made)
    test, _ = files.finished(read_test(text.encode(), "made"))
    scores, _ = files.finished(evaluate(vectors, test, Lookup(vectors, rules)))
    return scores


@pytest.mark.parametrize(("changes", "sections", "pairs"), GENSIM)
def test_gensims_rules_give_gensims_numbers(vectors_of, files, made, changes, sections, pairs):
    rules = replace(PRESETS["gensim"], **changes)
    scores = scored(vectors_of, files, made, made_questions(), rules)
    assert [(t.correct, t.total) for t in scores if t.level != "group"] == sections
    found = scored(vectors_of, files, made, made_pairs(), rules)
    percent = 100 * found.unknown / found.pairs
    assert (found.spearman, found.pearson, percent) == pytest.approx(pairs, abs=1e-7)


@pytest.mark.parametrize(("threshold", "sections", "groups"), C_TOOL)
def test_the_c_tools_rules_give_its_numbers(vectors_of, files, made, threshold, sections, groups):
    rules = replace(PRESETS["word2vec"], restrict=threshold)
    scores = scored(vectors_of, files, made, made_questions(), rules)
    assert [(t.correct, t.total) for t in scores if t.level == "section"] == sections
    assert [(t.correct, t.total) for t in scores if t.level == "group"] == groups
    assert [t.part for t in scores if t.level == "group"] == ["semantic", "syntactic"]


def test_the_tools_rules_differ_where_case_does(vectors_of, files, made):
    """Made to differ: variants of asked words stand before the answers."""
    correct = {
        name: scored(vectors_of, files, made, made_questions(), rules)[-1].correct
        for name, rules in PRESETS.items()
    }
    assert correct["dlkit"] > correct["gensim"] > correct["word2vec"]
