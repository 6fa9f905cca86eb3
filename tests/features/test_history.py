"""What each member did last, and when it last saw an item, against a loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.features import history
from sixfold.features.history import NEVER, Histories, Sightings
from sixfold.features.indexed import Occurrences
from sixfold.features.spec import Memory, Stream

MEMBERS, LENGTH = 3, 4
MEMORY = Memory("member", "video", Stream("watch"), Stream("watch"), LENGTH)
EVENTS = st.lists(st.tuples(st.integers(0, MEMBERS - 1), st.integers(0, 6), st.integers(0, 9)), max_size=40)


def columns(events):
    members, items, ts = np.array(events, np.int64).reshape(-1, 3).T
    return members.astype(np.int32), items.astype(np.int32), ts


def occurrences(events) -> Occurrences:
    members, items, ts = columns(events)
    return Occurrences(ts, np.ones(len(ts)), {"member": members, "video": items}, np.zeros(len(ts), np.uint64))


def defined(events, member: int, at: int) -> list[tuple[int, int]]:
    """(item, ts), newest first; of one instant the greatest row first."""
    did = sorted(((t, i) for m, i, t in events if m == member and t < at), reverse=True)[:LENGTH]
    return [(i, t) for t, i in did] + [(-1, 0)] * (LENGTH - len(did))


@given(EVENTS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_folding_in_any_order(events, parts, random):
    shuffled = random.sample(events, len(events))
    items, times = np.full((MEMBERS, LENGTH), -1, np.int32), np.zeros((MEMBERS, LENGTH), np.int64)
    for part in np.array_split(np.arange(len(events)), parts):
        members, new, ts = columns([shuffled[i] for i in part])
        history.fold(items, times, members, new, ts)
    for member in range(MEMBERS):
        held = list(zip(items[member].tolist(), times[member].tolist(), strict=True))
        assert held == defined(events, member, 99)


@given(EVENTS, st.integers(0, 11))
def test_in_bulk_as_of_a_time(events, at):
    found = Histories(occurrences(events), MEMORY, members=MEMBERS)
    items, times = found.as_of(np.arange(MEMBERS, dtype=np.int32), np.full(MEMBERS, at), length=LENGTH)
    for member in range(MEMBERS):
        held = list(zip(items[member].tolist(), times[member].tolist(), strict=True))
        assert held == defined(events, member, at)


def test_a_stranger_has_no_history():
    items, _ = Histories(occurrences([(0, 1, 1)]), MEMORY, members=MEMBERS).as_of(
        np.array([-1, 2], np.int32), np.array([9, 9]), length=LENGTH
    )
    assert (items == -1).all()


@given(EVENTS, st.integers(0, 11))
def test_when_a_member_last_saw_an_item(events, at):
    found = Sightings(occurrences(events), MEMORY)
    members, items = np.repeat(np.arange(MEMBERS), 8), np.tile(np.arange(8), MEMBERS)
    got = found.last(members.astype(np.int32), items.astype(np.int32), np.full(len(items), at))
    for member, item, ts in zip(members, items, got, strict=True):
        assert ts == max((t for m, i, t in events if (m, i) == (member, item) and t < at), default=NEVER)


def test_a_pair_is_ordered():
    one, other = np.array([3], np.int32), np.array([5], np.int32)
    assert history.pair(one, other) != history.pair(other, one)
