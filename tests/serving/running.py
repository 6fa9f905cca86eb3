"""A service as a process of its own, and plain requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sixfold.scaling.served import free_port


@dataclass
class Running:
    """`sixfold serve` of a workspace."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, data, {"content-type": kind} if data is not None else {})
            answer = connection.getresponse()
            text = answer.read()
        return answer.status, json.loads(text) if "json" in answer.headers["content-type"] else text.decode()

    def children(self, part: str) -> list[int]:
        """The process ids of the service's writer or workers."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [pid for pid in map(int, found) if f'"part":"{part}"' in _command(pid)]

    def kill(self, part: str) -> int:
        """SIGKILL the writer or a worker; gives its process id."""
        pid = self.children(part)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def until_ready(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/health/ready")[0] == 200:
                    return
            assert time.monotonic() < end and self.process.poll() is None, "the service does not become ready"
            time.sleep(0.02)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@contextlib.contextmanager
def serving(folder: Path, *options: str, port: int | None = None) -> Iterator[Running]:
    """A service that is ready; stopped by SIGTERM at the end, which must end it with 0."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sixfold.cli.main", "serve", "--dir", str(folder), "--port", str(port), *options],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    service = Running(process, port)
    try:
        service.until_ready()
        yield service
    except BaseException as failed:
        process.send_signal(signal.SIGTERM)
        failed.add_note(process.communicate(timeout=30)[1])
        raise
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
