"""The lock of a log: who holds it may write, and leaves in its file which batch was acknowledged last."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ..errors import Busy


def held(path: Path) -> int:
    """The lock of a log, as a file that is to be closed. Raises Busy where another process has it."""
    handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Busy(
            f"{path} is being written by another process; send events to the service that runs (POST /v1/events), "
            "or stop it first"
        ) from error
    return handle


def said(lock: int, offset: int) -> None:
    """Leave in the lock's file which batch was acknowledged last: an end that is cut off leaves no other trace."""
    os.pwrite(lock, b"%020d\n" % offset, 0)


def heard(lock: int) -> int:
    """The batch that was acknowledged last, 0 where that is not known."""
    text = os.pread(lock, 20, 0)
    return int(text) if text.isdigit() else 0


def last_said(path: Path) -> int:
    """The batch of a log that was acknowledged last, 0 where that is not known."""
    lock = path.with_suffix(".lock")
    if not lock.exists():
        return 0
    handle = os.open(lock, os.O_RDONLY)
    try:
        return heard(handle)
    finally:
        os.close(handle)
