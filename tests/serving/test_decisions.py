"""Decisions on their way to the log."""

from __future__ import annotations

import numpy as np

from sixfold.serving import decisions
from sixfold.serving.decisions import Decision, Decisions


def decision(number: int, **context: str | float) -> Decision:
    items = np.array([b"v1", b"v2"])
    scores = np.array([0.5, 0.25], np.float32)
    return Decision(f"d{number}", number, "r", {"member": f"m{number}"}, context, items, scores, np.ones(2, np.float32))


def test_decisions_become_one_batch():
    held = Decisions()
    events = held.events([decision(1, device="tv"), decision(2, device="phone", lat=52.5), decision(3)])
    assert events.decisions["member"].tolist() == [b"m1", b"m2", b"m3"]
    assert events.decisions["context.device"].tolist() == [b"tv", b"phone", b""]
    np.testing.assert_array_equal(events.decisions["context.lat"], [np.nan, 52.5, np.nan])
    assert events.shown["decision"].tolist() == [0, 0, 1, 1, 2, 2]
    assert events.shown["position"].tolist() == [1, 2] * 3 and len(events) == 3


def test_what_waits_is_bounded_and_what_is_lost_is_counted(monkeypatch):
    monkeypatch.setattr(decisions, "HELD", 3)
    held = Decisions()
    held._held = type(held._held)(maxlen=3)
    for number in range(4):
        held.add(decision(number))
    assert held.dropped == 1
    taken = held.take()
    assert [one.id for one in taken] == ["d1", "d2", "d3"] and len(held) == 0
    held.add(decision(9))
    held.back(taken)
    assert [one.id for one in held.take()] == ["d2", "d3", "d9"] and held.dropped == 2
