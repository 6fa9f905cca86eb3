"""What is posted, and the connections it goes over.

A raw protocol with httptools' parser costs some 30 us a request; a client library costs ten times that and would be what is
measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import httptools

from .schedule import Seconds


@dataclass(frozen=True, slots=True)
class Post:
    """One request: what is posted, and where below the service's URL."""

    path: str
    body: bytes
    form: str = "application/json"

    def wire(self, host: str, base: str = "") -> bytes:
        """Its bytes on the wire."""
        head = (
            f"POST {base}{self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {self.form}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests, taken in turn, for a schedule, over at most so many connections."""

    requests: Sequence[Post]
    due: Seconds
    connections: int = 64


class Player(Protocol):
    """Whoever gives a connection its requests and takes the answers."""

    wires: list[bytes]
    sent: list[float]
    busy: set[Connection]

    def opened(self, one: Connection) -> None: ...
    def answered(self, one: Connection, at: int, status: int, body: bytes) -> None: ...
    def lost(self, one: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request at a time."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.at = -1
        self.gone = False
        self.parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass.
        self.parser = httptools.HttpResponseParser(self)
        self.player.opened(self)

    def ask(self, at: int, now: float) -> None:
        player = self.player
        self.at, self.parts = at, []
        player.busy.add(self)
        player.sent[at] = now
        self.transport.write(player.wires[at % len(player.wires)])

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        if self not in self.player.busy:
            self.transport.abort()  # An answer that nobody asked for.
            return
        if not self.parser.should_keep_alive():
            self.gone = True
            self.transport.close()
        self.player.answered(self, self.at, self.parser.get_status_code(), b"".join(self.parts))

    def connection_lost(self, error: Exception | None) -> None:
        self.player.lost(self)
