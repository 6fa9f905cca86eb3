"""Decayed sums against sum_i w_i 2^(-(t - ts_i) / half_life)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.features import decay
from sixfold.features.ordered import Ordered
from sixfold.types import DAY

CELLS = 3
HALF = 7
EVENTS = st.lists(
    st.tuples(st.integers(0, CELLS - 1), st.integers(0, 120), st.floats(0, 100, allow_subnormal=False)), max_size=30
)
EVERY = np.arange(CELLS, dtype=np.int32)


def columns(events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells, ts, weight = np.array(events, np.float64).reshape(-1, 3).T
    return cells.astype(np.int32), ts.astype(np.int64), weight


def defined(events, cell: int, at: int) -> float:
    return sum(weight * 2.0 ** (-(at - ts) / HALF) for c, ts, weight in events if c == cell and ts < at)


def folded(events, *, parts: int = 1) -> tuple[np.ndarray, np.ndarray]:
    sums, reference = np.zeros(CELLS), np.full(CELLS, decay.UNSEEN)
    for part in np.array_split(np.arange(len(events)), parts):
        cells, ts, weight = columns([events[i] for i in part])
        decay.fold(sums, reference, cells, ts, half_life=HALF, weight=weight)
    return sums, reference


@given(EVENTS, st.integers(0, 150), st.integers(1, 5), st.randoms(use_true_random=False))
def test_reading_after_folding_in_any_order(events, at, parts, random):
    before = [event for event in events if event[1] < at]
    sums, reference = folded(random.sample(before, len(before)), parts=parts)
    got = decay.read(sums, reference, np.full(CELLS, at), half_life=HALF)
    np.testing.assert_allclose(got, [defined(events, cell, at) for cell in range(CELLS)], rtol=1e-9, atol=1e-12)


@given(EVENTS, st.integers(0, 150))
def test_bulk_is_the_definition(events, at):
    cells, ts, weight = columns(events)
    found = Ordered.of(cells, ts, count=CELLS)
    sums = decay.running(found, weight[found.order], half_life=HALF)
    got = decay.bulk(found, sums, EVERY, np.full(CELLS, at), half_life=HALF)
    np.testing.assert_allclose(got, [defined(events, cell, at) for cell in range(CELLS)], rtol=1e-9, atol=1e-12)


def test_the_reference_never_moves_back():
    sums, reference = folded([(0, 100, 1.0)])
    decay.fold(sums, reference, np.array([0]), np.array([93]), half_life=HALF, weight=np.array([1.0]))
    assert reference[0] == 100 and sums[0] == 1.5


def test_thirty_years_apart_neither_overflow_nor_warn():
    half_life, span = 3_600_000_000, 30 * 365 * DAY
    ts = np.array([0, 1, span, span + half_life])
    cells = np.zeros(4, np.int32)
    found = Ordered.of(cells, ts)
    sums = decay.running(found, np.ones(4), half_life=half_life)
    assert np.isfinite(sums).all() and sums[2:].tolist() == [1.0, 1.5]
    online, reference = np.zeros(1), np.full(1, decay.UNSEEN)
    decay.fold(online, reference, cells, ts, half_life=half_life, weight=np.ones(4))
    at = np.array([span + 2 * half_life])
    for got in (
        decay.read(online, reference, at, half_life=half_life),
        decay.bulk(found, sums, cells[:1], at, half_life=half_life),
    ):
        assert got.tolist() == [0.75]


def test_a_cell_in_which_nothing_happened_reads_0():
    sums, reference = folded([(0, 1, 1.0)])
    assert decay.read(sums, reference, np.full(CELLS, 1), half_life=HALF).tolist() == [1, 0, 0]


def test_sums_of_several_half_lives_are_read_at_once():
    sums, reference = folded([(0, 0, 1.0), (1, 0, 4.0)])
    both = decay.read(
        np.stack([sums, sums], axis=1),
        np.stack([reference] * 2, axis=1),
        np.full((CELLS, 1), HALF),
        half_life=np.array([HALF, 2 * HALF]),
    )
    np.testing.assert_allclose(both, [[0.5, np.sqrt(0.5)], [2, 4 * np.sqrt(0.5)], [0, 0]], rtol=1e-12)
