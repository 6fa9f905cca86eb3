"""The last minutes: what grew between two looks, over processes that come, go and start again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.serving.recent import SLOT_S, SLOTS, Recent
from sixfold.serving.telemetry import Telemetry

START = 1_700_000_000.0


class Process:
    """What a process counts: requests by route, and how long they took."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self._asked = self.telemetry.counter("asked_total", "Asked.", labels=("route",))
        self._took = self.telemetry.histogram("took_seconds", "Took.", bounds=(0.01, 0.02, 0.04)).of()
        self.telemetry.gauge("age", "Age.").of().set(7)

    def ask(self, route: str, *, times: int = 1, took_s: float = 0.005) -> None:
        self._asked.of(route).add(times)
        for _ in range(times):
            self._took.observe(took_s)

    def snapshot(self):
        return self.telemetry.snapshot()


def test_what_was_counted_before_the_first_look_is_of_another_time():
    one, recent = Process(), Recent()
    one.ask("/", times=100)
    recent.look(START, {"1": one.snapshot()})
    one.ask("/", times=3)
    recent.look(START + 2, {"1": one.snapshot()})
    assert recent.over(60).number("asked_total") == 3
    assert recent.over(60).per_s("asked_total") == 1.5


def test_before_any_look_nothing_is_known():
    nothing = Recent().over(60)
    assert (nothing.number("asked_total"), nothing.per_s("asked_total"), nothing.ms("took_seconds", 0.5)) == (
        0,
        0.0,
        None,
    )


def test_counts_of_processes_are_added_and_told_apart_by_label():
    one, two, recent = Process(), Process(), Recent()
    recent.look(START, {"1": one.snapshot(), "2": two.snapshot()})
    one.ask("/a", times=2)
    two.ask("/a", times=3)
    two.ask("/b")
    recent.look(START + 1, {"1": one.snapshot(), "2": two.snapshot()})
    minute = recent.over(60)
    assert minute.number("asked_total") == 6 and minute.labels("asked_total") == [("/a",), ("/b",)]
    assert minute.number("asked_total", lambda labels: labels == ("/a",)) == 5
    assert minute.labels("age") == []


def test_a_process_that_comes_counts_from_nothing_and_one_that_goes_takes_nothing_back():
    one, two, recent = Process(), Process(), Recent()
    recent.look(START, {"1": one.snapshot()})
    one.ask("/", times=4)
    recent.look(START + 1, {"1": one.snapshot()})
    two.ask("/", times=5)
    recent.look(START + 2, {"2": two.snapshot()})
    assert recent.over(60).number("asked_total") == 9


def test_a_process_that_was_stopped_and_goes_on_is_not_counted_twice():
    one, recent = Process(), Recent()
    recent.look(START, {"1": one.snapshot()})
    one.ask("/", times=4)
    recent.look(START + 1, {"1": one.snapshot()})
    recent.look(START + 2, {})
    one.ask("/")
    recent.look(START + 3, {"1": one.snapshot()})
    assert recent.over(60).number("asked_total") == 5


def test_a_new_process_under_an_old_number_counts_from_nothing():
    one, again, recent = Process(), Process(), Recent()
    one.ask("/", times=9)
    recent.look(START, {"1": one.snapshot()})
    again.ask("/", times=2)
    recent.look(START + 1, {"1": again.snapshot()})
    assert recent.over(60).number("asked_total") == 2


def test_a_minute_forgets_what_is_older_and_the_ring_has_an_end():
    one, recent = Process(), Recent()
    recent.look(START, {"1": one.snapshot()})
    for second in range(1, 2 * SLOTS * SLOT_S):
        one.ask("/", took_s=0.03 if second < 500 else 0.005)
        recent.look(START + second, {"1": one.snapshot()})
    minute = recent.over(60)
    assert minute.number("asked_total") == minute.seconds + 1 == 60
    assert minute.ms("took_seconds", 1.0) == pytest.approx(10)
    assert len(recent.slots) == SLOTS and recent.slot(0).number("asked_total") == SLOT_S


def test_a_clock_that_goes_back_loses_nothing():
    one, recent = Process(), Recent()
    recent.look(START, {"1": one.snapshot()})
    for second in (7, 3, 8):
        one.ask("/")
        recent.look(START + second, {"1": one.snapshot()})
    assert recent.over(60).number("asked_total") == 3
    assert [at for at, _ in recent.slots] == sorted(at for at, _ in recent.slots)


@given(st.lists(st.tuples(st.floats(0.1, 4), st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=40))
def test_no_request_is_lost_and_none_counted_twice_however_one_looks(steps):
    """All slots together hold what was counted since the first look, while the ring has room for it."""
    processes, recent, now = [Process() for _ in range(3)], Recent(), START
    found = {str(number): process for number, process in enumerate(processes)}
    recent.look(now, {name: process.snapshot() for name, process in found.items()})
    for after, times, which in steps:
        now += after
        processes[which].ask("/", times=times)
        recent.look(now, {name: process.snapshot() for name, process in found.items()})
    assert recent.over(SLOT_S * SLOTS).number("asked_total") == sum(times for _, times, _ in steps)
    assert recent.over(SLOT_S * SLOTS).seconds == pytest.approx(now - START)
