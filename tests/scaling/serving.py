"""A tiny HTTP server in the test's own loop, that answers, stalls, refuses or hangs up as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httptools


@dataclass(frozen=True)
class Reply:
    """An answer after so many seconds; status 0 hangs up, None never answers."""

    status: int | None = 200
    after_s: float = 0.0
    body: Any = None
    raw: bytes = b""
    close: bool = False


Answers = Callable[[int, bytes], Reply]
"""From a request's number and body."""


class Server(asyncio.Protocol):
    """One connection; `seen` is shared by all."""

    def __init__(self, answers: Answers, seen: list[bytes], open_: set[Any]) -> None:
        self.answers, self.seen, self.open = answers, seen, open_

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.open.add(transport)
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def connection_lost(self, error: Exception | None) -> None:
        self.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        reply, self.body, body = self.answers(len(self.seen), self.body), b"", self.body
        self.seen.append(body)
        if reply.status is not None:
            asyncio.get_running_loop().call_later(reply.after_s, self._answer, reply)

    def _answer(self, reply: Reply) -> None:
        if reply.raw:
            self.transport.write(reply.raw)
            return
        if reply.status == 0:
            self.transport.abort()
            return
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        close = "Connection: close\r\n" if reply.close else ""
        head = f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(body)}\r\n{close}\r\n"
        self.transport.write(head.encode() + body)
        if reply.close:
            self.transport.close()


@contextlib.asynccontextmanager
async def serving(answers: Answers, port: int = 0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The URL of a running server, and the bodies it has seen."""
    seen: list[bytes] = []
    open_: set[Any] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Server(answers, seen, open_), "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()
        for transport in list(open_):
            transport.abort()
        await asyncio.sleep(0)
