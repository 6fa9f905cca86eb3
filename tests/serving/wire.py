"""A server in a thread and raw sockets to it: what a client may do that no library would."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sixfold.serving.connection import Limits
from sixfold.serving.guard import Server, bind
from sixfold.serving.http import App, Raw, Route
from sixfold.serving.messages import Health
from sixfold.serving.telemetry import Telemetry

PATIENCE_S = 10
"""No test waits so long unless it fails."""


@dataclass(frozen=True)
class Given:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection, by bytes."""

    def __init__(self, port: int, *, receive_bytes: int | None = None) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE_S)
        if receive_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self._rest = b""

    def send(self, *parts: str | bytes) -> Wire:
        self.sock.sendall(b"".join(part.encode() if isinstance(part, str) else part for part in parts))
        return self

    def get(self, path: str = "/", *, headers: str = "") -> Wire:
        return self.send(f"GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n")

    def post(self, path: str, body: bytes) -> Wire:
        return self.send(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n", TYPE, "\r\n", body)

    def answer(self) -> Given:
        """The next answer, whole."""
        head, self._rest = self._until(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._rest) < length:
            self._rest += self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return Given(int(status.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether the server ended the connection with nothing more to say; waits for it."""
        try:
            return self._rest == self.sock.recv(1) == b""
        except ConnectionError:
            return self._rest == b""

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(PATIENCE_S)

    def close(self) -> None:
        self.sock.close()

    def _until(self, mark: bytes) -> tuple[bytes, bytes]:
        while mark not in self._rest:
            self._rest += self._more()
        head, _, rest = self._rest.partition(mark)
        return head, rest

    def _more(self) -> bytes:
        got = self.sock.recv(65536)
        if not got:
            raise ConnectionError(f"ended after {self._rest!r}")
        return got


TYPE = "content-type: application/json\r\n"


class Watched(Server):
    """A server that says when it begins to stop, and can be held there, its loop at a stand."""

    stopping: threading.Event
    held: threading.Event | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.held:
            self.stopping.set()
            assert self.held.wait(PATIENCE_S)
        asyncio.get_running_loop().call_soon(self.stopping.set)
        await super().shutdown(sockets)


@dataclass
class Running:
    """A server, and the handlers' side of it.

    /wait says when it has begun, and answers once `release` is called.
    """

    port: int
    telemetry: Telemetry = field(default_factory=Telemetry)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ready: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    wires: list[Wire] = field(default_factory=list)
    server: Watched | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _released: asyncio.Event | None = None

    def wire(self, **options: Any) -> Wire:
        self.wires.append(Wire(self.port, **options))
        return self.wires[-1]

    def release(self) -> None:
        assert self._loop and self._released
        self._loop.call_soon_threadsafe(self._released.set)

    def wait_begun(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE_S)

    def stop(self) -> None:
        """Begin to stop; returns when that has begun."""
        assert self.server
        self.server.stop()
        assert self.server.stopping.wait(PATIENCE_S)

    def cut(self) -> dict[str, int]:
        """How many connections were cut, by reason."""
        return {key[0]: n for key, n in self.telemetry.snapshot()["sixfold_connections_cut_total"]["series"]}

    def routes(self) -> Sequence[Route]:
        async def hello(_: object, __: object) -> Health:
            return Health(ok=True)

        async def echo(body: bytes, _: object) -> Raw:
            return Raw(body)

        async def large(_: object, __: object) -> Raw:
            return Raw(bytes(32 << 20))

        async def wait(_: object, __: object) -> Health:
            self._loop = asyncio.get_running_loop()
            self._released = self._released or asyncio.Event()
            self.begun.release()
            await self._released.wait()
            return Health(ok=True, reasons=["waited"])

        gets = {"/": hello, "/wait": wait, "/large": large}
        return [
            *(Route("GET", path, handler, deadline_s=60) for path, handler in gets.items()),
            Route("POST", "/echo", echo, bytes, max_bytes=1 << 20, deadline_s=60),
        ]


@contextmanager
def running(*, limits: Limits = Limits(), port: int = 0, shared: bool = False) -> Iterator[Running]:
    sock = bind("127.0.0.1", port, shared=shared)
    run = Running(sock.getsockname()[1])
    app = App(run.routes(), run.telemetry)

    async def told(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        if scope["type"] == "http":
            run.ended.set()

    run.server = Watched(told, sock, limits=limits, ready=run.ready.set, telemetry=run.telemetry)
    run.server.stopping = threading.Event()
    thread = threading.Thread(target=run.server.run)
    thread.start()
    try:
        assert run.ready.wait(PATIENCE_S)
        yield run
    finally:
        if run.server.held:
            run.server.held.set()
        # Where nobody waits, or the server has ended already, there is nothing to release.
        with suppress(AssertionError, RuntimeError):
            run.release()
        for wire in run.wires:
            wire.close()
        run.server.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
