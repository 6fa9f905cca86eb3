"""The newest value by (ts, id) as of a time, in bulk and by folds, against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.events.hashing import hash_strings
from sixfold.events.schema import SEP
from sixfold.features import attributes
from sixfold.features.attributes import MEMBERS, Kind, Versions

ROWS = 3
EVENTS = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.integers(0, 5), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 9))),
    max_size=25,
    unique_by=lambda event: event[:3],
)


def columns(events):
    rows, ts, ids, values = np.array([(r, t, i, np.nan if v is None else v) for r, t, i, v in events] or [[0] * 4]).T
    n = len(events)
    return rows[:n].astype(np.int32), ts[:n].astype(np.int64), ids[:n].astype(np.uint64), values[:n]


def defined(events, row: int, at: int) -> float:
    known = [(t, i, v) for r, t, i, v in events if r == row and t < at and v is not None]
    return float(max(known)[2]) if known else np.nan


@given(EVENTS, st.integers(0, 7))
def test_the_newest_value_before(events, at):
    rows, ts, ids, values = columns(events)
    versions = Versions(rows, ts, ids, values, count=ROWS)
    every = np.arange(ROWS, dtype=np.int32)
    got = versions.as_of(every, np.full(ROWS, at))
    np.testing.assert_array_equal(got, [defined(events, row, at) for row in range(ROWS)])


@given(EVENTS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_folding_in_any_order_keeps_the_newest(events, parts, random):
    shuffled = random.sample(events, len(events))
    values, known, by = np.full(ROWS, np.nan), np.full(ROWS, attributes.BEGINNING), np.zeros(ROWS, np.uint64)
    for part in np.array_split(np.arange(len(events)), parts):
        attributes.fold(values, known, by, *columns([shuffled[i] for i in part]))
    np.testing.assert_array_equal(values, [defined(events, row, 99) for row in range(ROWS)])


def test_last_by_arrival_would_differ():
    """The broken variant: an old event that arrives late must not win."""
    values, known, by = np.full(1, np.nan), np.full(1, attributes.BEGINNING), np.zeros(1, np.uint64)
    for event in [(0, 5, 0, 7), (0, 2, 9, 1)]:
        attributes.fold(values, known, by, *columns([event]))
    assert values.tolist() == [7.0]


def test_what_was_always_known_is_known_before_everything():
    always = np.array([attributes.BEGINNING])
    versions = Versions(np.zeros(1, np.int32), always, np.zeros(1, np.uint64), np.array([3.0]), count=1)
    assert versions.as_of(np.zeros(1, np.int32), np.array([-(2**62)])).tolist() == [3.0]


def test_an_unknown_row_is_blank():
    versions = Versions(*columns([(0, 1, 1, 4)]), count=ROWS)
    assert np.isnan(versions.as_of(np.array([-1, 2], np.int32), np.array([9, 9]))).all()
    none = Versions(*columns([]), count=ROWS)
    assert np.isnan(none.as_of(np.array([0], np.int32), np.array([9]))).all()


def test_kinds_and_blanks():
    assert attributes.kind_of(np.array([b"a"])) is Kind.CATEGORY
    assert attributes.kind_of(np.zeros((2, 3))) is Kind.VECTOR
    assert attributes.kind_of(np.zeros(2)) is Kind.NUMBER
    assert np.isnan(attributes.blank(Kind.NUMBER))
    assert attributes.blank(Kind.CATEGORY).tolist() == [0] * MEMBERS
    assert np.isnan(attributes.blank(Kind.VECTOR, 3)).tolist() == [True] * 3


def test_members_are_hashed_apart_and_cut():
    column = np.array([b"drama", b"", SEP.join([b"news", b"drama"]), SEP.join([b"%d" % i for i in range(12)])])
    found = attributes.members(column)
    drama, news = hash_strings(np.array([b"drama", b"news"])).tolist()
    assert found.shape == (4, MEMBERS)
    assert found[:3, :3].tolist() == [[drama, 0, 0], [0, 0, 0], [news, drama, 0]]
    assert (found[3] != 0).all()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.array([b"a", b""]), [True, False]),
        (np.array([1.0, np.nan]), [True, False]),
        (np.array([[1.0, np.nan], [np.nan, np.nan]]), [True, False]),
        (np.array([1, 2]), [True, True]),
    ],
)
def test_a_missing_value_says_nothing(column, expected):
    assert attributes.said(column).tolist() == expected
