"""The process that keeps a service's processes alive: it starts them, starts again what died, and stops them in order.

SIGTERM, SIGINT   workers finish what they accepted, then the writer what it was given; exit 0
SIGHUP            workers are replaced one by one, the next is ready before the last one stops
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from ..errors import Unavailable
from .process import Settings

READY_S = 120
"""For which a process may take to be ready: a writer may have a state to build."""
BACKOFF_S = (0.0, 0.1, 0.5, 2.0)
"""Before a process that died is started again, by how often it has died in a row."""
STOP_S = 30

Tell = Callable[[str], None]


class Supervisor:
    """The processes of one service, by name."""

    def __init__(self, wanted: dict[str, Settings], *, tell: Tell = lambda _: None) -> None:
        self._wanted, self._tell = wanted, tell
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def run(self, *, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until told to stop. Raises Unavailable where a process does not start at all."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._roll())
        try:
            await asyncio.gather(*(self._start(name) for name in self._wanted))
            self._keeping = {name: asyncio.create_task(self._keep(name)) for name in self._wanted}
            ready()
            await stop.wait()
        finally:
            await self._stop()

    async def _start(self, name: str) -> None:
        # Known before it is ready: whoever stops meanwhile stops it, too.
        self._running[name] = await spawned(self._wanted[name])
        await is_ready(name, self._running[name])

    async def _keep(self, name: str) -> None:
        """Start a process again whenever it ends."""
        died = 0
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._running[name].wait()
            if self._stopping:
                return
            died = 0 if asyncio.get_running_loop().time() - began > 10 else min(died + 1, len(BACKOFF_S) - 1)
            self._tell(f"the {name} ended with {code}; it is started again")
            await asyncio.sleep(BACKOFF_S[died])
            with contextlib.suppress(Unavailable):
                await self._start(name)

    def _roll(self) -> None:
        """Replace the workers one after the other."""

        async def roll() -> None:
            for name in [name for name, settings in self._wanted.items() if settings.part == "worker"]:
                old = self._running[name]
                keeping = self._keeping.pop(name)
                keeping.cancel()
                try:
                    await self._start(name)
                except Unavailable as error:
                    self._running[name] = old
                    self._tell(f"the {name} was not replaced: {error}")
                    return
                finally:
                    self._keeping[name] = asyncio.create_task(self._keep(name))
                await _ended(old)
                self._tell(f"the {name} was replaced")

        self._rolling = asyncio.create_task(roll())

    async def _stop(self) -> None:
        self._stopping = True
        parts = {part: [n for n, s in self._wanted.items() if s.part == part] for part in ("worker", "writer")}
        # The writer last: what the workers still have to say goes to it.
        for part in ("worker", "writer"):
            await asyncio.gather(*(_ended(self._running[name]) for name in parts[part] if name in self._running))
        for task in self._keeping.values():
            task.cancel()


async def spawned(settings: Settings) -> asyncio.subprocess.Process:
    """A process of a service, just begun; one thread each, for there is one of them a core."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sixfold.serving.process", msgspec.json.encode(settings).decode(),
        stdout=asyncio.subprocess.PIPE, env=environment, start_new_session=True,
    )  # fmt: skip


async def is_ready(name: str, process: asyncio.subprocess.Process) -> None:
    """Wait until a process says that it is ready. Raises Unavailable, the process being gone, where it does not."""
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_S)
    except TimeoutError:
        line = b""
    if line != b"ready\n":
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise Unavailable(f"the {name} did not start; its own words are above")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Have a process finish; one that does not is killed."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
