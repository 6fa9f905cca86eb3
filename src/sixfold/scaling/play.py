"""Plays a schedule of requests against a service over keep-alive connections, in one event loop."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec
import numpy as np

from ..errors import DataError
from .alarm import Alarm
from .load import OK, Load
from .schedule import Seconds
from .wire import Connection, Post, Stream

_SWEEP_S = 0.02
_AGAIN_S = 0.05


def run(url: str, requests: Sequence[Post], due: Seconds, *, connections: int = 64, timeout_s: float = 5.0) -> Load:
    """Play one stream and wait for its answers. A request without one `timeout_s` after it was due has none.

    Raises DataError where nobody listens at `url` at the start.
    """
    return run_all(url, [Stream(requests, due, connections)], timeout_s=timeout_s)[0]


def run_all(url: str, streams: Sequence[Stream], *, timeout_s: float = 5.0, start: float | None = None) -> list[Load]:
    """Play several streams at once; `start` is when, on `time.monotonic`, and soon where left out."""

    async def together() -> list[Load]:
        return list(await asyncio.gather(*(play(url, one, timeout_s=timeout_s, start=start) for one in streams)))

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(together())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def play(url: str, stream: Stream, *, timeout_s: float = 5.0, start: float | None = None) -> Load:
    """Play one stream in the running loop; see `run`."""
    player = _Player(url, stream, timeout_s)
    await player.connect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        cpu = time.process_time()
        await player.play(time.monotonic() + 0.02 if start is None else start)
        return player.load(time.process_time() - cpu)
    finally:
        player.close()
        await asyncio.sleep(0)
        if collecting:
            gc.enable()


class _Answer(msgspec.Struct):
    """What of an answer is looked at."""

    degraded: list[dict[str, str]] = []
    timing_ms: dict[str, float] = {}
    accepted: int = 0


_decode = msgspec.json.Decoder(_Answer).decode


class _Player:
    """The requests of a stream on their way: waiting, on a connection, answered."""

    def __init__(self, url: str, stream: Stream, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise DataError(f"url is {url!r}; expected one such as http://127.0.0.1:8000")
        if not stream.requests:
            raise DataError("there are no requests to send; give at least one")
        self.url, self.host, self.port = url, parts.hostname, parts.port or 80
        wires = {id(one): one.wire(parts.netloc, parts.path.rstrip("/")) for one in stream.requests}
        self.wires = [wires[id(one)] for one in stream.requests]
        self.due = stream.due.tolist()
        self.timeout_s, self.wanted = timeout_s, min(stream.connections, len(self.due))
        n = len(self.due)
        self.woke, self.sent, self.ended = ([math.nan] * n for _ in range(3))
        self.status, self.degraded = [0] * n, [False] * n
        self.fallbacks: Counter[str] = Counter()
        self.stages: defaultdict[str, list[float]] = defaultdict(list)
        self.events = 0
        self.next, self.left = 0, n
        self.idle: list[Connection] = []
        self.busy: set[Connection] = set()
        self.backlog: deque[int] = deque()
        self.alive = self.wanted
        self.opening: set[asyncio.Task[None]] = set()
        self.closing = False

    # The life of a stream

    async def connect(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        try:
            await asyncio.gather(*(self._open() for _ in range(self.wanted)))
        except OSError as error:
            self.close()
            raise DataError(f"nobody answers at {self.url} ({error}); start 'sixfold serve' first") from error

    async def _open(self) -> None:
        await self.loop.create_connection(lambda: Connection(self), self.host, self.port)

    async def play(self, start: float) -> None:
        self.start = start
        if not self.left:
            return
        self.alarm = Alarm(self.loop, self._send_due)
        self.alarm.set(start + self.due[0])
        self.loop.call_later(_SWEEP_S, self._sweep)
        try:
            await self.done
        finally:
            self.alarm.close()

    def close(self) -> None:
        self.closing = True
        for one in [*self.idle, *self.busy]:
            one.transport.abort()

    def load(self, cpu_s: float) -> Load:
        due, woke, sent, ended = (np.array(one, np.float64) for one in (self.due, self.woke, self.sent, self.ended))
        return Load(
            due,
            woke,
            sent,
            ended,
            np.array(self.status, np.int16),
            np.array(self.degraded, np.bool_),
            dict(self.fallbacks),
            {name: np.array(ms) for name, ms in self.stages.items()},
            cpu_s,
            self.events,
        )

    # The life of a request

    def _send_due(self) -> None:
        now = time.monotonic() - self.start
        while self.next < len(self.due) and self.due[self.next] <= now:
            at = self.next
            self.next += 1
            self.woke[at] = now
            if self.idle:
                self.idle.pop().ask(at, now)
            else:
                self.backlog.append(at)
                self._open_more()
        if self.next < len(self.due):
            self.alarm.set(self.start + self.due[self.next])

    def answered(self, one: Connection, at: int, status: int, body: bytes) -> None:
        now = time.monotonic() - self.start
        self.ended[at], self.status[at] = now, status
        if status == OK and body:
            self._look(at, body)
        if one.gone:
            self.busy.discard(one)
        elif self.backlog:
            one.ask(self.backlog.popleft(), now)
        else:
            self.busy.discard(one)
            self.idle.append(one)
        self._count()

    def _look(self, at: int, body: bytes) -> None:
        try:
            answer = _decode(body)
        except msgspec.MsgspecError:
            return
        self.degraded[at] = bool(answer.degraded)
        self.events += answer.accepted
        for one in answer.degraded:
            self.fallbacks[f"{one.get('stage')}: {one.get('fallback')}"] += 1
        for stage, ms in answer.timing_ms.items():
            self.stages[stage].append(ms)

    def _count(self) -> None:
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def _sweep(self) -> None:
        """Gives up what has waited too long, in the generator or on a connection."""
        if self.done.done():
            return
        limit = time.monotonic() - self.start - self.timeout_s
        while self.backlog and self.due[self.backlog[0]] < limit:
            self.backlog.popleft()
            self._count()
        for one in [one for one in self.busy if self.due[one.at] < limit]:
            one.transport.abort()
        self.loop.call_later(_SWEEP_S, self._sweep)

    # The life of a connection

    def opened(self, one: Connection) -> None:
        if self.closing:
            one.transport.abort()
        elif self.backlog:
            one.ask(self.backlog.popleft(), time.monotonic() - self.start)
        else:
            self.idle.append(one)

    def lost(self, one: Connection) -> None:
        """A request that was on it has no answer."""
        self.alive -= 1
        if one in self.busy:
            self.busy.discard(one)
            self._count()
        elif one in self.idle:
            self.idle.remove(one)
        self._open_more()

    def _open_more(self) -> None:
        """Another connection, where a request waits and there may be one more: an idle one that was closed is not missed."""
        if self.closing or not self.backlog or self.alive >= self.wanted:
            return
        self.alive += 1
        opening = self.loop.create_task(self._open())
        self.opening.add(opening)  # The loop itself holds its tasks only weakly.
        opening.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self.opening.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.alive -= 1
            self.loop.call_later(_AGAIN_S, self._open_more)
