"""An alarm for an event loop that rings within some 50 us of its time.

asyncio and uvloop round their timers up to a millisecond, which would be added to every latency. Linux has a timer that is a
file: the loop wakes when it can be read. (A second thread that sleeps is as exact, at 40 us a request more.)
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable

_MONOTONIC, _ABSOLUTE = 1, 1


class _Spec(ctypes.Structure):
    """`struct itimerspec`: an interval, which stays 0, and the time to ring at."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "at_s", "at_ns")]


class Alarm:
    """Calls `ring` in the loop at the time set last, on `time.monotonic`; elsewhere than on Linux within a millisecond."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._timer: asyncio.TimerHandle | None = None
        self._file = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None)
            self._spec = _Spec()
            self._file = self._libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file >= 0:
            loop.add_reader(self._file, self._rang)

    def set(self, when: float) -> None:
        """Ring at `when`, at once where that is past."""
        if self._file < 0:
            self._timer = self._loop.call_later(max(when - time.monotonic(), 0.0), self._ring)
            return
        self._spec.at_s, part = divmod(int(when * 1e9), 1_000_000_000)
        self._spec.at_ns = max(part, 1)  # All zero would mean never.
        self._libc.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(self._spec), None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rang(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return
        self._ring()
