"""The server around the application: where it listens, who may reach it, and how it stops without losing a request.

A listening socket belongs to one process; several share a port by SO_REUSEPORT, so that the next process may listen
before this one stops. Closing such a socket resets what waits in its accept queue, so a stopping server first lets the
kernel drop new SYNs to it (their clients send them again, to the next process), accepts until the queue is empty, and
only then closes. Requests in flight are finished, and each connection is told that its answer is the last.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import ipaddress
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from ..errors import DesignError
from .connection import Connection, Gate, Limits
from .telemetry import Telemetry

BACKLOG = 1024
TOKEN_CHARACTERS = 16
"""The shortest token that is taken."""
HANDSHAKE_S = 0.05
"""For which handshakes that have begun may end, once new ones are dropped."""
QUEUE_S = 1.0
"""The longest that emptying the accept queue may take."""
SWEEP_S = 0.02
CUT_AT_ONCE = 50
"""Connections that one sweep cuts at most: a thousand of them take 50 ms, for which nobody would be answered."""

_SO_ATTACH_FILTER = 26
_DROP_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""Classic BPF over the TCP header: load the byte of flags; where SYN is set keep 0 bytes of the packet, else all."""


def check_address(host: str, token_file: Path | None) -> str | None:
    """The token that requests must bear, None where none is asked. Raises DesignError.

    An address that others can reach needs a token; on loopback it is a choice.
    """
    if token_file is None:
        if not _loopback(host):
            raise DesignError(
                f"host {host!r} can be reached from other machines; give --token-file FILE with a secret, or use 127.0.0.1"
            )
        return None
    try:
        token = token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"token file {token_file} cannot be read ({error}); write a line of ASCII there") from error
    if len(token) < TOKEN_CHARACTERS or not token.isprintable() or " " in token:
        raise DesignError(
            f"the token in {token_file} is too short or has blanks; write {TOKEN_CHARACTERS} or more characters, "
            "such as those of: openssl rand -hex 32"
        )
    return token


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises DesignError.

    With `shared` other processes of this user may listen on the same port already, and each gets a part of the connections.
    Without, that is an error: a second server by mistake would answer half of the requests of the first.
    """
    if not 0 <= port < 1 << 16:
        # The resolver would take it modulo 65 536.
        raise DesignError(f"port {port} is none; choose one from 1 to 65535 with --port, or 0 for any that is free")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not shared and port:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise DesignError(_unbound(host, port, error)) from error
    sock.setblocking(False)
    return sock


class Server(uvicorn.Server):
    """uvicorn with limits and a drain. `run()` serves until `stop()`, SIGTERM or SIGINT; a second signal cuts the drain."""

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        *,
        limits: Limits = Limits(),
        ready: Callable[[], None] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.gate = Gate(limits, telemetry or Telemetry())
        self._sock, self._ready = sock, ready
        protocol: Any = partial(Connection, self.gate)
        super().__init__(
            uvicorn.Config(
                app, http=protocol, ws="none", loop="uvloop", lifespan="on", interface="asgi3", workers=1, backlog=BACKLOG,
                # Ours is the shorter one: uvicorn's starts again with every byte that comes.
                timeout_keep_alive=2 * int(limits.keep_alive_s) + 60,
                log_config=None, log_level="error", access_log=False, proxy_headers=False, server_header=False,
            )
        )  # fmt: skip

    @property
    def draining(self) -> bool:
        """Whether the server is stopping: it answers what it has and is not ready for more."""
        return self.gate.draining

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets=sockets or [self._sock])

    def stop(self) -> None:
        """Begin to drain, within a tenth of a second; from any thread."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn raises the signal again when it is done, so that the process would die of it and not exit with 0.
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self._ready:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        self._sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.gate.draining = True
        state, end = self.server_state, time.monotonic() + self.gate.limits.drain_s
        for connection in list(state.connections):
            connection.shutdown()
        await self._stop_accepting(sockets or [])
        while (state.connections or state.tasks) and time.monotonic() < end and not self.force_exit:
            self._sweep()
            await asyncio.sleep(SWEEP_S)
        for task in list(state.tasks):
            task.cancel()
        if state.tasks:
            await asyncio.wait(list(state.tasks), timeout=1)
        for connection in list(state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()

    async def _stop_accepting(self, sockets: Sequence[socket.socket]) -> None:
        filtered = [_drop_new(sock) for sock in sockets]
        if all(filtered):
            await asyncio.sleep(HANDSHAKE_S)
        end = time.monotonic() + QUEUE_S
        while any(_queued(sock) for sock in sockets) and time.monotonic() < end:
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for sock in sockets:
            sock.close()

    def _sweep(self) -> None:
        connections: Any = self.server_state.connections
        now = time.monotonic()
        self.gate.open.set(len(connections))
        cut = 0
        for connection in list(connections):
            cut += connection.expire(now)
            if cut == CUT_AT_ONCE:
                break


def serve(
    app: Any,
    sock: socket.socket,
    *,
    limits: Limits = Limits(),
    ready: Callable[[], None] | None = None,
    telemetry: Telemetry | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; returns once everything accepted is answered. `ready` is called when it listens."""
    Server(app, sock, limits=limits, ready=ready, telemetry=telemetry).run()


def _drop_new(sock: socket.socket) -> bool:
    """Let the kernel drop SYNs to a listening socket; False where it cannot."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _DROP_SYN))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_DROP_SYN), ctypes.addressof(code)))
    except OSError:
        return False
    return True


def _queued(sock: socket.socket) -> bool:
    """Whether a connection waits to be accepted."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unbound(host: str, port: int, error: Exception) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} of {host} is in use; stop what listens there or choose another with --port"
        case errno.EACCES:
            return f"port {port} may not be bound by this user; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"host {host!r} is no address of this machine; use 127.0.0.1 or one of its own with --host"
    return f"{host}:{port} cannot be listened on ({error}); check --host and --port"
