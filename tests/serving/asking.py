"""Asking the application without a socket: one request in, status, headers and body out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from sixfold.serving.http import App

JSON = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Given:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]

    @property
    def message(self) -> str:
        return self.json["error"]["message"]


def ask(
    app: App,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    *,
    headers: Iterable[tuple[bytes, bytes]] = (JSON,),
    arrival: float | None = None,
) -> Given | None:
    """The answer, None where the application gave none."""
    parts = [body] if isinstance(body, bytes) else list(body)
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    if arrival is not None:
        scope["sixfold.arrival"] = arrival
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    if not sent:
        return None
    start, *bodies = sent
    return Given(start["status"], dict(start["headers"]), b"".join(one["body"] for one in bodies))
