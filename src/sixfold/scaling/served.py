"""A service started for a while: to be asked, loaded or broken, and stopped in order."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Unavailable
from ..workspace import Workspace

READY_S = 120


@dataclass(frozen=True, slots=True)
class Served:
    """A running service on this machine: where it answers, and its process."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> bytes:
        """What is at a path. Raises Unavailable where there is no answer."""
        return self._answer(path, urllib.request.Request(self.url + path))

    def post(self, path: str, body: bytes) -> bytes:
        """The answer to one JSON body. Raises Unavailable where there is none."""
        return self._answer(path, urllib.request.Request(self.url + path, body, {"content-type": "application/json"}))

    def _answer(self, path: str, asked: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return bytes(answer.read())
        except OSError as error:
            raise Unavailable(f"{self.url}{path} does not answer ({error})") from error


@contextlib.contextmanager
def running(folder: Path, *options: str, port: int | None = None, said: Path | None = None) -> Iterator[Served]:
    """`sixfold serve` of a workspace on a port (a free one unless told), ready when this is entered, ended when it is left.

    What it says goes to the file `said`, where one is given. Raises Unavailable with it where the service does not become ready.
    """
    port = port or free_port()
    words = [sys.executable, "-m", "sixfold.cli.main", "serve", "--dir", str(folder), "--port", str(port), *options]
    with tempfile.TemporaryFile() if said is None else said.open("w+b") as told:
        process = subprocess.Popen(words, stderr=told)
        try:
            served = Served(port, process)
            if not _ready(served):
                told.seek(0)
                why = told.read().decode(errors="replace").strip() or "it said nothing"
                raise Unavailable(f"the service of {folder} did not become ready: {why}")
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextlib.contextmanager
def copied(workspace: Workspace) -> Iterator[Path]:
    """A copy of a workspace for as long as it is needed: what is measured on it does not get into the user's log."""
    with tempfile.TemporaryDirectory(prefix="sixfold-") as scratch:
        ignored = shutil.ignore_patterns("cache", "reports", "lock")
        yield Path(shutil.copytree(workspace.folder, Path(scratch) / "copy", ignore=ignored))


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(served: Served) -> bool:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and served.process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{served.url}/health/ready", timeout=1).close()
            return True
        time.sleep(0.02)
    return False
