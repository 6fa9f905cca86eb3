"""What users get while a part of the service is down, stopped or slow: measured, on a copy of the workspace.

The parts run as separate services and no supervisor mends what is broken: a part that is killed stays away for the whole
trial. Requests come open loop, and what counts is an answer within the deadline that the service itself sets.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import product
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from ..serving import starting
from ..serving.process import Settings
from ..serving.starting import Wanted
from ..serving.supervisor import is_ready, spawned
from ..workspace import Workspace
from .asks import from_log
from .load import Load, percentiles
from .play import play
from .schedule import constant
from .served import copied, free_port
from .wire import Post, Stream

Fault = Literal["none", "down", "paused", "slow"]
FAULTS: tuple[Fault, ...] = ("down", "paused", "slow")
PROMISED = ("candidates", "ranking", "writer")
"""Parts of which any one may fail without a request being lost. Of a worker the requests in its hands are."""
WORKERS = 2
FILE = "drill.json"
BEFORE_S, AFTER_S = 1.0, 6.0
"""Of load before a fault, and after its end."""
SLOW_S = (0.08, 0.02)
"""A slow part stands still for the first and works for the second, over and over."""
TIMEOUT_S = 2.0
CALM_S = 0.5
"""All is as before once every answer was as designed for so long."""

Tell = Callable[[str, int, int], None]
Running: TypeAlias = AbstractAsyncContextManager[tuple[str, list["Part"]]]
"""The URL of the application and the parts that it needs, while they run."""


class Trial(msgspec.Struct, frozen=True):
    """One part in one kind of trouble, and the requests that were due in it.

    answered: share with a slate; within: with one by the deadline; degraded: of the answers, those that said so;
    back_s: from the end of the trouble until answers were as designed again, None where they were not while it was watched.
    """

    part: str
    fault: Fault
    sent: int
    answered: float
    within: float
    degraded: float
    fallbacks: dict[str, int]
    p99_ms: float | None
    back_s: float | None


class Drill(msgspec.Struct, frozen=True):
    """All trials of a release, each `seconds` long."""

    release: str
    rate: float
    seconds: float
    deadline_ms: float
    required: float
    trials: list[Trial]

    @property
    def sent(self) -> int:
        """Requests that were due while a promised part was in trouble."""
        return sum(one.sent for one in self.trials if one.part in PROMISED)

    @property
    def available(self) -> float:
        """The share of them that was answered by the deadline."""
        return sum(one.sent * one.within for one in self.trials if one.part in PROMISED) / max(self.sent, 1)

    @property
    def short(self) -> list[Trial]:
        """The trials of promised parts in which less than required was answered by the deadline."""
        return [one for one in self.trials if one.part in PROMISED and one.within < self.required]


def drill(
    workspace: Workspace, *, rate: float, seconds: float, rng: np.random.Generator, tell: Tell = lambda *_: None
) -> Drill:
    """Take each part down, stop it and slow it in turn, under load. The workspace itself is only read."""
    import uvloop

    release, required = workspace.current(), workspace.design.requirements
    posts, _ = from_log(workspace, n=round(rate * (BEFORE_S + seconds + AFTER_S)), rng=rng)
    deadline_ms = 2 * required.p99_ms
    tell("copying the workspace", 0, 1)
    with copied(workspace) as copy:
        services = _alone(copy) if workspace.design.estimates else _services(copy)
        trials = uvloop.run(_trials(services, posts, rate, seconds, deadline_ms, tell))
    return Drill(release.id, rate, seconds, deadline_ms, max(required.availability, 0.999), trials)


async def _trials(
    services: Running, posts: Sequence[Post], rate: float, seconds: float, deadline_ms: float, tell: Tell
) -> list[Trial]:
    out: list[Trial] = []
    async with services as (url, parts):
        stream = Stream(posts, constant(rate, BEFORE_S + seconds + AFTER_S))
        await play(url, Stream(posts[:50], constant(50, 1.0), 8), timeout_s=TIMEOUT_S)  # warms every process
        # First without any trouble: what is short then is short of the machine, not of a part.
        plan: list[tuple[Part, Fault]] = [(parts[-1], "none"), *product(parts, FAULTS)]
        for part, fault in plan:
            tell(f"{part.name} {fault}", len(out), len(plan))
            load, took_s = await asyncio.gather(play(url, stream, timeout_s=TIMEOUT_S), _trouble(part, fault, seconds))
            out.append(_judged("-" if fault == "none" else part.name, fault, load, took_s, deadline_ms))
    return out


async def _trouble(part: Part, fault: Fault, seconds: float) -> float:
    """Make it and end it; gives how long after its beginning the part was itself again."""
    await asyncio.sleep(BEFORE_S)
    began = time.monotonic()
    match fault:
        case "none":
            await asyncio.sleep(seconds)
        case "down":
            await part.kill()
            await asyncio.sleep(seconds)
            await part.start()
        case "paused":
            part.signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            part.signal(signal.SIGCONT)
        case "slow":
            while time.monotonic() < began + seconds:
                part.signal(signal.SIGSTOP)
                await asyncio.sleep(SLOW_S[0])
                part.signal(signal.SIGCONT)
                await asyncio.sleep(SLOW_S[1])
    return time.monotonic() - began


def _judged(part: str, fault: Fault, load: Load, took_s: float, deadline_ms: float) -> Trial:
    begin, end = BEFORE_S, BEFORE_S + took_s
    during = load.between(begin, end)
    ok, latency = during.ok, during.latency_ms
    return Trial(
        part=part,
        fault=fault,
        sent=len(during),
        answered=float(ok.mean()),
        within=float((ok & (latency <= deadline_ms)).mean()),
        degraded=float(during.degraded[ok].mean()) if ok.any() else 0.0,
        fallbacks=dict(load.fallbacks),
        p99_ms=percentiles(latency[ok]).p99,
        back_s=_back(load.between(end, math.inf), end, deadline_ms),
    )


def _back(after: Load, end: float, deadline_ms: float) -> float | None:
    """How long after the end the first calm began, None where there was none."""
    odd = after.due[~after.ok | after.degraded | ~(after.latency_ms <= deadline_ms)]
    if not len(after):
        return None
    starts = np.concatenate([[end], odd])
    ends = np.append(odd, after.due[-1])
    calm = np.flatnonzero(ends - starts >= CALM_S)
    return float(starts[calm[0]] - end) if len(calm) else None


class Part:
    """A process of the service that may be broken."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self._settings = name, settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await spawned(self._settings)
        await is_ready(self.name, self._process)

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[tuple[str, list[Part]]]:
    """The same of an application that needs no other service: its writer and a worker; the second worker stays."""
    port = free_port()
    every = {
        name: Part(name, one)
        for name, one in starting.processes(Wanted(folder=folder, port=port, workers=WORKERS)).items()
    }
    every["worker 1"].name = "worker"
    async with _started(every):
        yield f"http://127.0.0.1:{port}", [every["writer"], every["worker 1"]]


@contextlib.asynccontextmanager
async def _services(folder: Path) -> AsyncIterator[tuple[str, list[Part]]]:
    """The URL of the application and the parts that it needs, all running; the second worker is no part, it stays."""
    ports = [free_port() for _ in range(3)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    app = Wanted(folder=folder, role="app", port=ports[0], workers=WORKERS, candidates=urls[1], ranking=urls[2])
    settings = starting.processes(app)
    for role, port in (("candidates", ports[1]), ("ranking", ports[2])):
        settings |= starting.processes(Wanted(folder=folder, role=role, port=port))  # type: ignore[arg-type]
    every = {name: Part(name, one) for name, one in settings.items()}
    every["worker"] = every.pop("app 1")
    every["worker"].name = "worker"
    async with _started(every):
        yield urls[0], [every[name] for name in (*PROMISED, "worker")]


@contextlib.asynccontextmanager
async def _started(every: dict[str, Part]) -> AsyncIterator[None]:
    """All parts running, the writer first; killed at the end."""
    try:
        await every["writer"].start()
        await asyncio.gather(*(part.start() for name, part in every.items() if name != "writer"))
        yield
    finally:
        for part in every.values():
            part.signal(signal.SIGCONT)
            await part.kill()
