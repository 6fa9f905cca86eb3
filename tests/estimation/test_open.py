"""Estimates under way, folded from events: any order gives the same, and two days are kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.estimation.adaptive import Adaptive
from sixfold.estimation.open import NEVER, Open, Watched
from sixfold.estimation.steered import Steer
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import Events, concat
from sixfold.features.store import Store
from sixfold.types import DAY

WATCHED = Watched(("promised_s", "whole@0.5"), ("half", "done"))


def asked(ts: int, *ids: str, promised: float = 600.0) -> Events:
    n = len(ids)
    table = {
        "id": np.array([one.encode() for one in ids]), "ts": np.full(n, ts), "release": np.full(n, b"r"),
        "estimate.promised_s": np.full(n, promised), "estimate.whole@0.5": np.arange(n) + 500.0,
    }  # fmt: skip
    return Events(decisions=table)


def became(name: str, *said: tuple[str, str, int, float]) -> Events:
    """Outcomes: id, decision, ts and value of each."""
    ids, decisions, ts, values = zip(*said, strict=True)
    table = {
        "id": np.array([one.encode() for one in ids]), "decision": np.array([one.encode() for one in decisions]),
        "ts": np.array(ts), "value": np.array(values),
    }  # fmt: skip
    return Events(outcomes={name: table})


@pytest.fixture
def under_way() -> Open:
    return Open(WATCHED, Store())


def test_what_was_forecast_and_what_became_known(under_way: Open):
    under_way.apply(asked(1000, "a", "b"))
    under_way.apply(became("half", ("h", "b", 2000, 55.0)))
    known = under_way.read("b")
    assert known is not None and known.ts == 1000 and known.release == "r" and known.forecast.tolist() == [600.0, 501.0]
    assert known.when.tolist() == [2000, NEVER] and known.value[0] == 55.0 and np.isnan(known.value[1])
    assert under_way.read("nobody") is None and under_way.read("") is None


def test_a_decision_without_a_forecast_is_not_kept(under_way: Open):
    under_way.apply(asked(1000, "a", promised=np.nan))
    under_way.apply(Events(decisions={name: asked(1, "z").decisions[name] for name in ("id", "ts", "release")}))
    assert under_way.read("a") is None and under_way.read("z") is None


def test_the_first_forecast_of_an_id_stays(under_way: Open):
    under_way.apply(asked(1000, "a"))
    under_way.apply(concat([asked(2000, "a", promised=1.0), asked(2000, "c", "c")]))
    known = under_way.read("a")
    assert known is not None and known.ts == 1000 and known.forecast[0] == 600


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_the_last_by_time_and_id_counts_in_whatever_order(order: list[int], cut: int):
    said = [("x", "a", 30, 3.0), ("y", "a", 30, 4.0), ("w", "a", 20, 2.0), ("v", "b", 9, 1.0), ("x", "a", 30, 3.0),
            ("u", "b", 9, 7.0)]  # fmt: skip
    mixed = [said[i] for i in order]
    one, two = Open(WATCHED, Store()), Open(WATCHED, Store())
    for state, parts in ((one, [said]), (two, [mixed[:cut], mixed[cut:]])):
        state.apply(asked(5, "a", "b"))
        for part in parts:
            state.apply(became("done", *part))
    for name in "ab":
        first, second = one.read(name), two.read(name)
        assert first is not None and second is not None and first.when[1] == second.when[1]
        assert first.value[1] == second.value[1]
    known = one.read("a")
    assert known is not None and known.when[1] == 30 and known.value[1] in (3.0, 4.0)


def test_two_days_are_kept(under_way: Open):
    under_way.apply(asked(5 * DAY + 1, "old"))
    under_way.apply(asked(6 * DAY + 1, "new"))
    under_way.apply(asked(5 * DAY + 2, "late"))
    assert all(under_way.read(name) is not None for name in ("old", "new", "late"))
    under_way.apply(became("done", ("o", "old", 6 * DAY, 1.0)))
    under_way.apply(asked(7 * DAY, "newer"))
    assert under_way.read("old") is None and under_way.read("new") is not None
    under_way.apply(became("done", ("p", "old", 7 * DAY, 1.0)))
    under_way.apply(asked(5 * DAY + 3, "too late"))
    assert under_way.read("old") is None and under_way.read("too late") is None
    under_way.apply(asked(99 * DAY, "far"))
    assert under_way.read("new") is None and under_way.read("newer") is None and under_way.read("far") is not None


def test_what_is_kept_does_not_grow_with_the_days(under_way: Open):
    for day in range(12):
        under_way.apply(asked(day * DAY, *(f"{day}-{n}" for n in range(200))))
    assert sum(under_way.store.nbytes().values()) < 2 * 512 * (WATCHED.blank.nbytes + 32)


def test_an_outcome_that_is_of_none_or_no_number_is_passed_over(under_way: Open):
    under_way.apply(asked(5, "a"))
    under_way.apply(became("done", ("o", "", 9, 1.0), ("p", "nobody", 9, 1.0), ("q", "a", 9, np.nan)))
    known = under_way.read("a")
    assert known is not None and known.when[1] == NEVER


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(6)), st.sets(st.integers(1, 5)))
def test_a_status_that_comes_before_its_estimate_waits_for_it(order: list[int], cuts: set[int]):
    """Whatever comes first, and in whatever batches: what is known in the end is what is known where nothing is early."""
    parts = [asked(5, "a"), asked(7, "b"), became("half", ("h", "a", 20, 2.0)), became("done", ("x", "a", 30, 3.0)),
             became("done", ("y", "a", 31, 4.0)), became("half", ("z", "b", 9, 1.0))]  # fmt: skip
    straight, mixed = Open(WATCHED, Store()), Open(WATCHED, Store())
    straight.apply(concat(parts))
    bounds = [0, *sorted(cuts), len(parts)]
    for start, stop in itertools.pairwise(bounds):
        mixed.apply(concat([parts[place] for place in order[start:stop]]))
    for name in "ab":
        one, other = straight.read(name), mixed.read(name)
        assert one is not None and other is not None and one.ts == other.ts
        np.testing.assert_array_equal(one.when, other.when)
        np.testing.assert_array_equal(one.value, other.value)
    assert straight.read("a").value.tolist() == [2.0, 4.0]


def test_a_status_that_came_early_steers_as_any_other():
    steer = Steer(Adaptive(), "done", ("whole@0.5",), (0.5,))
    kept = Watched(WATCHED.forecast, WATCHED.outcomes, steer)
    parts = [asked(5, "a"), became("done", ("x", "a", 9_000_000_000, 9_000.0)), asked(9_100_000_000, "later")]
    offsets = []
    for order in ((0, 1, 2), (1, 0, 2)):
        state = Open(kept, Store())
        for place in order:
            state.apply(parts[place])
        offsets.append(state.offset())
    assert offsets[0] == offsets[1] and offsets[0] > 0


def test_when_estimates_were_asked_for(under_way: Open):
    under_way.apply(asked(5 * DAY, "old"))
    under_way.apply(asked(6 * DAY, "new"))
    found = under_way.asked(hash_strings(np.array([b"new", b"nobody", b"", b"old"])))
    assert found.tolist() == [6 * DAY, NEVER, NEVER, 5 * DAY]
