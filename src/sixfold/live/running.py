"""A service as a process of its own, those who ask it over HTTP, and `sixfold train` on what it wrote."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..errors import Unavailable
from ..events import outgoing
from ..events.schema import Events
from ..scaling.served import running
from ..serving.messages import Slate
from ..workspace import Workspace
from .results import Training

TRIES = 8
PAUSE_S = 0.2
ASKERS = 8
"""Requests under way at once."""
NICE = 10
"""How far a training stands back for a service beside it."""
LINES = 5000
"""Events of one post."""

Answer = Slate | None


def train(workspace: Workspace, force: bool) -> Training:
    """`sixfold train` as a process of its own, of low priority: members who ask meanwhile come first."""
    began = time.monotonic()
    words = ["train", "--json", "--dir", str(workspace.folder), *(["--force"] if force else [])]
    process = subprocess.Popen([*_SIXFOLD, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    out, said = process.communicate()
    if process.returncode not in (0, 1) or not out:
        raise Unavailable(f"'sixfold train --dir {workspace.folder}' ended with {process.returncode}: {said.strip()}")
    found = msgspec.json.decode(out, type=_Trained)
    return Training(
        release=found.release, passed=found.gate.passed, reasons=found.gate.reasons, seconds=time.monotonic() - began
    )


class _Gate(msgspec.Struct):
    passed: bool
    reasons: list[str]


class _Trained(msgspec.Struct):
    release: str
    gate: _Gate


_SIXFOLD = [sys.executable, "-m", "sixfold.cli.main"]


@dataclass
class Client:
    """Those who ask, over keep-alive connections, one of each thread."""

    port: int
    _open: list[http.client.HTTPConnection] = field(default_factory=list)
    _own: threading.local = field(default_factory=threading.local)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ASKERS))

    def ask(self, requests: Sequence[dict[str, object]]) -> list[Answer]:
        """A slate for each request, None where there was none however often it was asked for."""
        return list(self._pool.map(self._slate, requests))

    def tell(self, events: Events) -> None:
        """Post events. Raises Unavailable where one is refused: it is the world's own, and there is no other."""
        lines = outgoing.render(events).splitlines(keepends=True)
        for at in range(0, len(lines), LINES):
            status, body = self._post("/v1/events", b"".join(lines[at : at + LINES]), "application/x-ndjson")
            taken = msgspec.json.decode(body)
            if status != 200 or taken["rejected"] or taken["conflicts"]:
                raise Unavailable(f"the service refused events of the world ({status}): {body[:300].decode()}")

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._open:
            connection.close()

    def _slate(self, request: dict[str, object]) -> Answer:
        try:
            status, body = self._post("/v1/recommend", msgspec.json.encode(request), "application/json")
        except Unavailable:
            return None
        return msgspec.json.decode(body, type=Slate) if status == 200 else None

    def _post(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        """Status and body; asked again after 503 and where the connection broke."""
        why: object = ""
        for attempt in range(TRIES):
            time.sleep(PAUSE_S * attempt)
            try:
                status, answer = self._once(path, body, kind)
            except (OSError, http.client.HTTPException) as error:
                why = error
                continue
            if status != 503:
                return status, answer
            why = answer[:200].decode(errors="replace")
        raise Unavailable(f"the service at port {self.port} does not answer {path}: {why}")

    def _once(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._open.append(connection)
        try:
            connection.request("POST", path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            connection.close()
            raise


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Client]:
    """Those who ask a service of a workspace that takes each request's own ts; what it says is in `live/serve.log`."""
    said = folder / "live" / "serve.log"
    said.parent.mkdir(exist_ok=True)
    with running(folder, "--clock", "request", said=said) as served:
        client = Client(served.port)
        try:
            yield client
        finally:
            client.close()
