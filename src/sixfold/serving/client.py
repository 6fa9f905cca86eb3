"""HTTP between the services: keep-alive connections to one address, a message out and a message back.

As many connections as requests are under way, up to a limit; beyond it nothing waits, it fails at once. A connection that
broke while idle is replaced before anything was sent on it, so that a restarted service costs no request.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from ..errors import DesignError, Unavailable

MOST = 256
"""Requests under way to one service at most."""
_HEAD_BYTES = 64 << 10


class Client:
    """A service at an address such as http://127.0.0.1:8001."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise DesignError(f"{url!r} is no address of a service; give one such as http://127.0.0.1:8001")
        self.url, self._host, self._port = url, parts.hostname, parts.port or 80
        self._fixed = f"host: {parts.netloc}\r\ncontent-type: application/msgpack\r\n"
        if token:
            self._fixed += f"authorization: Bearer {token}\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._busy = 0

    async def post(self, path: str, body: bytes, *, deadline_ms: float) -> bytes:
        """The body of the answer. Raises Unavailable where there is none, or one other than 200."""
        if self._busy >= MOST:
            raise Unavailable(f"{MOST} requests to {self.url} are under way")
        self._busy += 1
        stream = None
        try:
            stream = await self._connected()
            head = f"POST {path} HTTP/1.1\r\n{self._fixed}x-sixfold-deadline-ms: {deadline_ms:.0f}\r\n"
            stream[1].write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            status, close, answer = await _answer(stream[0])
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise Unavailable(f"{self.url} does not answer ({error or type(error).__name__})") from error
        else:
            if not close:
                self._idle.append(stream)
                stream = None
        finally:
            # Also where the deadline passed: the late answer must not be taken for that of the next request.
            self._busy -= 1
            if stream is not None:
                stream[1].close()
        if status != 200:
            raise Unavailable(f"{self.url}{path} answered {status}: {answer[:200].decode(errors='replace')}")
        return answer

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port, limit=_HEAD_BYTES)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Status, whether the connection ends here, and body of an answer that says how long it is."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split(" ", 2)[1]), headers.get("connection") == "close", body
