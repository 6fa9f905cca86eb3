"""The one process that writes: it owns the log and the state.

Events of many clients are taken in together: one row of the log and one fsync for all that came while the last was written.
They are acknowledged once they are on disk, and folded into the state right after, where every worker sees them.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from .. import upkeep
from ..errors import DataError, SixfoldError, Unavailable
from ..events.codec import unpack
from ..events.log import Appended as Written
from ..events.log import EventLog
from ..events.repair import Repaired, repair
from ..events.schema import Events, concat
from ..following import watched
from ..release import Release
from ..upkeep import Kept
from ..workspace import Workspace
from . import health
from .telemetry import Telemetry
from .wire import Append, Appended, decode_append, frame, framed

GROUP = 50_000
"""Events that are written together at most."""
WAITING_BYTES = 64 << 20
"""What may wait to be written; who comes later is told to come again."""
FULL = (apsw.FullError, apsw.IOError, apsw.CantOpenError, OSError)


class Writer:
    """Log and state of a workspace, for the published release. Raises Busy where another process writes them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.log, self.repaired = _opened(workspace)
        self.states: dict[Path, Kept] = {}
        self._last: Written | None = None
        self.follow(workspace.current())

    def follow(self, release: Release) -> None:
        """Keep the state that a release reads, too, and the estimates under way where it makes some."""
        folder, design = self.workspace.state_folder(release), release.design
        if folder not in self.states:
            self._keep(folder, upkeep.keeper(folder, release.features, design.memory, self.log))
        if design.estimates and (folder := self.workspace.open_folder(release)) not in self.states:
            self._keep(folder, upkeep.open_keeper(folder, watched(design), self.log))

    def _keep(self, folder: Path, state: Kept) -> None:
        upkeep.catch_up(state, self.log)
        self.states[folder] = state

    def take(self, batches: Sequence[Events]) -> list[Appended]:
        """Make events durable, in one commit; says what became of each batch, in their order. `fold` is to follow."""
        errors, kinds = [], None
        for batch in batches:
            try:
                kinds = self.log.checked(batch, kinds)
                errors.append("")
            except DataError as error:
                errors.append(str(error))
        sound = [batch for batch, error in zip(batches, errors, strict=True) if not error]
        whole = concat(sound)
        self._last = done = self.log.append(whole)
        shares = iter(_shares(sound, whole, done.kept, done.conflicts))
        return [Appended(0, error=error, wrong=True) if error else next(shares) for error in errors]

    def fold(self) -> None:
        """Fold what was taken last into every state."""
        if (done := self._last) is None or done.offset is None:
            return
        for state in self.states.values():
            if upkeep.folded(state) == done.offset - 1:
                upkeep.fold(state, done.new, done.offset, done.crc)
            else:
                upkeep.catch_up(state, self.log)

    def close(self) -> None:
        for state in self.states.values():
            upkeep.close(state)
        self.log.close()


def _opened(workspace: Workspace) -> tuple[EventLog, Repaired | None]:
    """The log to write, made whole where it is damaged: a service is to be ready again without anyone coming."""
    try:
        log = workspace.log()
        log.hold()
        return log, None
    except DataError:
        repaired = repair(workspace.log_path)
        if repaired is None:
            raise
        log = workspace.log()
        log.hold()
        return log, repaired


def _shares(
    batches: Sequence[Events],
    whole: Events,
    kept: Mapping[str, NDArray[np.bool_]],
    conflicts: Mapping[str, NDArray[np.bool_]],
) -> list[Appended]:
    """What became of each batch, given masks by table over all of them joined in their order."""
    out = [Appended(0) for _ in batches]
    ids = {name: table["id"] for name, table in whole.tables()}
    at = dict.fromkeys(ids, 0)
    for share, batch in zip(out, batches, strict=True):
        for name, table in batch.tables():
            part = slice(at[name], at[name] + len(table["id"]))
            at[name] = part.stop
            new = int(kept[name][part].sum())
            clashing = ids[name][part][conflicts[name][part]].tolist() if name in conflicts else []
            share.accepted += new
            share.conflicts = [*share.conflicts, *(one.decode() for one in clashing)]
            share.duplicates += len(table["id"]) - new - len(clashing)
    return out


@dataclass(slots=True)
class _Waiting:
    number: int
    events: Events
    served: dict[str, bytes]
    size: int
    to: asyncio.StreamWriter


class Desk:
    """The writer's socket: takes batches in as they come, and has them written in groups."""

    def __init__(self, writer: Writer, telemetry: Telemetry) -> None:
        self._writer = writer
        self._sync = telemetry.histogram("sixfold_append_seconds", "Making a group of events durable.").of()
        self._folds = telemetry.histogram(
            "sixfold_fold_seconds", "From the acknowledgement of events to every worker seeing them."
        ).of()
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._some = asyncio.Event()
        self._clients: set[asyncio.StreamWriter] = set()

    async def client(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        """Serve one worker until it goes."""
        self._clients.add(to)
        while (body := await frame(reader)) is not None:
            self._accept(decode_append(body), to, len(body))
        self._clients.discard(to)
        to.close()

    def _accept(self, asked: Append, to: asyncio.StreamWriter, size: int) -> None:
        if self._bytes + size > WAITING_BYTES:
            to.write(framed(Appended(asked.number, error="too many events wait to be written; send them again later")))
            return
        try:
            events = unpack(asked.events)
        except DataError as error:
            to.write(framed(Appended(asked.number, error=str(error), wrong=True)))
            return
        self._waiting.append(_Waiting(asked.number, events, asked.served, size, to))
        self._bytes += size
        self._some.set()

    async def work(self) -> None:
        """Write what waits, group by group, for ever."""
        while True:
            await self._some.wait()
            group = self._group()
            if not self._waiting:
                self._some.clear()
            self._write(group)
            # What came in meanwhile is read before the next group is put together.
            await asyncio.sleep(0)

    def _group(self) -> list[_Waiting]:
        events = 0
        for count, one in enumerate(self._waiting, 1):  # noqa: B007
            events += len(one.events)
            if events >= GROUP:
                break
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        self._bytes -= sum(one.size for one in group)
        return group

    def _write(self, group: list[_Waiting]) -> None:
        began = time.monotonic()
        try:
            done = self._writer.take([one.events for one in group])
            self._writer.log.keep({name: body for one in group for name, body in one.served.items()})
        except FULL as error:
            done = [
                Appended(0, error=f"the log cannot be written ({error}); make room and send the events again")
            ] * len(group)
        for one, fate in zip(group, done, strict=True):
            if not one.to.is_closing():
                fate.number = one.number
                one.to.write(framed(fate))
        durable = time.monotonic()
        self._writer.fold()
        self._sync.observe(durable - began)
        self._folds.observe(time.monotonic() - durable)

    async def drain(self) -> None:
        """Write what still waits and let the answers go out."""
        while self._waiting:
            self._write(self._group())
        for to in list(self._clients):
            with contextlib.suppress(ConnectionError):
                await to.drain()
            to.close()


async def serve(workspace: Workspace, path: Path, run: Path, *, ready: Callable[[], None] = lambda: None) -> None:
    """Write for whoever connects to a socket, until SIGTERM or SIGINT; then finish what came."""
    telemetry = Telemetry()
    writer = Writer(workspace)
    if writer.repaired is not None:
        print(writer.repaired, file=sys.stderr, flush=True)
    desk = Desk(writer, telemetry)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    server = await asyncio.start_unix_server(desk.client, str(path))
    path.chmod(0o600)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(desk.work())
    following = asyncio.create_task(_follow(writer, lambda: health.publish(run, telemetry)))
    ready()
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, working, following], return_when=asyncio.FIRST_COMPLETED)
    server.close()
    if working.done() or following.done():
        # What this process holds may no longer be what is on disk: the next one starts from that.
        for task in (working, following):
            if task.done():
                task.result()
    working.cancel()
    following.cancel()
    await desk.drain()
    writer.close()
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


async def _follow(writer: Writer, publish: Callable[[], None]) -> None:
    """Keep the state of a release that is published meanwhile, and say how it is going."""
    seen = writer.workspace.current_id()
    while True:
        publish()
        await asyncio.sleep(0.2)
        found = writer.workspace.current_id()
        if found != seen:
            seen = found
            with contextlib.suppress(SixfoldError):
                writer.follow(writer.workspace.current())


def main(folder: Path, path: Path, run: Path, *, ready: Callable[[], None]) -> None:
    """The writer's process."""
    import uvloop

    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(serve(Workspace(folder), path, run, ready=ready))
    except FULL as error:
        raise Unavailable(
            f"the state of {folder} cannot be written ({error}); make room: it goes on by itself"
        ) from error
