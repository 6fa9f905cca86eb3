"""The generator: open loop, each request answered or given up exactly once, whatever the service does."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import numpy as np
import pytest
from tests.scaling.serving import Answers, Reply, serving

from sixfold.errors import DataError
from sixfold.scaling import alarm, play
from sixfold.scaling.load import Load
from sixfold.scaling.schedule import constant
from sixfold.scaling.spread import spread
from sixfold.scaling.wire import Post, Stream

POSTS = [Post("/v1/recommend", b'{"member": "m%d"}' % i) for i in range(3)]


def played(
    answers: Answers, due: np.ndarray, *, connections: int = 4, timeout_s: float = 5.0
) -> tuple[Load, list[bytes]]:
    """What a server that answers so gave, and what it saw."""

    async def go() -> tuple[Load, list[bytes]]:
        async with serving(answers) as (url, seen):
            return await play.play(url, Stream(POSTS, due, connections), timeout_s=timeout_s), seen

    return asyncio.run(go())


def test_every_request_is_sent_in_turn_and_answered():
    load, seen = played(lambda n, body: Reply(), constant(500, 0.1), connections=1)
    assert seen == [POSTS[i % 3].body for i in range(50)]
    assert load.ok.all()
    assert (load.due <= load.woke).all() and (load.woke <= load.sent).all() and (load.sent <= load.ended).all()


def test_a_stall_is_felt_by_every_request_that_was_due_in_it():
    """Coordinated omission: the server stops for 250 ms once. A loop that waits for its answers would send one request
    in that time and report one slow answer; here the 50 that were due waited, each for what was left of the stall.
    """
    load, _ = played(lambda n, body: Reply(after_s=0.25 if n == 0 else 0.0), constant(200, 0.4), connections=1)
    least = 250 - load.due * 1e3
    assert (load.latency_ms >= least - 1e-6)[:50].all()
    assert (load.latency_ms >= 100).sum() >= 30
    assert load.latency_ms.sum() >= 6000
    naive = (load.ended - load.sent) * 1e3
    assert naive.sum() <= load.ended.max() * 1e3, "counted from the sending, one after another, the stall is there once"
    summary = load.summary()
    assert summary.waited >= 45 and any("waited for a free connection" in remark for remark in summary.remarks)


def test_answers_are_looked_into():
    slate = {
        "degraded": [{"stage": "ranking", "fallback": "retrieval order", "reason": "late"}],
        "timing_ms": {"ranking": 4.5},
    }
    load, _ = played(
        lambda n, body: Reply(body=slate if n % 2 else {"degraded": [], "accepted": 7}), constant(400, 0.05)
    )
    assert load.degraded.sum() == 10 and load.fallbacks == {"ranking: retrieval order": 10}
    assert load.stages["ranking"].tolist() == [4.5] * 10
    assert load.events == 70
    odd, _ = played(lambda n, body: Reply(body=["no", "slate"]), constant(100, 0.02))
    assert odd.ok.all() and not odd.degraded.any()


def test_refusals_and_hang_ups_are_counted_and_the_rest_goes_on():
    def answers(n: int, body: bytes) -> Reply:
        return {0: Reply(503), 3: Reply(0), 5: Reply(close=True)}.get(n % 10, Reply())

    load, seen = played(answers, constant(400, 0.15), connections=2)
    assert len(seen) == len(load) == 60
    assert [int((load.status == status).sum()) for status in (200, 503, 0)] == [48, 6, 6]
    assert np.isnan(load.ended[load.status == 0]).all() and not np.isnan(load.ended[load.status != 0]).any()
    assert load.summary().statuses == {"200": 48, "503": 6, "none": 6}


def test_a_service_that_goes_and_comes_back_gets_what_waited():
    """Only what was on a connection is lost; the rest waits in the generator, and its wait counts."""

    async def go() -> tuple[Load, int, int]:
        async with serving(lambda n, body: Reply(after_s=0.03)) as (url, before):
            playing = asyncio.create_task(play.play(url, Stream(POSTS, constant(100, 0.3), 2)))
            while len(before) < 5:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
        async with serving(lambda n, body: Reply(), int(url.rpartition(":")[2])) as (_, after):
            return await playing, len(before), len(after)

    load, before, after = asyncio.run(go())
    assert 1 <= (~load.ok).sum() <= 2
    assert before + after == 30
    assert (load.latency_ms[load.ok] > 50).sum() >= 3


def test_what_is_not_answered_in_time_is_given_up():
    """Also what never found a connection; the play ends."""
    load, seen = played(lambda n, body: Reply(None), constant(200, 0.1), connections=2, timeout_s=0.1)
    assert (load.status == 0).all() and np.isnan(load.ended).all()
    assert 2 <= len(seen) < len(load)
    assert load.summary().latency_ms.p99 is None


def test_rubbish_for_an_answer_is_no_answer():
    load, _ = played(lambda n, body: Reply(raw=b"SSH-2.0\r\n"), constant(100, 0.03))
    assert (load.status == 0).all()


def test_an_answer_that_nobody_asked_for_is_not_taken_for_one():
    """Two answers to one question: the second must not become the next request's."""
    twice = b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n"
    load, seen = played(lambda n, body: Reply(raw=twice * (2 if n == 0 else 1)), constant(100, 0.05), connections=1)
    assert load.ok.all() and len(seen) == 5


def test_streams_beside_each_other_and_a_loop_of_its_own():
    """`run_all` brings its own loop, so that the server runs in another thread."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with serving(lambda n, body: Reply()) as (url, _):
            found.append(url)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        first, second = play.run_all(
            found[0], [Stream(POSTS, constant(200, 0.05)), Stream(POSTS[:1], constant(100, 0.05), 1)]
        )
        assert (len(first), len(second)) == (10, 5) and first.ok.all() and second.ok.all()
        assert play.run(found[0], POSTS, constant(100, 0.02)).ok.all()
        many = spread(found[0], Stream(POSTS, constant(200, 0.05)), processes=2)
        assert many.due.tolist() == constant(200, 0.05).tolist() and many.ok.all()
        assert gc.isenabled()
    finally:
        stop.set()
        thread.join()


def test_nothing_to_send_is_a_load_of_nothing():
    load, _ = played(lambda n, body: Reply(), constant(1, 0))
    assert len(load) == 0 and load.summary().sent == 0


def test_nobody_at_home():
    with pytest.raises(DataError, match=r"nobody answers at http://127.0.0.1:9 .*; start 'sixfold serve' first"):
        play.run("http://127.0.0.1:9", POSTS, constant(10, 0.1))


@pytest.mark.parametrize("url", ["https://x", "127.0.0.1:8000", "http://"])
def test_urls_that_cannot_be(url):
    with pytest.raises(DataError, match=r"expected one such as http://127\.0\.0\.1:8000"):
        play.run(url, POSTS, constant(10, 0.1))


def test_the_wire_has_the_host_and_the_path_below_it():
    wire = Post("/v1/events", b"{}", "application/x-ndjson").wire("h:80", "/base")
    assert wire == (
        b"POST /base/v1/events HTTP/1.1\r\nHost: h:80\r\nContent-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("platform", [sys.platform, "other"])
def test_an_alarm_never_rings_early(platform, monkeypatch):
    monkeypatch.setattr(alarm.sys, "platform", platform)

    async def go() -> list[float]:
        loop, rang = asyncio.get_running_loop(), []
        done = loop.create_future()
        clock = alarm.Alarm(loop, lambda: (rang.append(alarm.time.monotonic()), done.set_result(None))[0])
        try:
            when = alarm.time.monotonic() + 0.01
            clock.set(when)
            await done
            return [rang[0] - when]
        finally:
            clock.close()

    # asyncio's own timers may be early by the clock's resolution.
    assert asyncio.run(go())[0] >= -1e-6
