"""The application behind the socket: routes, limits, typed bodies, errors as JSON, request ids. Raw ASGI.

A handler gets a decoded message and gives one back; everything that HTTP can get wrong is settled before it is called
and everything that it raises is answered after. One request costs about 30 us here.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import logging
import os
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from . import body as bodies
from .body import MIB, Gone, Receive
from .failures import Headers, Refused, failure, refused
from .streams import Streamed, send_all
from .telemetry import Counter, Telemetry

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ARRIVAL = "sixfold.arrival"
"""The key of the scope under which a server says when the headers were parsed (`time.monotonic`)."""
GRACE_S = 0.25
"""A handler that still runs so long after its deadline is cut: it had its chance to answer with less."""
GONE = 499
"""Counted, never sent: the client left before its request was complete."""
OPEN_PATHS = "/health/"

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MILLISECONDS = re.compile(rb"\d{1,9}(?:\.\d{1,6})?")
_OPEN = re.compile(r"\{\w+\}")
_log = logging.getLogger("sixfold.http")
_access = logging.getLogger("sixfold.access")
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as bytes."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Headers = ()


def answer(message: msgspec.Struct, *, status: int) -> Raw:
    """A message with a status other than 200."""
    return Raw(_encoder.encode(message), status=status)


class Context(msgspec.Struct, frozen=True):
    """What a handler may know of its request beside the body. Times are seconds of `time.monotonic`."""

    request_id: str
    arrival: float
    """When the headers were parsed: the time since is what the request has waited."""
    deadline: float
    """When the answer is due: the route's own deadline, or an earlier one that the client asked for."""
    headers: dict[bytes, bytes]
    content_type: str
    """Of the body, without parameters; empty where none is read."""
    part: str = ""
    """What stands in the path where the route's has a name in braces."""


Handler: TypeAlias = Callable[[Any, Context], Awaitable[msgspec.Struct | Raw | Streamed]]


@dataclass(frozen=True, slots=True)
class About:
    """What the OpenAPI document says of a route: the message of status 200 (None: `content_type` alone), others."""

    summary: str = ""
    answers: type[msgspec.Struct] | None = None
    content_type: str = "application/json"
    other: tuple[tuple[int, type[msgspec.Struct]], ...] = ()
    body: Any = None
    """The type of a raw body."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, of which a part may be left open, as in /v1/things/{id}.

    `request` is a message, or `bytes` for the body as it came, or None where none is read.
    """

    method: str
    path: str
    handler: Handler
    request: type[msgspec.Struct] | type[bytes] | None = None
    accepts: tuple[str, ...] = ("application/json",)
    max_bytes: int = MIB
    deadline_s: float = 1.0
    about: About = About()
    open: bool = False
    """Whether it is answered without a token."""


class _Served:
    """A route with what its requests need at hand."""

    __slots__ = ("accepts", "counts", "decoder", "route", "seconds")

    def __init__(self, route: Route | None, telemetry: Telemetry) -> None:
        name = route.path if route else "none"
        requests = telemetry.counter("sixfold_http_requests_total", "Requests by status.", labels=("route", "status"))
        seconds = telemetry.histogram(
            "sixfold_http_seconds", "From the parsed headers to the sent answer.", labels=("route",)
        )
        self.route = route
        self.decoder = msgspec.json.Decoder(route.request) if route and route.request not in (None, bytes) else None
        self.accepts = {kind.encode(): kind for kind in route.accepts} if route else {}
        self.seconds = seconds.of(name)
        self.counts: Callable[[str], Counter] = lambda status: requests.of(name, status)


class App:
    """The ASGI application of some routes.

    `token` is asked of every path but /health/* and open routes. `log_every` logs each n-th answer below 400 and each n-th
    shed one, 0 none of them; all other answers are logged. `lifespan` spans all requests.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        telemetry: Telemetry,
        *,
        token: str | None = None,
        log_every: int = 0,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
    ) -> None:
        self._paths: dict[str, dict[str, _Served]] = {}
        for route in routes:
            self._paths.setdefault(route.path, {})[route.method] = _Served(route, telemetry)
        self._patterns = [(_OPEN.split(path), methods) for path, methods in self._paths.items() if _OPEN.search(path)]
        self._nowhere = _Served(None, telemetry)
        self._waited = telemetry.histogram(
            "sixfold_http_wait_seconds", "From the parsed headers to the start of the work."
        ).of()
        self._open = {route.path for route in routes if route.open}
        self._token = token.encode() if token is not None else None
        self._log_every, self._to_log = log_every, 0
        self._lifespan = lifespan
        self._ids = _request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = time.monotonic()
        arrival = scope.get(ARRIVAL, now)
        self._waited.observe(now - arrival)
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        request_id = given.decode() if given and _REQUEST_ID.fullmatch(given) else next(self._ids)
        served = self._nowhere
        try:
            self._admit(scope["path"], headers)
            served, part = self._find(scope["path"], scope["method"])
            raw = await self._handle(served, part, receive, headers, arrival, request_id)
        except Gone:
            served.counts(str(GONE)).add()
            return
        except (Exception, asyncio.CancelledError) as error:
            raw = _failed(error, headers, request_id)
        head, status = scope["method"] == "HEAD", 200 if isinstance(raw, Streamed) else raw.status
        if isinstance(raw, Raw):
            await self._send(send, raw, request_id, head=head)
        took = time.monotonic() - arrival
        served.seconds.observe(took)
        served.counts(str(status)).add()
        self._log(scope, status, took, request_id)
        if isinstance(raw, Streamed):
            await send_all(raw, receive, send, request_id=request_id, head=head)

    def _admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        if self._token is None or path in self._open or path.startswith(OPEN_PATHS):
            return
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if not hmac.compare_digest(token.strip(), self._token) or scheme.lower() != b"bearer":
            raise Refused(
                401, "unauthorised", "a bearer token is needed here; send it as 'authorization: Bearer ...'",
                ((b"www-authenticate", b"Bearer"),),
            )  # fmt: skip

    def _find(self, path: str, method: str) -> tuple[_Served, str]:
        methods, part = self._paths.get(path), ""
        if methods is None:
            methods, part = self._patterned(path)
        if methods is None:
            raise Refused(404, "not_found", f"there is nothing at {path[:128]!r}; /openapi.json lists what there is")
        served = methods.get("GET" if method == "HEAD" else method)
        if served is None:
            allowed = ", ".join(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))
            raise Refused(
                405, "method_not_allowed", f"{path} is not for {method}; use {allowed}", ((b"allow", allowed.encode()),)
            )
        return served, part

    def _patterned(self, path: str) -> tuple[dict[str, _Served] | None, str]:
        """The route of which a part is left open, and what stands there."""
        for (start, stop), methods in self._patterns:
            part = path[len(start) : len(path) - len(stop)]
            if path == start + part + stop and part and "/" not in part:
                return methods, part
        return None, ""

    async def _handle(
        self, served: _Served, part: str, receive: Receive, headers: dict[bytes, bytes], arrival: float, request_id: str
    ) -> Raw | Streamed:
        route = served.route
        assert route is not None
        deadline = arrival + _allowed_s(headers, route.deadline_s)
        kind, message = "", None
        if route.request is not None:
            kind = _content_type(served, headers)
            body = await bodies.read(receive, headers.get(b"content-length"), route.max_bytes)
            body = bodies.inflated(body, headers.get(b"content-encoding"), route.max_bytes)
            if kind.endswith("json"):
                bodies.check_depth(body, lines=kind.endswith("x-ndjson"))
            message = body if served.decoder is None else bodies.typed(served.decoder, body)
        context = Context(request_id, arrival, deadline, headers, kind, part)
        async with asyncio.timeout(deadline + GRACE_S - time.monotonic()):
            given = await route.handler(message, context)
        return given if isinstance(given, Raw | Streamed) else Raw(_encoder.encode(given))

    async def _send(self, send: Send, raw: Raw, request_id: str, *, head: bool) -> None:
        headers = [
            (b"content-type", raw.content_type.encode()),
            (b"content-length", b"%d" % len(raw.body)),
            (b"x-request-id", request_id.encode()),
            *raw.headers,
        ]
        await send({"type": "http.response.start", "status": raw.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else raw.body})

    def _log(self, scope: Scope, status: int, took: float, request_id: str) -> None:
        if status < 400 or status == 503:
            if not self._log_every:
                return
            self._to_log = (self._to_log + 1) % self._log_every
            if self._to_log:
                return
        if _access.isEnabledFor(logging.INFO):
            line = {
                "request_id": request_id, "method": scope["method"], "path": scope["path"][:256], "status": status,
                "ms": round(took * 1e3, 3),
            }  # fmt: skip
            _access.info(_encoder.encode(line).decode())

    async def _live(self, receive: Receive, send: Send) -> None:
        stage = "startup"
        try:
            await receive()
            # Here and not in the constructor alone: a process forked since must not share ids with its siblings.
            self._ids = _request_ids()
            async with self._lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
                stage = "shutdown"
            await send({"type": "lifespan.shutdown.complete"})
        except Exception as error:
            _log.error(_encoder.encode({"event": stage, "traceback": traceback.format_exc()}).decode())
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})


def _request_ids() -> Iterator[str]:
    """Ids that no other process gives: random bits once, the process, a counter."""
    return map(f"{os.urandom(4).hex()}-{os.getpid():x}-{{:x}}".format, itertools.count(1))


def _allowed_s(headers: dict[bytes, bytes], own_s: float) -> float:
    asked = headers.get(b"x-sixfold-deadline-ms")
    if asked is None:
        return own_s
    if not _MILLISECONDS.fullmatch(asked):
        raise Refused(400, "bad_header", "x-sixfold-deadline-ms is no number of milliseconds; send one such as 80")
    return min(own_s, float(asked) / 1e3)


def _content_type(served: _Served, headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"content-type", b"")
    kind = served.accepts.get(given) or served.accepts.get(given.partition(b";")[0].strip().lower())
    if kind is None:
        wanted = " or ".join(served.accepts.values())
        sent = repr(given[:64].decode("latin-1")) if given else "missing"
        raise Refused(415, "unsupported", f"content-type is {sent}; send {wanted}", ((b"accept", wanted.encode()),))
    return kind


def _failed(error: BaseException, headers: dict[bytes, bytes], request_id: str) -> Raw:
    """The answer to a request whose work raised; what nobody expected is logged, once, and not told to the client."""
    found = refused(error)
    if found.status == 500:
        line = {"event": "failed", "request_id": request_id, "traceback": "".join(traceback.format_exception(error))}
        _log.error(_encoder.encode(line).decode())
    more = found.headers
    if b"expect" in headers:
        # The client may still hold its body back, and then the next request would be read as that body.
        more = (*more, (b"connection", b"close"))
    return Raw(failure(found, request_id), status=found.status, headers=more)
