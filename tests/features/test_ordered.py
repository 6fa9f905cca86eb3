"""What a cell knows strictly before a time, against a loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.features.ordered import Ordered

EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=30)
TIMES = st.one_of(st.integers(-4, 4), st.sampled_from([-(2**62), 2**62]))


def ordered(events, **kwargs) -> Ordered:
    cells, ts = np.array(events, np.int64).reshape(-1, 2).T
    return Ordered.of(cells.astype(np.int32), ts, **kwargs)


@given(EVENTS, st.lists(st.tuples(st.integers(-1, 6), TIMES), min_size=1, max_size=20))
def test_events_strictly_before(events, asked):
    found = ordered(events)
    cells, ts = np.array(asked, np.int64).T
    for i, (cell, at) in enumerate(asked):
        part = found.order[found.first(cells)[i] : found.before(cells, ts)[i]]
        expected = sorted((n for n, (c, t) in enumerate(events) if c == cell and t < at), key=lambda n: events[n][1])
        assert part.tolist() == expected


@given(EVENTS)
def test_order_is_by_cell_then_time_then_as_given(events):
    assert ordered(events).order.tolist() == sorted(range(len(events)), key=lambda n: (*events[n], n))


def test_cells_may_be_more_than_those_with_events():
    found = ordered([(1, 5)], count=4)
    assert found.start.tolist() == [0, 0, 1, 1, 1]
    assert found.before(np.array([3]), np.array([9])).tolist() == found.first(np.array([3])).tolist() == [1]


def test_times_far_apart_fit():
    events = [(0, -(2**62)), (0, 2**62), (2, 0)]
    assert ordered(events).before(np.array([0, 0, 2]), np.array([-(2**62), 2**62, 1])).tolist() == [0, 1, 3]
