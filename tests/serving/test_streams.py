"""An answer that goes on ends when it has no more to say, when the client goes, and never without closing what it reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from sixfold.serving.http import About, App, Context, Route
from sixfold.serving.streams import Streamed, event
from sixfold.serving.telemetry import Telemetry


class Source:
    """Chunks of a stream: some numbers, and then, where it is `endless`, nothing for ever."""

    def __init__(self, *, endless: bool) -> None:
        self.endless, self.closed = endless, False

    async def chunks(self) -> AsyncGenerator[bytes]:
        try:
            for number in range(3):
                yield event("number", b"%d" % number)
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def stream(source: Source, *, method: str = "GET", gone_after: int | None = None, fails: bool = False) -> list[Any]:
    """What is sent of a stream to a client that goes after so many chunks, or stays."""
    sent: list[Any] = []
    gone = asyncio.Event()

    async def handler(_: None, context: Context) -> Streamed:
        return Streamed(source.chunks())

    async def receive() -> dict[str, Any]:
        if gone_after is None or not gone.is_set():
            await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if fails and message.get("body"):
            raise ConnectionError("the client is gone")
        sent.append(message)
        if gone_after is not None and sum(bool(one.get("body")) for one in sent) >= gone_after:
            gone.set()

    app = App([Route("GET", "/v1/things/{id}/changes", handler, about=About("Changes."))], Telemetry())
    scope = {"type": "http", "method": method, "path": "/v1/things/a/changes", "headers": []}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    return sent


def test_a_stream_is_sent_to_its_end():
    source = Source(endless=False)
    start, *bodies = stream(source)
    headers = dict(start["headers"])
    assert start["status"] == 200 and headers[b"content-type"] == b"text/event-stream"
    assert headers[b"cache-control"] == b"no-store" and b"content-length" not in headers and headers[b"x-request-id"]
    assert b"".join(one["body"] for one in bodies) == b"".join(event("number", b"%d" % n) for n in range(3))
    assert [one.get("more_body", False) for one in bodies] == [True, True, True, False] and source.closed


def test_a_client_that_goes_ends_it():
    source = Source(endless=True)
    sent = stream(source, gone_after=3)
    assert source.closed and all(one.get("more_body") for one in sent[1:])


def test_head_gets_no_chunk():
    source = Source(endless=True)
    _, *bodies = stream(source, method="HEAD")
    assert [one["body"] for one in bodies] == [b""]


def test_what_fails_in_a_stream_closes_what_it_reads():
    source = Source(endless=True)
    with pytest.raises(ConnectionError):
        stream(source, fails=True)
    assert source.closed
