"""The three stacks as processes: what each needs, how its files are made, how it is started and stopped.

All run alike: one worker unless told otherwise, the same two cores (inherited from `decision.py`), one BLAS thread each.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .data import SLATE, Data

ROOT = Path(__file__).parents[2]
NICE = ("nice", "-n", "10")
READY_S = 300
PORT, REDIS_PORT = 8017, 6417
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
PACKAGES = {
    "glued": ("fastapi", "uvicorn[standard]", "redis[hiredis]", "hnswlib", "lightgbm", "numpy"),
    "tuned": ("uvicorn[standard]", "faiss-cpu", "catboost", "orjson", "numpy"),
}
MODULES = {
    "glued": "fastapi, uvicorn, httptools, uvloop, redis, hiredis, hnswlib, lightgbm",
    "tuned": "uvicorn, httptools, uvloop, faiss, catboost, orjson",
}
NAMES = ("sixfold", "tuned", "glued")


@dataclass(frozen=True)
class Stack:
    """One of `NAMES` over a world; `python` is the interpreter that has the peers' packages, `workers` are Sixfold's."""

    name: str
    data: Data
    python: str
    workers: int = 1

    def lacks(self) -> str | None:
        """What to do before it can run, None where nothing is missing."""
        if self.name == "sixfold":
            served = subprocess.run([_sixfold(), "serve", "--help"], capture_output=True)
            return "this Sixfold has no command 'serve'" if served.returncode else None
        if subprocess.run([self.python, "-c", f"import {MODULES[self.name]}"], capture_output=True).returncode:
            wanted = " ".join(repr(package) for package in PACKAGES[self.name])
            return f"python -m venv PEERS && PEERS/bin/pip install {wanted}, then give --peers PEERS/bin/python"
        if self.name == "glued" and shutil.which("redis-server") is None:
            return "apt-get install redis-server"
        return None

    def build(self) -> None:
        """Make index, forest, log, state: once for a world, and with the lowest priority."""
        if self.name == "sixfold":
            from . import ours

            workspace = ours.build(self.data)
            workspace.state(workspace.current())
            return
        command = [*NICE, self.python, "-m", f"benchmarks.peers.{self.name}", "build", str(self.data.folder)]
        subprocess.run(command, cwd=ROOT, check=True)

    def recall(self) -> float:
        """How much of the exact nearest it was measured to find."""
        if self.name == "sixfold":
            from . import ours

            return ours.recall(self.data)
        tuned = msgspec.json.decode((self.data.folder / self.name / "tuned.json").read_bytes())
        return float(tuned["recall"])

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Started and answering; gives its process, and stops it at the end."""
        if self.name == "sixfold":
            command = [_sixfold(), "serve", "--dir", str(self.data.folder / "ours"), "--port", str(PORT)]
            command += ["--workers", str(self.workers)]
        else:
            command = [self.python, "-m", f"benchmarks.peers.{self.name}", "serve", str(self.data.folder)]
            command += ["--port", str(PORT)]
        if self.name == "glued":
            command += ["--redis-port", str(REDIS_PORT)]
        said = self.data.folder / f"{self.name}.log"
        with started(command, said) as process:
            _wait(process, self.name, said)
            yield process.pid


def _sixfold() -> str:
    return str(Path(sys.executable).with_name("sixfold"))


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[int]:
    """A Redis of our own that keeps nothing on disk, for as long as a world is measured; gives its process."""
    command = ["redis-server", "--port", str(REDIS_PORT), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with started(command, folder / "redis.log") as process:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", REDIS_PORT)):
                break
            time.sleep(0.05)
        yield process.pid


@contextlib.contextmanager
def started(command: list[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output goes to the file `said`; ended by SIGTERM, and by force where that does not do."""
    with said.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **THREADS}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], name: str, said: Path) -> None:
    """Until it answers with a whole slate."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{name} ended while starting, with {process.returncode}:\n{said.read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            items = msgspec.json.decode(ask(body(0)))["items"]
            if len({item["item"] for item in items}) != SLATE:
                raise SystemExit(f"{name} answered with {len(items)} items, not with {SLATE} different ones")
            return
        time.sleep(0.2)
    raise SystemExit(f"{name} did not answer within {READY_S} s")


def cpu_s(processes: Iterable[int]) -> float:
    """Seconds of CPU that these processes and those they started have used, on whatever core."""
    return sum(family(processes).values()) / os.sysconf("SC_CLK_TCK")


def family(processes: Iterable[int]) -> dict[int, int]:
    """These processes and those they started, each with the ticks of CPU that it has used."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid], used[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    wanted = set(processes)
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return {pid: used[pid] for pid in wanted if pid in used}


def settle() -> None:
    """Wait until what an overload left behind is worked off: queues are first in, first out, so an answer comes after it."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            ask(body(0), timeout_s=READY_S)
            return
        time.sleep(0.2)
    raise SystemExit(f"what was left of an overload was not worked off within {READY_S} s")


def body(member: int) -> bytes:
    """The request of a member."""
    return msgspec.json.encode({"member": f"m{member}", "k": SLATE, "context": {"device": "tv"}})


def ask(request: bytes, *, timeout_s: float = 10) -> bytes:
    """One answer of the stack that runs."""
    headers = {"content-type": "application/json"}
    sent = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/recommend", request, headers)
    with urllib.request.urlopen(sent, timeout=timeout_s) as answer:
        found: bytes = answer.read()
    return found
