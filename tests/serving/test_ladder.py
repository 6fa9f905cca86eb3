"""What stands in for a stage that is late, down or broken, and what is said about it."""

from __future__ import annotations

import asyncio
import time

import pytest

from sixfold.errors import Unavailable
from sixfold.serving.ladder import FAILURES, Climb, Rung


def climb(rung: Rung, *, left_s: float = 10.0) -> Climb:
    return Climb({"ranking": rung}, time.monotonic() + left_s, lambda name, took: None)


async def well() -> str:
    return "as designed"


async def broken() -> str:
    raise Unavailable("no one there")


async def hanging() -> str:
    await asyncio.Event().wait()
    return "never"


def asked(climb: Climb, work) -> str:
    return asyncio.run(climb.stage("ranking", work, lambda: "instead"))


def test_a_stage_in_time_answers():
    one = climb(Rung("ranking", 1.0, "retrieval order"))
    assert asked(one, well) == "as designed" and one.degraded == []


@pytest.mark.parametrize(
    ("work", "reason"), [(broken, "failed: no one there"), (hanging, "late: no answer within 20 ms")]
)
def test_a_stage_that_fails_is_stood_in_for_and_named(work, reason):
    one = climb(Rung("ranking", 0.02, "retrieval order"))
    assert asked(one, work) == "instead"
    assert [(d.stage, d.fallback, d.reason) for d in one.degraded] == [("ranking", "retrieval order", reason)]


def test_a_stage_that_cannot_be_in_time_is_not_begun():
    rung = Rung("ranking", 1.0, "retrieval order", expected_s=0.5)
    one = climb(rung, left_s=0.1)
    assert asked(one, broken) == "instead" and rung.failures == 0
    assert one.degraded[0].reason.startswith("late: ")


def test_a_stage_that_was_slow_is_tried_again():
    """Work in this process cannot be cut: it may have taken more than it had, and so be expected to for ever."""
    rung = Rung("ranking", 0.04, "retrieval order", expected_s=0.2)
    answers = [asked(climb(rung), well) for _ in range(100)]
    assert answers[0] == "instead" and answers[-1] == "as designed" and rung.expected_s < 0.04


def test_after_failures_in_a_row_one_request_tries_now_and_then():
    rung, begun = Rung("ranking", 1.0, "retrieval order"), []

    async def counted() -> str:
        begun.append(1)
        raise Unavailable("still not")

    reasons = []
    for _ in range(FAILURES + 5):
        one = climb(rung)
        asked(one, counted)
        reasons.append(one.degraded[0].reason)
    assert len(begun) == FAILURES, "then none for a while"
    assert reasons[-1] == "down: it failed several times in a row"
    rung.closed_at = 0.0
    one = climb(rung)
    assert asked(one, well) == "as designed" and rung.failures == 0


def test_what_a_stage_takes_is_learned():
    rung = Rung("ranking", 1.0, "retrieval order")

    async def slow() -> str:
        await asyncio.sleep(0.01)
        return "done"

    for _ in range(3):
        asked(climb(rung), slow)
    assert 0 < rung.expected_s < 1
