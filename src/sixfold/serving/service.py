"""What a worker does beside answering: admit requests, log decisions, take events in, swap releases, say how it is doing.

What it answers is in `slates` and `estimates`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from ..design import Design
from ..errors import DataError, Overloaded, ReleaseError, SixfoldError, Unavailable
from ..events.incoming import Rejected, parse
from ..events.objects import Event
from ..features.served import encode
from ..types import SECOND
from . import health
from .body import MIB
from .clock import Clock
from .decisions import Decision, Decisions
from .engine import Engine
from .estimates import Estimates
from .http import About, Context, Raw, Route, answer
from .intake import plausible
from .ladder import Climb, Rung
from .messages import Accepted, Degraded, Health, Status
from .slates import Slates, Stages
from .telemetry import Telemetry
from .wire import Link

Role = Literal["all", "app", "candidates", "ranking"]

ADMIT = 0.3
"""Share of the required p99 that a request may have waited when its turn comes; who waited longer is refused at once."""
FLUSH_S = 0.02
"""Between two hand-overs of decisions to the writer."""
EVENTS_BYTES = 8 * MIB
A = TypeVar("A", bound=msgspec.Struct)
_logger = logging.getLogger("sixfold.service")
_STALE = Degraded("state", "as it was", "the writer is away, and nobody folds events")


def rungs(design: Design) -> dict[str, Rung]:
    """The stages of the design with their deadlines."""
    return {name: Rung(name, part.deadline_ms / 1e3, part.fallback) for name, part in design.stages.items()}


@dataclass
class Service:
    """One worker. `engine` is replaced when another release is published; `link` is None where it takes no events."""

    role: Role
    engine: Engine
    clock: Clock
    telemetry: Telemetry
    link: Link | None
    run: Path
    follow: Callable[[Service], Awaitable[None]]
    rungs: dict[str, Rung] = field(init=False)
    decisions: Decisions = field(init=False)
    doing: health.Doing = field(init=False)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.rungs = rungs(self.engine.release.design)
        self.decisions = Decisions()
        self.doing = health.Doing(self.run, self.telemetry)
        self._ids = _decision_ids()
        seconds = self.telemetry.histogram(
            "sixfold_stage_seconds", "What each stage of a request took.", labels=("stage",)
        )
        self.observe = lambda stage, took: seconds.of(stage).observe(took)
        self._fallbacks = self.telemetry.counter(
            "sixfold_fallbacks_total", "Answers in which a stage's fallback stood in.", labels=("stage", "fallback")
        )
        self._shed = self.telemetry.counter(
            "sixfold_shed_total", "Requests refused because they had waited too long."
        ).of()
        self._waited = self.telemetry.histogram(
            "sixfold_queue_seconds", "How old a request was when its turn came."
        ).of()
        self._dropped = self.telemetry.gauge(
            "sixfold_decisions_dropped", "Decisions that never reached the log.", merge="sum"
        ).of()
        self._events = self.telemetry.counter("sixfold_events_total", "Events posted.", labels=("fate",))

    def routes(self) -> list[Route]:
        """What this worker answers, by its role."""
        shared = [
            Route("GET", "/health/live", self.live, about=About("The process lives.", Health)),
            Route("GET", "/health/ready", self.ready, about=About("It can answer.", Health, other=((503, Health),))),
            Route(
                "GET", "/metrics", self.metrics, about=About("Prometheus.", content_type="text/plain; version=0.0.4")
            ),
        ]
        due = 2 * self.engine.release.design.requirements.p99_ms / 1e3
        if self.role in ("candidates", "ranking"):
            return [*Stages(self).routes(due), *shared]
        answers = Estimates(self) if self.engine.release.design.estimates else Slates(self)
        kinds = ("application/json", "application/x-ndjson")
        return [
            *answers.routes(due),
            Route("POST", "/v1/events", self.events, bytes, kinds, EVENTS_BYTES, 10.0,
                  About("Take events in, for good.", Accepted, other=((422, Accepted),), body=Event | list[Event])),
            Route("GET", "/v1/status", self.status, about=About("How the service is doing.", Status)),
            *shared,
        ]  # fmt: skip

    # Requests

    def admitted(self, ts: str | float | None, context: Context) -> tuple[int, Climb]:
        """Let a request in, or refuse it because it is late: the time it is as of, and its ladder."""
        self.wait(context)
        asked_at = self.clock.ts(ts)
        climb = Climb(self.rungs, context.deadline, self.observe)
        if self.link is not None and not self.link.up:
            climb.degraded.append(_STALE)
        return asked_at, climb

    def new_id(self) -> str:
        """The id of a decision, which no other one has."""
        return next(self._ids)

    def wait(self, context: Context) -> None:
        """Refuse a request that is late before it began: those behind it can still be in time."""
        waited = time.monotonic() - context.arrival
        self._waited.observe(waited)
        if waited > ADMIT * self.engine.release.design.requirements.p99_ms / 1e3:
            self._shed.add()
            raise Overloaded(
                f"more requests came than can be answered; this one waited {1e3 * waited:.0f} ms for its turn"
            )

    def answered(self, answer: A, climb: Climb, *, timing: bool) -> A:
        """An answer with what it took, where that was asked for; what stood in for what is counted."""
        for one in climb.degraded:
            self.fell(one)
        if not timing:
            return answer
        return msgspec.structs.replace(answer, timing_ms={name: round(ms, 3) for name, ms in climb.laps.items()})

    def fell(self, one: Degraded) -> None:
        """Something stood in for a stage."""
        self._fallbacks.of(one.stage, one.fallback).add()
        self.doing.fell(one)

    # Events

    async def events(self, body: bytes, context: Context) -> Accepted | Raw:
        if self.link is None:
            raise Unavailable("this service takes no events; send them to the one with the writer")
        now = self.clock.now()
        incoming = parse(body, now=now, lines=context.content_type == "application/x-ndjson")
        incoming = plausible(incoming, now=now, under_way=self.engine.seen(), times=self.engine.times)
        counts = Accepted(0, 0, [], incoming.rejected)
        if len(incoming.events):
            # What was decided goes first, on the same connection: an event may be of a decision that still waits here.
            _, done = await asyncio.gather(self._hand_over(), self.link.append(incoming.events))
            counts = Accepted(done.accepted, done.duplicates, done.conflicts, incoming.rejected)
        self._count(counts, incoming.rejected)
        nothing = not (counts.accepted or counts.duplicates) and (counts.rejected or counts.conflicts)
        return answer(counts, status=422) if nothing else counts

    def _count(self, done: Accepted, rejected: list[Rejected]) -> None:
        for fate, count in {
            "accepted": done.accepted, "duplicate": done.duplicates, "conflict": len(done.conflicts), "rejected": len(rejected)
        }.items():  # fmt: skip
            if count:
                self._events.of(fate).add(count)

    def swap(self, engine: Engine) -> None:
        """Answer with another release from the next request on. Raises ReleaseError where it decides what this one does not."""
        if engine.release.design.estimates != self.engine.release.design.estimates:
            raise ReleaseError(
                f"release {engine.release.id} decides something else than the one served; restart the service"
            )
        self.engine, self.rungs = engine, rungs(engine.release.design)

    # How it is doing

    async def live(self, _: None, __: Context) -> Health:
        return Health(True)

    async def ready(self, _: None, __: Context) -> Health | Raw:
        reasons = (
            [] if self.link is None or self.link.up else ["the writer is away: events are refused, slates go stale"]
        )
        return answer(Health(False, reasons), status=503) if reasons else Health(True)

    async def metrics(self, _: None, __: Context) -> Raw:
        self._gauges()
        return Raw(health.exposed(self.run, self.telemetry), "text/plain; version=0.0.4; charset=utf-8")

    async def status(self, _: None, __: Context) -> Status:
        self._gauges()
        return health.status(self)

    def _gauges(self) -> None:
        self._dropped.set(self.decisions.dropped)

    # Life

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """What runs beside the requests: the link to the writer, the log of decisions, the swap, the telemetry's file."""
        work = [self._publish(), self.follow(self)]
        if self.link is not None:
            self.link.start()
            work.append(self._flush())
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.link is not None:
                await self._hand_over()
                await self.link.stop()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._hand_over()

    async def _hand_over(self) -> None:
        assert self.link is not None
        if not len(self.decisions) or not self.link.up:
            return
        await self._log(self.link, self.decisions.take())

    async def _log(self, link: Link, held: list[Decision]) -> None:
        """Hand decisions over; one that contradicts what the log holds is dropped, and must not hold up the others."""
        try:
            served = {one.id: encode(one.served) for one in held if one.served}
            await link.append(self.decisions.events(held), served)
        except DataError as error:
            if len(held) == 1:
                self.decisions.dropped += 1
                _logger.warning("decision %s is not logged: %s", held[0].id, error)
                return
            await self._log(link, held[: len(held) // 2])
            await self._log(link, held[len(held) // 2 :])
        except SixfoldError:
            self.decisions.back(held)

    async def _publish(self) -> None:
        while True:
            self._gauges()
            self.doing.publish()
            await asyncio.sleep(1)


def _decision_ids() -> Iterator[str]:
    """Ids that no other process and no other start gives: time, process and a count."""
    start = f"{time.time_ns() // SECOND:x}{os.getpid():x}"
    return (f"{start}-{count:x}" for count in itertools.count(1))
