"""Sawtooth windows against their definition: events in [floor((t - window) / b) * b, t), b = ceil(window / tiles)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.features import windows
from sixfold.features.ordered import Ordered

CELLS = 3
EVENTS = st.lists(st.tuples(st.integers(0, CELLS - 1), st.integers(-200, 200), st.integers(1, 5)), max_size=40)
SHAPES = st.sampled_from([(24, 1), (24, 8), (24, 3), (7, 7), (10, 3), (25, 8)])


def columns(events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells, ts, weight = np.array(events, np.int64).reshape(-1, 3).T
    return cells.astype(np.int32), ts, weight


def defined(events, cell: int, at: int, window: int, tiles: int) -> int:
    tile = -(-window // tiles)
    start = (at - window) // tile * tile
    return sum(weight for c, ts, weight in events if c == cell and start <= ts < at)


def folded(events, window: int, tiles: int, *, parts: int = 1) -> tuple[np.ndarray, np.ndarray]:
    newest, counts = np.full(CELLS, windows.UNSEEN), np.zeros((CELLS, tiles + 1), np.int64)
    for part in np.array_split(np.arange(len(events)), parts):
        cells, ts, weight = columns([events[i] for i in part])
        windows.fold(newest, counts, cells, ts, window=window, weight=weight)
    return newest, counts


@given(EVENTS, SHAPES, st.integers(-250, 250))
def test_reading_after_folding_what_came_before(events, shape, at):
    window, tiles = shape
    newest, counts = folded([event for event in events if event[1] < at], window, tiles)
    got = windows.read(newest, counts, np.full(CELLS, at), window=window)
    assert got.tolist() == [defined(events, cell, at, window, tiles) for cell in range(CELLS)]


@given(EVENTS, SHAPES, st.lists(st.integers(-250, 250), min_size=1, max_size=5))
def test_bulk_is_the_definition(events, shape, times):
    window, tiles = shape
    cells, ts, weight = columns(events)
    found = Ordered.of(cells, ts, count=CELLS)
    asked, at = np.repeat(np.arange(CELLS), len(times)), np.tile(times, CELLS)
    got = windows.bulk(found, asked, at, window=window, tiles=tiles, weight=weight[found.order])
    expected = [defined(events, cell, time, window, tiles) for cell, time in zip(asked, at, strict=True)]
    assert got.tolist() == expected


def test_a_window_that_its_tiles_do_not_divide_reads_no_tile_twice():
    events = [(0, ts, 1) for ts in range(40)]
    for at in range(20, 40):
        newest, counts = folded(events[:at], 10, 3)
        read = windows.read(newest[:1], counts[:1], np.array([at]), window=10)
        assert read.tolist() == [defined(events, 0, at, 10, 3)]


@given(EVENTS, SHAPES, st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_order_and_any_batches_give_the_same_counts(events, shape, parts, random):
    shuffled = random.sample(events, len(events))
    for one, other in zip(folded(events, *shape), folded(shuffled, *shape, parts=parts), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_late_event_counts_where_it_belongs_and_not_past_the_ring():
    newest, counts = folded([(0, 100, 1)], 24, 8)
    windows.fold(
        newest, counts, np.array([0, 0], np.int32), np.array([80, 10]), window=24, weight=np.array([1, 1])
    )  # fmt: skip
    read = windows.read(newest[:1], counts[:1], np.array([101]), window=24)
    assert read.tolist() == [2.0], "80 lies in [75, 101), 10 is forgotten"


def test_a_cell_in_which_nothing_happened_reads_0():
    newest, counts = folded([(0, 1, 1)], 24, 8)
    assert windows.read(newest, counts, np.full(CELLS, 2), window=24).tolist() == [1, *[0] * (CELLS - 1)]


def test_a_fold_that_keeps_only_the_newest_event_is_found_out():
    """The broken variant: last-by-arrival in place of a sum."""
    events = [(0, 1, 1), (0, 2, 1)]
    newest, counts = folded(events[1:], 24, 8)
    read = windows.read(newest[:1], counts[:1], np.array([3]), window=24)
    with pytest.raises(AssertionError):
        assert read.tolist() == [defined(events, 0, 3, 24, 8)]
