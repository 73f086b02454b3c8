"""The Huffman tree: its codes are as short as any, prefix-free, and those of word2vec.c."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.word2vec.huffman import build

counts_of = st.lists(st.integers(1, 60), min_size=1, max_size=50)


def path(paths, word):
    span = slice(paths.offsets[word], paths.offsets[word + 1])
    return paths.points[span].tolist(), paths.codes[span].tolist()


def least_total(counts):
    """Summed weight of all joins: the shortest total code length (Huffman 1952)."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


def tree_of_the_c_tool(counts):
    """points and codes of word2vec.c's CreateBinaryTree for falling counts, written out plainly."""
    words = len(counts)
    weight = [*counts, *[10**15] * words]
    binary, parent = [0] * (2 * words), [0] * (2 * words)
    left, right = words - 1, words
    for new in range(words - 1):
        least = []
        for _ in range(2):
            if left >= 0 and weight[left] < weight[right]:
                least.append(left)
                left -= 1
            else:
                least.append(right)
                right += 1
        weight[words + new] = sum(weight[i] for i in least)
        for i in least:
            parent[i] = words + new
        binary[least[1]] = 1
    result = []
    for word in range(words):
        nodes, node = [], word
        while node != 2 * words - 2:
            nodes.append(node)
            node = parent[node]
        points = [2 * words - 2 - parent[node] for node in reversed(nodes)]
        result.append((points, [binary[node] for node in reversed(nodes)]))
    return result


@settings(max_examples=200, deadline=None)
@given(counts_of)
def test_total_code_length_is_the_least_possible(counts):
    lengths = np.diff(build(np.array(counts)).offsets)
    assert int(np.dot(lengths, counts)) == least_total(counts)


@settings(max_examples=200, deadline=None)
@given(counts_of)
def test_paths_lead_from_the_root_to_different_leaves(counts):
    paths = build(np.array(counts))
    children = {}
    for word in range(len(counts)):
        points, codes = path(paths, word)
        ways = list(zip(points, codes, strict=True))
        assert not points or points[0] == 0
        for way, reached in zip(ways, [*points, f"word {word}"][1:], strict=True):
            assert children.setdefault(way, reached) == reached
    assert len(children) == 2 * (len(counts) - 1)
    assert len(set(children.values())) == len(children)
    assert {point for point, _ in children} == set(range(len(counts) - 1))


@settings(max_examples=200, deadline=None)
@given(counts_of)
def test_falling_counts_give_the_tree_of_the_c_tool(counts):
    counts = sorted(counts, reverse=True)
    paths = build(np.array(counts))
    assert [path(paths, word) for word in range(len(counts))] == tree_of_the_c_tool(counts)


@settings(deadline=None)
@given(counts_of, st.randoms(use_true_random=False))
def test_counts_in_another_order_give_codes_as_short(counts, random):
    shuffled = random.sample(counts, len(counts))
    lengths = np.diff(build(np.array(shuffled)).offsets)
    assert int(np.dot(lengths, shuffled)) == least_total(counts)


def test_one_word_needs_no_question():
    paths = build(np.array([7]))
    assert paths.offsets.tolist() == [0, 0]
    assert len(paths.points) == len(paths.codes) == 0


def test_two_words_need_one_question():
    paths = build(np.array([5, 2]))
    assert [path(paths, word) for word in (0, 1)] == [([0], [1]), ([0], [0])]


def test_a_tree_as_deep_as_it_can_be():
    counts = [1, 1]
    while len(counts) < 80:
        counts.append(counts[-1] + counts[-2])
    lengths = np.diff(build(np.array(counts[::-1])).offsets)
    assert lengths.max() == 79


def test_types_are_small():
    paths = build(np.array([3, 2, 1]))
    assert (paths.offsets.dtype, paths.points.dtype, paths.codes.dtype) == (
        np.int64, np.int32, np.uint8,
    )  # fmt: skip


@pytest.mark.parametrize("words", [200_000])
def test_large_vocabularies_take_less_than_seconds(words):
    counts = (1e9 / np.arange(1, words + 1)).astype(np.int64)
    lengths = np.diff(build(counts).offsets)
    entropy = -np.log2(counts / counts.sum())
    assert 0 <= np.average(lengths - entropy, weights=counts) < 1  # Shannon's bounds
