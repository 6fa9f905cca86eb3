import numpy as np
import pytest
from tests.training.logs import changed, found, log, without_decisions

from sixfold.types import DAY, SECOND


def named(events):
    """The outcomes that name a decision."""
    return np.flatnonzero(events.outcomes["watch"]["decision"] != b"")


@pytest.mark.parametrize("table", ["decisions", "watch"])
def test_stray_times_are_counted(table):
    events = log()
    source = events.decisions if table == "decisions" else events.outcomes[table]
    ts = source["ts"].copy()
    # Organic outcomes: nothing but their own date is then wrong.
    rows = [5, 6, 7] if table == "decisions" else np.flatnonzero(source["decision"] == b"")[:3]
    ts[rows] -= 400 * DAY
    messages = {path: message for _, path, message in found(changed(events, table, ts=ts))}
    path = "log.decisions.ts" if table == "decisions" else "log.outcomes.watch.ts"
    assert messages[path].startswith(f"3 of {len(ts):,} lie far outside".replace(",", " "))


@pytest.mark.parametrize(("early", "level"), [(3, "warning"), (600, "error")])
def test_outcomes_before_their_decision(early, level):
    events = log()
    rows = named(events)[:early]
    ts = events.outcomes["watch"]["ts"].copy()
    ts[rows] -= 3 * 3600 * SECOND  # an outcome comes up to two hours after its decision
    (one,) = found(changed(events, "watch", ts=ts))
    assert one[:2] == (level, "log.outcomes.watch")
    assert one[2].startswith(f"{early} outcomes")


def test_outcomes_of_a_decision_that_never_came():
    events = log()
    decision = events.outcomes["watch"]["decision"].astype("S12")
    decision[named(events)[:7]] = b"d-lost"
    (one,) = found(changed(events, "watch", decision=decision))
    assert one[:2] == ("warning", "log.outcomes.watch")
    assert one[2].startswith("7 of ") and "never came" in one[2]


def test_outcomes_of_an_item_that_was_not_shown():
    events = log()
    video = events.outcomes["watch"]["video"].astype("S12")
    video[named(events)[:9]] = b"v-elsewhere"
    (one,) = found(changed(events, "watch", video=video))
    assert one[:2] == ("warning", "log.outcomes.watch")
    assert one[2].startswith("9 of ") and "did not show" in one[2]


def test_items_shown_twice_in_a_slate():
    events = log()
    item = events.shown["item"].copy()
    # Slates of decisions without an outcome, so that nothing but the repetition is wrong.
    watched = np.unique(events.outcomes["watch"]["decision"])
    quiet = np.flatnonzero(~np.isin(events.decisions["id"], watched))[:5]
    item[4 * quiet + 1] = item[4 * quiet]
    (one,) = found(changed(events, "shown", item=item))
    assert one[:2] == ("warning", "log.shown")
    assert one[2].startswith("5 impressions repeat")


def test_propensities_are_probabilities_or_missing():
    events = log()
    propensity = events.shown["propensity"].copy()
    propensity[:6] = [0, -0.1, 1.5, np.inf, np.nan, 1]
    (one,) = found(changed(events, "shown", propensity=propensity))
    assert one[:2] == ("warning", "log.shown.propensity")
    assert one[2].startswith("4 of 12 000")


def test_without_decisions_no_join_can_be_wrong():
    assert not [path for _, path, _ in found(without_decisions(log())) if path.startswith("log")]
