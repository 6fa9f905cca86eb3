"""The processes of a service: a worker, and the writer. Each is started by name with its settings as JSON.

    python -m sixfold.serving.process '{"part": "worker", ...}'

A process that is ready says so by a line on its standard output; one that cannot start says why on its standard error.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec

from .. import release as releases
from .. import upkeep
from ..errors import DataError, SixfoldError
from ..following import watched
from ..release import Release
from ..workspace import Workspace
from .checking import checked
from .clock import Clock
from .engine import Engine, Services
from .service import Role, Service

LOOK_S = 0.2
"""Between two looks at which release is published."""
_PARENT_DEATH_SIGNAL = 1
SWITCH_S = 0.0005
"""How long a thread that loads a release may keep the one that answers waiting."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is told: what it is, of which workspace, and where it listens."""

    part: Literal["worker", "writer"]
    folder: str
    run: str
    socket: str
    role: Role = "all"
    host: str = "127.0.0.1"
    port: int = 8000
    clock: Clock = Clock()
    token: str | None = None
    candidates: str | None = None
    ranking: str | None = None
    release: str | None = None
    """Serve this release whatever is published; None: the published one, followed."""
    log_every: int = 0


def run(settings: Settings) -> None:
    """Be a process until SIGTERM, or until its supervisor is gone."""
    _end_with_parent()
    if settings.part == "writer":
        from . import writer

        writer.main(Path(settings.folder), Path(settings.socket), Path(settings.run), ready=_ready)
    else:
        _worker(settings)


def _worker(settings: Settings) -> None:
    from . import openapi
    from .client import Client
    from .console import console
    from .guard import bind, serve
    from .http import App
    from .telemetry import Telemetry
    from .wire import Link

    sys.setswitchinterval(SWITCH_S)
    workspace, telemetry = Workspace(Path(settings.folder)), Telemetry()
    release = workspace.release(settings.release) if settings.release else workspace.current()
    services = None
    if settings.candidates and settings.ranking:
        services = Services(
            Client(settings.candidates, token=settings.token), Client(settings.ranking, token=settings.token)
        )
    takes_events = settings.role in ("all", "app")
    service = Service(
        role=settings.role,
        engine=engine(workspace, release, services),
        clock=settings.clock,
        telemetry=telemetry,
        link=Link(Path(settings.socket)) if takes_events else None,
        run=Path(settings.run),
        follow=_followed(workspace, pinned=settings.release is not None),
    )
    service.engine.warm()
    routes = service.routes()
    if takes_events:
        routes += [console(guarded=settings.token is not None), openapi.route(routes, token=settings.token is not None)]
    app = App(routes, telemetry, token=settings.token, log_every=settings.log_every, lifespan=service.living)
    serve(app, bind(settings.host, settings.port, shared=True), ready=_ready, telemetry=telemetry)


def engine(workspace: Workspace, release: Release, services: Services | None = None) -> Engine:
    """A release with the state it reads, waited for where it is not there yet."""
    features, memory = release.features, release.design.memory
    end = time.monotonic() + 60
    while True:
        try:
            state = upkeep.reader(workspace.state_folder(release), features, memory)
            under_way = None
            if release.design.estimates:
                under_way = upkeep.open_reader(workspace.open_folder(release), watched(release.design))
            break
        except DataError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
    workspace.fits(release, state)
    return Engine(release, state, services, under_way)


def _followed(workspace: Workspace, *, pinned: bool) -> Callable[[Service], Awaitable[None]]:
    async def follow(service: Service) -> None:
        """Serve what is published: a new release is loaded beside the old one, and takes its place when it answers."""
        age = service.telemetry.gauge(
            "sixfold_release_age_seconds", "Since the end of what the release learned from."
        ).of()
        refused = service.telemetry.counter(
            "sixfold_releases_refused_total", "Releases that were not fit to serve."
        ).of()
        tried = service.engine.release.id
        while True:
            age.set(max((service.clock.now() - service.engine.release.manifest.cuts.end) / 1e6, 0))
            await asyncio.sleep(LOOK_S)
            try:
                found = None if pinned else workspace.current_id()
                if found is None or found == tried:
                    continue
                tried = found
                await checked(workspace.releases / found)
                service.swap(await asyncio.to_thread(_loaded, workspace, found, service.engine.services))
                _note(f"release {found} is served now")
            except (SixfoldError, OSError, LookupError, ValueError) as error:
                refused.add()
                _note(f"release {tried} is not served: {error}; {service.engine.release.id} goes on")

    return follow


def _loaded(workspace: Workspace, number: str, services: Services | None) -> Engine:
    """A release that was checked, with its state, and warm."""
    fresh = engine(workspace, releases.read(workspace.releases / number, checked=True), services)
    fresh.warm()
    return fresh


def _end_with_parent() -> None:
    """Have the kernel end this process with its supervisor, however that ends: else it kept log and port from the next one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _ready() -> None:
    # What is there by now stays: a collection that goes over all of it keeps requests waiting for tens of milliseconds.
    gc.collect()
    gc.freeze()
    print("ready", flush=True)


if __name__ == "__main__":
    try:
        run(msgspec.json.decode(sys.argv[1], type=Settings))
    except SixfoldError as failed:
        _note(str(failed))
        sys.exit(failed.exit_code)
