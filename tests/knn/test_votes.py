"""Votes are scikit-learn's: the same winner, the same shares, ties to the first class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from dlkit.knn.votes import count


def brute(labels, distances, classes, k, weights):
    """One query: sums by plain addition, the rules written out."""
    near = [1 / d if d else np.inf for d in distances[:k]] if weights == "distance" else [1.0] * k
    if np.inf in near:
        near = [float(value == np.inf) for value in near]
    sums = [0.0] * classes
    for label, value in zip(labels[:k], near, strict=True):
        sums[label] += value
    return int(np.argmax(sums)), np.array(sums) / sum(sums)


@given(st.data(), st.sampled_from(["uniform", "distance"]))
def test_votes_are_counted_as_by_hand(data, weights):
    classes, most = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))
    queries = data.draw(st.integers(1, 4))
    labels = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(0, classes - 1), min_size=most, max_size=most),
                min_size=queries,
                max_size=queries,
            )
        )
    )
    distance = st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.0, 3.0])
    distances = np.sort(
        np.array(
            data.draw(
                st.lists(
                    st.lists(distance, min_size=most, max_size=most),
                    min_size=queries,
                    max_size=queries,
                )
            )
        )
    )
    ks = sorted(data.draw(st.sets(st.integers(1, most), min_size=1)))
    found = count(labels, distances, classes, ks, weights)
    for query in range(queries):
        for place, k in enumerate(ks):
            winner, shares = brute(labels[query], distances[query], classes, k, weights)
            assert found.winners[place, query] == winner
        np.testing.assert_allclose(found.shares[query], shares, rtol=1e-12)


def test_equal_votes_go_to_the_first_class():
    found = count(np.array([[2, 0, 1]]), np.array([[1.0, 2.0, 3.0]]), 3, (1, 2, 3), "uniform")
    assert found.winners[:, 0].tolist() == [2, 0, 0]


def test_neighbours_at_distance_zero_vote_alone():
    labels, distances = np.array([[1, 0, 0, 0]]), np.array([[0.0, 1e-9, 1e-9, 1e-9]])
    found = count(labels, distances, 2, (4,), "distance")
    assert found.winners[0, 0] == 1
    assert found.shares.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("distance", [5e-324, 1e-308, 1e-300])
def test_tiny_distances_weigh_as_others_do(distance):
    found = count(
        np.array([[0, 0, 1], [0, 1, 1]]),
        np.array([[distance, distance, distance], [distance, 1.0, 1.0]]),
        2, (3,), "distance",
    )  # fmt: skip
    np.testing.assert_allclose(found.shares, [[2 / 3, 1 / 3], [1, 0]], rtol=1e-12, atol=1e-290)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_winners_and_shares_are_those_of_scikit_learn_on_ties(weights):
    random = np.random.default_rng(0)
    points, labels = random.integers(0, 4, (60, 2)).astype(float), random.integers(0, 4, 60)
    queries = random.integers(0, 4, (50, 2)).astype(float)
    for k in (1, 2, 3, 4, 7, 20, 60):
        model = KNeighborsClassifier(k, weights=weights, algorithm="brute").fit(points, labels)
        # Its own neighbours: which of equally distant ones are taken is another rule.
        distances, indices = model.kneighbors(queries)
        found = count(labels[indices], distances, 4, (k,), weights)
        ours = found.winners[0]
        sums = np.sort(found.shares, axis=1)
        clear = sums[:, -1] - sums[:, -2] > 1e-12
        np.testing.assert_array_equal(ours[clear], model.predict(queries)[clear])
        if weights == "uniform":
            np.testing.assert_array_equal(ours, model.predict(queries))
        np.testing.assert_allclose(found.shares, model.predict_proba(queries), rtol=1e-12)
