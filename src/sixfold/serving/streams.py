"""An answer that goes on: sent chunk by chunk until there is no more, or until the client goes or the server stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer without an end of its own: chunks as they come."""

    chunks: AsyncIterator[bytes]
    content_type: str = "text/event-stream"


def event(name: str, data: bytes) -> bytes:
    """One server-sent event (WHATWG HTML, section 9.2); `data` is one line.

    >>> event("promise", b"{}")
    b'event: promise\\ndata: {}\\n\\n'
    """
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


async def send_all(
    streamed: Streamed,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
    *,
    request_id: str,
    head: bool,
) -> None:
    """Send the head and then every chunk. A reader that is slow holds `send` up, and is cut by its connection."""
    headers = [(b"content-type", streamed.content_type.encode()), (b"cache-control", b"no-store"),
               (b"x-request-id", request_id.encode())]  # fmt: skip
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    pumping, going = asyncio.ensure_future(_pump(streamed, send, head=head)), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait([pumping, going], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pumping, going):
            task.cancel()
        await asyncio.gather(pumping, going, return_exceptions=True)
    if not pumping.cancelled():
        pumping.result()


async def _pump(streamed: Streamed, send: Callable[[Message], Awaitable[None]], *, head: bool) -> None:
    async with contextlib.aclosing(streamed.chunks) as chunks:  # type: ignore[type-var]
        if not head:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
