"""A state that is kept: one folder of arrays, folded up to some batch of the log, by one process at a time.

Releases whose features are kept alike share a state, so that a retrained model finds it ready; one with other features gets
its own, built from the log.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

import msgspec

from .errors import Busy, DataError
from .events.log import EventLog
from .events.schema import Events
from .features.mapped import Mapped
from .features.online import State
from .features.spec import Memory
from .features.store import Store
from .features.table import Fitted


def signature(features: Fitted, memory: Memory) -> str:
    """What a state is made of, as a short name: alike for features that are kept alike."""
    kept = (sorted(map(str, features.accumulators())), features.kinds, features.widths, memory)
    return hashlib.sha256(msgspec.json.encode(kept, order="sorted")).hexdigest()[:12]


def reader(folder: Path, features: Fitted, memory: Memory) -> State:
    """The state as another process keeps it; raises DataError where there is none yet."""
    mapped = Mapped(folder, write=False)
    if not mapped.offset:
        raise DataError(f"the state at {folder} is being built; try again in a moment")
    return State(features, memory, Store(mapped))


def keeper(folder: Path, features: Fitted, memory: Memory, log: EventLog) -> State:
    """The state to keep, as it was left; empty where it was of another log. Raises Busy where another process keeps it."""
    mapped = Mapped(folder, write=True)
    if mapped.offset and log.crc(mapped.offset) != mapped.crc:
        mapped.restart()
    return State(features, memory, Store(mapped))


def folded(state: State) -> int:
    """The last batch of the log that a kept state has folded."""
    assert state.store.mapped is not None
    return state.store.mapped.offset


def fold(state: State, events: Events, offset: int, crc: int) -> None:
    """Fold what the log holds up to `offset`: all of it, or after a crash nothing."""
    mapped = state.store.mapped
    assert mapped is not None
    mapped.begin()
    state.apply(events)
    mapped.commit(offset, crc)


def catch_up(state: State, log: EventLog) -> None:
    """Fold every batch of the log that is not yet folded."""
    mapped = state.store.mapped
    assert mapped is not None
    if mapped.offset:
        for offset, events in log.read(mapped.offset):
            fold(state, events, offset, log.crc(offset))
        return
    # Nobody sees anything before the first commit, so nothing is noted for taking back.
    head = 0
    for head, events in log.read():  # noqa: B007
        state.apply(events)
    if head:
        mapped.commit(head, log.crc(head))


def discard(folder: Path) -> int:
    """Remove a state, to be built anew from the log; gives how many files. Raises Busy where another process keeps it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = [path for path in folder.iterdir() if path.name != "lock"]
        for path in gone:
            path.unlink()
    except BlockingIOError as error:
        raise Busy(f"the state in {folder} is being written by another process; stop it and run this again") from error
    finally:
        os.close(lock)
    return len(gone)


def close(state: State) -> None:
    """Let another process keep the state; it can still be read."""
    assert state.store.mapped is not None
    state.store.mapped.close()
