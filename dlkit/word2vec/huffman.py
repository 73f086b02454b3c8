"""The Huffman tree of hierarchical softmax: frequent words have short paths.

Hierarchical softmax (Morin and Bengio 2005; Mikolov et al. 2013, https://arxiv.org/abs/1310.4546,
section 2.1) predicts a word by yes-or-no questions, one at each inner node from the root of a
binary tree to the word's leaf. The tree is the one that word2vec.c builds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Paths(NamedTuple):
    """The way from the root to every word: word w owns ``offsets[w]:offsets[w + 1]``.

    ``points`` are the inner nodes on the way, from the root 0 down; nodes are numbered in falling
    order of weight (word2vec.c numbers them the other way round). ``codes`` say which way it goes
    on from there: 1 to the heavier child, 0 to the lighter one.
    """

    offsets: npt.NDArray[np.int64]  # (V + 1,)
    points: npt.NDArray[np.int32]  # (nodes,)
    codes: npt.NDArray[np.uint8]  # (nodes,)


def build(counts: npt.NDArray[np.int64]) -> Paths:
    """The paths of the Huffman tree over ``counts`` (V,), in time linear in their summed length.

    A single word has an empty path. Counts are taken in falling order, those that are equal as
    they stand; where a word and an inner node are equally light the node is taken first.
    """
    order = np.argsort(-np.asarray(counts, np.int64), kind="stable")
    words = len(order)
    parents, codes = _join(counts[order].tolist())
    above = np.array(parents, np.int64)  # of leaves 0 .. V - 1, then of inner nodes; -1: none
    bits = np.array(codes, np.uint8)
    lengths = _depths(above, words)
    offsets = np.zeros(words + 1, np.int64)
    offsets[order + 1] = lengths
    np.cumsum(offsets, out=offsets)
    paths = Paths(offsets, np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.uint8))
    node, place = np.arange(words), offsets[order + 1] - 1
    while len(node):  # all words climb one step at a time, filling their paths from the end
        climbing = above[node] >= 0
        node, place = node[climbing], place[climbing]
        paths.points[place] = above[node]
        paths.codes[place] = bits[node]
        node, place = above[node] + words, place - 1
    np.subtract(words - 2, paths.points, out=paths.points)  # they were numbered as they were made
    return paths


def _join(counts: list[int]) -> tuple[list[int], list[int]]:
    """Join the two lightest nodes until one is left; parents (-1 for the root) and codes.

    Inner nodes come out in rising order of weight, so that the lightest node is always the next
    one of two queues: the words from the rarest up, and the inner nodes as they were made.
    """
    words = len(counts)
    inner: list[int] = []
    parents, codes = [-1] * (2 * words - 1), [0] * (2 * words - 1)
    leaf, node = words - 1, 0
    for new in range(words - 1):
        weight = 0
        for code in (0, 1):
            if leaf >= 0 and (node >= new or counts[leaf] < inner[node]):
                child = leaf
                weight += counts[leaf]
                leaf -= 1
            else:
                child = words + node
                weight += inner[node]
                node += 1
            parents[child] = new
            codes[child] = code
        inner.append(weight)
    return parents, codes


def _depths(above: npt.NDArray[np.int64], words: int) -> npt.NDArray[np.int64]:
    """(V,) how many inner nodes lie above each leaf."""
    depths = np.zeros(words, np.int64)
    node, leaf = np.arange(words), np.arange(words)
    while len(node):
        climbing = above[node] >= 0
        node, leaf = above[node[climbing]] + words, leaf[climbing]
        depths[leaf] += 1
    return depths
