"""What counts as answered, and the table says what the rounds say."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.decision import Round, _step, table

from sixfold.scaling.capacity import Capacity, Step
from sixfold.scaling.load import Load


def load(*, answered: int = 1000, late: int = 0, degraded: int = 0) -> Load:
    """1000 requests, some of them not answered, some after 101 ms, some with less than a whole decision."""
    due, number = np.arange(1000.0), np.arange(1000)
    taken = np.where(number < late, 0.101, 0.005)
    status = np.where(number < answered, 200, 0).astype(np.int16)
    return Load(due, due, due, due + taken, status, number < degraded)


@pytest.mark.parametrize(
    ("one", "holds"),
    [
        (load(), True), (load(late=9), True), (load(late=20), False), (load(answered=998), False),
        (load(answered=0), False), (load(degraded=2), False),
    ],
)  # fmt: skip
def test_what_counts_as_held(one, holds):
    assert _step(one, 100.0).holds(100.0) == holds


def test_a_generator_that_was_late_says_so():
    one = load()
    late = Load(one.due, one.due + 0.002, one.due + 0.002, one.ended, one.status, one.degraded)
    assert _step(late, 100.0).limited and not _step(one, 100.0).limited


def test_the_table_gives_medians_and_ratios():
    def one(stack: str, p50: float | None, rate: float | None) -> Round:
        steady = Step(100.0, p50, p50 and 3 * p50, 1.0, 0.0)
        return Round(stack, "1000k-spread", 1.0, 2.0, steady, Capacity(rate, 100.0, [], True), 0.5)

    rounds = [one("sixfold", p50, 400.0) for p50 in (4.0, 2.0, 100.0)] + [
        one("tuned", 20.0, 80.0),
        one("glued", None, None),
    ]
    said = table(rounds).splitlines()
    assert said[1].split()[:5] == ["sixfold", "1.000", "2.00", "4.00", "12.00"], "medians"
    assert "p50 x5.00" in said[2] and "capacity x0.20" in said[2]
    assert said[3].split()[3:6] == ["inf", "inf", "100.00%"] and "capacity x0.00" in said[3]
