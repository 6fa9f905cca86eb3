"""The knee is found where it is."""

from __future__ import annotations

import pytest

from sixfold.scaling.capacity import Step, find


def service(capacity: float, *, sheds: bool = False):
    """A queue: 1 / (capacity - rate) on the mean, refusing or growing without end past capacity."""

    def measure(rate: float) -> Step:
        over = rate >= capacity
        latency = 1.0 if sheds else 1e6 if over else 1e3 / (capacity - rate)
        return Step(rate, latency, latency, capacity / rate if over else 1.0, 0.0)

    return measure


@pytest.mark.parametrize("capacity", [137.0, 400.0, 2222.0])
def test_the_knee_of_a_queue(capacity):
    found = find(service(capacity), limit_ms=100, start=50)
    assert found.bounded and found.rate is not None
    # 1 000 / (capacity - rate) ms is 100 at 10 below it; the search ends within 10 %.
    assert (capacity - 10) / 1.1 <= found.rate <= capacity - 10
    assert all(step.holds(100) == (step.rate <= capacity - 10) for step in found.steps)


def test_refusals_are_a_knee_too():
    found = find(service(400, sheds=True), limit_ms=100, start=50)
    assert found.rate is not None and 400 / 1.1 <= found.rate < 400.5


def test_what_never_holds_and_what_never_fails():
    assert find(service(10), limit_ms=100, start=50).rate is None
    endless = find(service(1e9), limit_ms=100, start=50, most=1000)
    assert (endless.rate, endless.bounded) == (1000, False)
    assert [step.rate for step in endless.steps][-1] == 1000
