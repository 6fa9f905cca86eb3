"""A load in numbers: exact percentiles, shares, curve, and what to know before believing them."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.scaling.load import Load, joined, percentiles
from sixfold.scaling.schedule import constant, poisson


def load(latency_ms: list[float], *, rate: float = 10.0, status: list[int] | None = None, **other: object) -> Load:
    """Requests at `rate` with these latencies, sent when they were due."""
    due = constant(rate, len(latency_ms) / rate)
    ended = due + np.array(latency_ms) / 1e3
    n = len(due)
    given = {"woke": due, "sent": due, "degraded": np.zeros(n, bool)} | other
    return Load(due=due, ended=ended, status=np.array(status or [200] * n, np.int16), **given)  # type: ignore[arg-type]


def test_percentiles_are_observed_values():
    ms = np.random.default_rng(0).permutation(np.arange(1.0, 1001.0))
    found = percentiles(ms)
    assert (found.p50, found.p90, found.p99, found.p99_9, found.max) == (500, 900, 990, 999, 1000)
    assert percentiles(ms[:1]).p99_9 == ms[0]
    assert percentiles(ms[:0]).p50 is None


def test_latency_is_of_answers_and_shares_are_of_all():
    found = load([1, 2, 3, 4, 100, 6, 7, 8, 9, np.nan], status=[200] * 4 + [503] + [200] * 4 + [0],
                 degraded=np.arange(10) < 2, fallbacks={"a: b": 2}).summary(within_ms=7.5)  # fmt: skip
    assert found.statuses == {"none": 1, "200": 8, "503": 1}
    assert (found.answered, found.degraded) == (0.8, 0.25)
    assert (found.latency_ms.max, found.latency_ms.p50) == (9, 4)
    assert found.rate == pytest.approx(10) and found.seconds == pytest.approx(1)
    assert found.goodput == pytest.approx(6)


def test_the_curve_has_each_second_also_the_empty_ones():
    calm = load([1.0] * 30)
    keep = (calm.due < 1) | (calm.due >= 2)
    parts = {name: getattr(calm, name)[keep] for name in ("due", "woke", "sent", "ended", "status", "degraded")}
    curve = Load(**parts).summary().curve
    assert [(one.second, one.sent, one.ok, one.p99_ms) for one in curve] == [
        (0, 10, 10, 1.0), (1, 0, 0, None), (2, 10, 10, 1.0)
    ]  # fmt: skip


def test_a_late_generator_says_that_it_was_the_limit():
    due = constant(10, 10)
    late = load([5.0] * 100, woke=due + 0.003, sent=due + 0.003).summary()
    assert late.lateness_p99_ms == 3.0 and late.late and "the generator itself was late by 3.0 ms" in late.remarks[0]
    slow = load([100.0] * 100, woke=due + 0.003, sent=due + 0.003).summary()
    assert not slow.late and not slow.remarks, "3 ms of 100 are not what was measured"


def test_waiting_for_a_connection_is_told_apart_from_lateness():
    due = constant(10, 10)
    found = load([50.0] * 100, sent=due + 0.02 * (np.arange(100) < 5)).summary()
    assert (found.waited, found.lateness_p99_ms) == (5, 0.0)
    assert found.remarks == ["5 of 100 requests waited for a free connection; the wait counts as latency"]


def test_a_span_of_a_load():
    found = load([float(i) for i in range(30)]).between(1, 2)
    assert found.latency_ms.round(6).tolist() == list(range(10, 20))


def test_loads_of_processes_are_joined_in_order():
    whole = load([float(i) for i in range(10)], degraded=np.arange(10) % 3 == 0)
    names = ("due", "woke", "sent", "ended", "status", "degraded")
    parts = [
        Load(**{name: getattr(whole, name)[at::2] for name in names}, fallbacks={"a": 1 + at},
             stages={"s": np.array([float(at)])}, cpu_s=0.5, events=2)
        for at in (0, 1)
    ]  # fmt: skip
    both = joined(parts)
    assert all((getattr(both, name) == getattr(whole, name)).all() for name in names)
    assert (both.fallbacks, both.cpu_s, both.events) == ({"a": 3}, 1.0, 4)
    assert both.stages["s"].tolist() == [0.0, 1.0]


def test_schedules():
    due = poisson(50, 200, np.random.default_rng(3))
    assert (np.diff(due) >= 0).all() and due[0] >= 0 and due[-1] < 200
    assert abs(len(due) - 10_000) < 400
    gaps = np.diff(due)
    assert abs(gaps.std() / gaps.mean() - 1) < 0.05, "an exponential's deviation is its mean"
    assert (due == poisson(50, 200, np.random.default_rng(3))).all()
    assert constant(3, 2).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
