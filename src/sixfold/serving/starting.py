"""From what a user asks for to processes that run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..workspace import Workspace
from .clock import Clock, Kind, text
from .guard import bind, check_address
from .process import Settings
from .service import Role
from .supervisor import Supervisor
from .wire import socket_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A service as it is asked for."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    role: Role = "all"
    candidates: str | None = None
    ranking: str | None = None
    clock: Kind | None = None
    token_file: Path | None = None
    log_every: int = 0


def processes(wanted: Wanted) -> dict[str, Settings]:
    """The processes of a service by name. Raises DesignError for an address, ReleaseError where nothing is published."""
    workspace = Workspace(wanted.folder.resolve())
    token = check_address(wanted.host, wanted.token_file)
    bind(wanted.host, wanted.port).close()
    with workspace.log() as log:
        end = log.end()
    socket = socket_path(workspace.folder)
    writer = Settings(
        part="writer", folder=str(workspace.folder), socket=str(socket), run=str(socket.with_suffix(f".{wanted.role}.run")),
        clock=Clock.of(wanted.clock, end_us=end),
    )  # fmt: skip
    worker = msgspec.structs.replace(
        writer, part="worker", role=wanted.role, host=wanted.host, port=wanted.port, token=token,
        candidates=wanted.candidates, ranking=wanted.ranking, log_every=wanted.log_every,
    )  # fmt: skip
    named = wanted.role if wanted.role != "all" else "worker"
    out = {f"{named} {number}" if wanted.workers > 1 else named: worker for number in range(1, wanted.workers + 1)}
    if wanted.role in ("all", "app"):
        out = {"writer": writer, **out}
    return out


def serve(wanted: Wanted, *, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    import uvloop

    parts = processes(wanted)
    first = next(iter(parts.values()))
    release = Workspace(wanted.folder).current_id()
    shift = first.clock.shift_us
    if shift:
        tell(f"the clock goes on from the end of the log, {text(first.clock.now())}; --clock wall for the time of day")

    def ready() -> None:
        names = ", ".join(parts)
        tell(f"serving release {release} at http://{wanted.host}:{wanted.port} ({names}); Ctrl-C to stop")

    if wanted.role in ("all", "app"):
        shutil.rmtree(first.run, ignore_errors=True)
    uvloop.run(Supervisor(parts, tell=tell).run(ready=ready))
