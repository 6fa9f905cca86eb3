"""`sixfold bench` against a server in another thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.calling import call
from tests.logs import random_log
from tests.scaling.serving import Reply, serving

from sixfold import beginning
from sixfold.workspace import Workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a design and a log, and no release."""
    folder = tmp_path_factory.mktemp("bench")
    beginning.from_system("video", folder)
    with Workspace(folder).log(create=True) as log:
        log.append(random_log(np.random.default_rng(0)))
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service that answers at once: slates by the first stage's fallback, and events."""
    ready, stop, found = threading.Event(), threading.Event(), []
    slate = {"degraded": [{"stage": "ranking", "fallback": "retrieval order"}], "timing_ms": {"ranking": 2.0}}

    def answers(n: int, body: bytes) -> Reply:
        return Reply(body=slate if b'"timing"' in body else {"accepted": body.count(b"\n") + 1})

    async def serve() -> None:
        async with serving(answers) as (at, _):
            found.append(at)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    yield found[0]
    stop.set()
    thread.join()


def test_a_load_as_json(folder, url):
    said = call("bench", "--url", url, "--rate", 100, "--seconds", 0.3, "--arrivals", "constant", "--events-rate", 200,
                "--json", folder=folder).json  # fmt: skip
    assert (said["requests"]["sent"], said["requests"]["answered"], said["requests"]["degraded"]) == (30, 1.0, 1.0)
    assert said["requests"]["stages_ms"]["ranking"]["p99"] == 2.0
    assert said["events"]["events"] == 60 and said["limit_ms"] == 100


def test_a_load_for_people(folder, url):
    done = call("bench", "--url", url, "--rate", 100, "--seconds", 0.2, "--arrivals", "constant", folder=folder)
    assert done.code == 0
    assert "20 requests in 0.2 s (100/s): 100.00% answered, 100.00% degraded" in done.out
    assert "20 times ranking: retrieval order" in done.out
    assert "latency  p50 " in done.out and "worst second: 0" in done.out


def test_the_knee(folder, url):
    """One connection and a requirement of 100 ms: some rate fails, or the machine is fast enough for all that are tried."""
    found = call("bench", "--url", url, "--rate", 20_000, "--seconds", 0.1, "--find-capacity", "--connections", 1, "--json",
                 folder=folder).json  # fmt: skip
    assert found["steps"] and found["limit_ms"] == 100
    holds = [step["rate"] for step in found["steps"] if (step["p99_ms"] or 1e9) <= 100 and step["answered"] >= 0.999]
    assert found["rate"] == max(holds, default=None)


def test_mistakes(folder, url):
    assert call("bench", "--url", url, "--events-rate", 5, "--find-capacity", folder=folder).code == 2
    assert "nobody answers at http://127.0.0.1:9" in call("bench", "--url", "http://127.0.0.1:9", folder=folder).err
