"""One connection that cannot be held open: uvicorn's, with a time by which each step must be done.

uvicorn waits for ever for the rest of a request line, of a header, of a body, and for a client to read; it holds any
number of connections and any size of header. Here every state of a connection has a `due` time, or none while we are the
ones who work, and one sweep over all of them ten times a second cuts those that are past it: no timer per request.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .body import MIB
from .failures import Refused, again, failure
from .http import ARRIVAL
from .telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take for each step, and how much it may hold."""

    header_s: float = 5
    """From the connection, or the first byte of a request, to the end of its headers."""
    body_s: float = 10
    """From the end of the headers to the end of the body."""
    write_s: float = 10
    """For which a client may leave unread what was sent."""
    keep_alive_s: float = 30
    connections: int = 4096
    header_bytes: int = 64 * 1024
    message_bytes: int = 16 * MIB
    """Of a body on the wire, whatever a route takes; past it the connection is cut."""
    grace_s: float = 2
    """For which an idle connection is kept when the server stops: a request may be under way to it."""
    drain_s: float = 20
    """After which a stopping server no longer waits for requests in flight."""


class Gate:
    """What the connections of one server share."""

    def __init__(self, limits: Limits, telemetry: Telemetry) -> None:
        self.limits = limits
        self.draining = False
        self.cut = telemetry.counter(
            "sixfold_connections_cut_total", "Connections that were cut, by what they did.", labels=("reason",)
        )
        self.open = telemetry.gauge("sixfold_connections", "Connections that are open.", merge="sum").of()


class Reading(Enum):
    """Which part of a request is awaited."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class Connection(HttpToolsProtocol):
    """uvicorn's connection with the limits of a gate."""

    def __init__(self, gate: Gate, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._gate = gate
        self._reading = Reading.NOTHING
        self._taken = 0
        self._due = math.inf
        self._read_by = math.inf

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        limits = self._gate.limits
        self._due = time.monotonic() + (limits.grace_s if self._gate.draining else limits.header_s)
        if len(self.connections) > limits.connections:
            self._cut("cap", Refused(503, "overloaded", "too many connections are open; come again", again(1)))

    def data_received(self, data: bytes) -> None:
        before = self._reading
        super().data_received(data)
        # Of the first bytes of a part it is not known how many belong to it: they are let pass.
        self._taken = self._taken + len(data) if self._reading is before else 0
        limits = self._gate.limits
        if self._reading is Reading.HEAD and self._taken > limits.header_bytes:
            self._cut(
                "head", Refused(431, "too_large", f"the headers are over {limits.header_bytes} bytes; send fewer")
            )
        elif self._reading is Reading.BODY and self._taken > limits.message_bytes:
            self._cut(
                "body", Refused(413, "too_large", f"the body is over {limits.message_bytes} bytes; send it in parts")
            )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = Reading.HEAD
        self._due = time.monotonic() + self._gate.limits.header_s

    def on_headers_complete(self) -> None:
        now = time.monotonic()
        self.scope[ARRIVAL] = now  # type: ignore[literal-required]
        super().on_headers_complete()
        self._reading = Reading.BODY
        self._due = now + self._gate.limits.body_s
        if self._gate.draining:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading = Reading.NOTHING
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._reading is Reading.BODY:
            # Either the answer came before the body, or the next request was not read while we worked.
            self._due = time.monotonic() + self._gate.limits.body_s
        self._settle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_by = time.monotonic() + self._gate.limits.write_s

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_by = math.inf

    def shutdown(self) -> None:
        """The server stops: the answer in flight is the last one, an idle connection is kept for the grace."""
        if self._busy and not self.cycle.response_started:
            self.cycle.keep_alive = False
        elif self._busy and self.cycle.chunked_encoding:
            # An answer that goes on has no end to wait for: its reader comes back to whoever serves then.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.transport.close()
        elif not self._busy and self._reading is Reading.NOTHING:
            self._due = min(self._due, time.monotonic() + self._gate.limits.grace_s)

    def send_400_response(self, msg: str) -> None:
        self._cut("malformed", Refused(400, "bad_request", "this is not HTTP/1.1; speak HTTP/1.1 without TLS"))

    def expire(self, now: float) -> bool:
        """Cut the connection where it is past its time; whether that was so."""
        if now < self._due and now < self._read_by:
            return False
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            # Closing would wait for the client to read what it does not read.
            self._gate.cut.of("unread").add()
            self.transport.abort()
        elif self._reading is Reading.NOTHING:
            self._gate.cut.of("idle").add()
            self.transport.close()
        elif self._reading is Reading.BODY and self.flow.read_paused:
            self._due = now + self._gate.limits.body_s
        else:
            part = "headers" if self._reading is Reading.HEAD else "body"
            message = f"the {part} of the request did not come in time; send it at once"
            self._cut(f"slow {part}", Refused(408, "slow_client", message))
        return True

    @property
    def _busy(self) -> bool:
        """Whether an answer is owed. Answers are given in order, so the newest request is the last to get one."""
        return self.cycle is not None and not self.cycle.response_complete

    def _settle(self) -> None:
        """The due time of a connection from which nothing has begun to come."""
        limits = self._gate.limits
        now = time.monotonic()
        if self.transport.is_closing():
            self._due = now + limits.write_s
        elif self._reading is Reading.NOTHING:
            idle_s = limits.grace_s if self._gate.draining else limits.keep_alive_s
            self._due = math.inf if self._busy else now + idle_s

    def _cut(self, reason: str, refused: Refused) -> None:
        """Say why and close; where an earlier request is still owed its answer, close after that and say nothing."""
        if self.transport.is_closing():
            return
        self._gate.cut.of(reason).add()
        if self._busy and self._reading is not Reading.BODY:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            self._due = math.inf
            return
        # Of the body's own request the answer may have begun, and before it in the pipeline others may be owed theirs.
        if self._reading is not Reading.BODY or (self._busy and not self.cycle.response_started and not self.pipeline):
            self.transport.write(_response(refused))
        self.transport.close()
        self._due = time.monotonic() + self._gate.limits.write_s


def _response(refused: Refused) -> bytes:
    """A whole answer in one write, for when there is no request that could be answered."""
    body = failure(refused, "")
    lines = [
        STATUS_LINE[refused.status] + b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
        *(name + b": " + value for name, value in refused.headers),
    ]
    return b"\r\n".join([*lines, b"", body])
