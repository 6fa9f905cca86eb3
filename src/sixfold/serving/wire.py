"""How workers reach the writer: frames of msgpack over a Unix socket, many in flight on one connection.

A frame is its length as four bytes and a message. `Link` sends batches of events and awaits their fate; while the writer is
away it says so at once and tries to reach it again in the background.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import math
import os
import struct
import tempfile
import time
from pathlib import Path

import msgspec

from ..errors import DataError, Unavailable
from ..events.codec import pack
from ..events.schema import Events

LARGEST = 64 << 20
"""Bytes of a frame at most."""
PATIENCE_S = 0.05
"""Between two tries to reach the writer."""
SILENT_S = 1.0
"""A writer that owes an answer for so long counts as away: what is sent to it meanwhile would only pile up."""


class Append(msgspec.Struct, array_like=True, tag="append"):
    """Take these events in; `events` is what `codec.pack` gives. served: values that were served, encoded, by decision."""

    number: int
    events: bytes
    served: dict[str, bytes] = {}


class Appended(msgspec.Struct, array_like=True, tag="appended"):
    """What became of an Append: counts, ids in conflict, or why nothing was taken in."""

    number: int
    accepted: int = 0
    duplicates: int = 0
    conflicts: list[str] = []
    error: str = ""
    wrong: bool = False
    """The events themselves are at fault: sent again they are refused again."""


_encoder = msgspec.msgpack.Encoder()
_decode_reply = msgspec.msgpack.Decoder(Appended).decode
decode_append = msgspec.msgpack.Decoder(Append).decode


def framed(message: msgspec.Struct) -> bytes:
    """A message as a frame."""
    body = _encoder.encode(message)
    return struct.pack("<I", len(body)) + body


async def frame(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the next frame, None at the end of the stream."""
    try:
        (size,) = struct.unpack("<I", await reader.readexactly(4))
        return await reader.readexactly(size) if size <= LARGEST else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def socket_path(folder: Path) -> Path:
    """Where the writer of a workspace listens: below the temporary folder, for a socket's path has 107 bytes at most."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    home = Path(tempfile.gettempdir()) / f"sixfold-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    return home / f"{name}.sock"


class Link:
    """A worker's connection to the writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Appended]] = {}
        self._since: dict[int, float] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether the writer is there and answers."""
        oldest = next(iter(self._since.values()), math.inf)
        return self._writer is not None and time.monotonic() - oldest < SILENT_S

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._stay())

    async def append(self, events: Events, served: dict[str, bytes] | None = None) -> Appended:
        """Send events and await that they are on disk.

        Raises Unavailable where the writer is away, or went meanwhile; DataError where it will not have these events.
        """
        if self._writer is None or not self.up:
            raise Unavailable(
                "the writer of the log is away; send the same events again in a moment, they are kept once"
            )
        number = next(self._numbers)
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting[number], self._since[number] = future, time.monotonic()
        try:
            self._writer.write(framed(Append(number, pack(events), served or {})))
            await self._writer.drain()
            done = await future
        except ConnectionError as error:
            raise Unavailable(f"the writer of the log went away ({error}); send the same events again") from error
        finally:
            del self._waiting[number], self._since[number]
        if done.error:
            raise DataError(done.error) if done.wrong else Unavailable(done.error)
        return done

    async def _stay(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, self._writer = await asyncio.open_unix_connection(str(self._path))
                await self._listen(reader)
            self._drop()
            await asyncio.sleep(PATIENCE_S)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (body := await frame(reader)) is not None:
            done = _decode_reply(body)
            future = self._waiting.get(done.number)
            if future is not None and not future.done():
                future.set_result(done)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection was cut"))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._drop()
