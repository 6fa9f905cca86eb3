from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.retrieval.history import FOREVER, History, matrix, padded, recall
from sixfold.retrieval.index import look_up
from sixfold.types import DAY, Interactions, Queries

PLACE = np.array([2, -1, 0, 1], np.int32)
"""Of four items, the second is not known to the model."""


def asked(history: list[list[int]], ages_days: list[list[int]]) -> Queries:
    n = len(history)
    none = np.empty((n, 0), np.int32)
    ts = 100 * DAY - np.array(ages_days, np.int64) * DAY
    return Queries(np.full(n, 100 * DAY), np.full(n, -1), np.array(history, np.int32), ts, none, np.zeros(4, np.int64))


def recalled(queries: Queries, half_life: np.int64) -> History:
    return recall(queries, look_up(PLACE, queries.history), half_life)


def test_a_weight_halves_once_a_half_life_before_the_newest_known():
    # The newest of the first history is unknown: age counts from the newest that is known.
    history = recalled(asked([[1, 0, 3], [-1, 9, -1]], [[0, 5, 12], [0, 0, 0]]), np.int64(7 * DAY))
    assert history.places.tolist() == [[0, 2, 1], [0, 0, 0]]
    assert history.weights.tolist() == [[0, 1, 0.5], [0, 0, 0]]
    assert history.known.tolist() == [True, False]


def test_without_a_half_life_all_count_alike():
    assert recalled(asked([[0, 3]], [[0, 90]]), FOREVER).weights.tolist() == [[1, 1]]


def test_an_empty_history_has_no_columns():
    history = recalled(asked([[]], [[]]), np.int64(DAY))
    assert history.places.shape == (1, 0) and not history.known.any()


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.integers(0, 30), st.sampled_from([1, 1 << 24]))
def test_padded_blocks_hold_the_matrix_once(seed, members, items, n, bytes_each):
    rng = np.random.default_rng(seed)
    member, item = rng.integers(0, members, n), rng.integers(0, items, n)
    weight = rng.integers(1, 4, n).astype(np.float32)
    seen = Interactions(member.astype(np.int32), item.astype(np.int32), np.arange(n), weight, members, items)
    expected = np.zeros((members, items))
    np.add.at(expected, (member, item), weight)

    summed = matrix(seen)
    assert (summed.toarray() == expected).all()
    found = np.zeros((members, items))
    everyone = []
    for who, columns, weights in padded(summed, bytes_each):
        np.add.at(found, (who[:, None], columns), weights)
        everyone.extend(who.tolist())
    assert sorted(everyone) == list(range(members))
    assert (found == expected).all()
