"""The recency-weighted mean of a history's vectors times the item's, by hand."""

from __future__ import annotations

import numpy as np

from sixfold.features.similarity import SHRINK, similarity
from sixfold.types import Asks, Queries

VECTORS = np.array([[0.5, -0.5], [-0.5, 1.5], [2.5, 2.5], [np.nan, np.nan]], np.float32)
"""Of four items, centred and scaled."""
HALF = 10
HISTORY = {0: [(1, 90), (0, 80)], 1: [], 2: [(3, 95)]}


def queries(asks: Asks) -> Queries:
    items, times = np.full((len(asks), 2), -1, np.int32), np.zeros((len(asks), 2), np.int64)
    for row, (member, now) in enumerate(zip(asks.member.tolist(), asks.ts.tolist(), strict=True)):
        for place, (item, ts) in enumerate([did for did in HISTORY.get(member, []) if did[1] < now]):
            items[row, place], times[row, place] = item, ts
    return Queries(asks.ts, asks.member, items, times, items, np.zeros(4, np.int64))


def found(members, items, ts) -> list[float]:
    return similarity(
        queries, lambda rows, at: VECTORS[rows], half_life=HALF,
        members=np.array(members, np.int32), items=np.array(items, np.int32), ts=np.array(ts, np.int64),
    ).tolist()  # fmt: skip


def test_by_hand():
    newer, older = 2.0**-1, 2.0**-2
    profile = (newer * np.array([-0.5, 1.5]) + older * np.array([0.5, -0.5])) / (newer + older + SHRINK)
    assert np.allclose(found([0], [2], [100]), profile @ [2.5, 2.5], rtol=1e-6)


def test_a_row_at_an_earlier_time_sees_less():
    older = 2.0**-1
    profile = older * np.array([0.5, -0.5]) / (older + SHRINK)
    expected = [profile @ [2.5, 2.5], profile @ [0.5, -0.5]]
    assert np.allclose(found([0, 0], [2, 0], [90, 90]), expected, rtol=1e-6)


def test_who_did_nothing_is_indifferent():
    assert found([1, -1], [2, 2], [100, 100]) == [0.0, 0.0]


def test_what_has_no_vector_is_missing_and_does_not_spoil_a_profile():
    assert np.isnan(found([0], [3], [100])).all()
    assert found([2], [2], [100]) == [0.0]


def test_no_rows():
    assert found([], [], []) == []
