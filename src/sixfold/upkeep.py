"""A state that is kept: one folder of arrays, folded up to some batch of the log, by one process at a time.

Releases whose features are kept alike share a state, so that a retrained model finds it ready; one with other features gets
its own, built from the log.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

import msgspec

from .errors import Busy, DataError
from .estimation.open import Open, Watched
from .events.log import EventLog
from .events.schema import Events
from .features.mapped import Mapped
from .features.online import State
from .features.spec import Memory, accumulated
from .features.store import Store
from .features.table import Fitted

LAYOUT, OPEN_LAYOUT = 3, 4
"""Of a kept state, and of estimates under way; one of another layout is left where it is, and a new one built."""


def signature(features: Fitted, memory: Memory | None) -> str:
    """What a state is made of, as a short name: alike for features that are kept alike."""
    kept: tuple[object, ...] = (
        LAYOUT,
        sorted(map(str, features.accumulators())),
        features.kinds,
        features.widths,
        memory,
    )
    if features.area is not None:
        kept += (features.area,)
    if over := accumulated(features.features):
        # Sums over another expectation are other sums.
        kept += (features.clock, {str(one): features.expectations[str(one)] for one in over})
    return hashlib.sha256(msgspec.json.encode(kept, order="sorted")).hexdigest()[:12]


class Kept(Protocol):
    """What is kept: arrays in one store, into which events are folded."""

    @property
    def store(self) -> Store: ...

    def apply(self, events: Events) -> object:
        """Fold a batch of events."""


def signature_of(watched: Watched) -> str:
    """The same of estimates under way."""
    return hashlib.sha256(msgspec.json.encode((OPEN_LAYOUT, watched))).hexdigest()[:12] + ".open"


def open_reader(folder: Path, watched: Watched) -> Open:
    """The estimates under way as another process keeps them; raises DataError where there are none yet."""
    return Open(watched, Store(_read(folder)))


def open_keeper(folder: Path, watched: Watched, log: EventLog) -> Open:
    """The estimates under way, to keep. Raises Busy where another process keeps them."""
    return Open(watched, Store(_kept(folder, log)))


def reader(folder: Path, features: Fitted, memory: Memory | None) -> State:
    """The state as another process keeps it; raises DataError where there is none yet."""
    return State(features, memory, Store(_read(folder)))


def keeper(folder: Path, features: Fitted, memory: Memory | None, log: EventLog) -> State:
    """The state to keep, as it was left; empty where it was of another log. Raises Busy where another process keeps it."""
    return State(features, memory, Store(_kept(folder, log)))


def _read(folder: Path) -> Mapped:
    mapped = Mapped(folder, write=False)
    if not mapped.offset:
        raise DataError(f"the state at {folder} is being built; try again in a moment")
    return mapped


def _kept(folder: Path, log: EventLog) -> Mapped:
    mapped = Mapped(folder, write=True)
    if mapped.offset and log.crc(mapped.offset) != mapped.crc:
        mapped.restart()
    return mapped


def folded(state: Kept) -> int:
    """The last batch of the log that a kept state has folded."""
    assert state.store.mapped is not None
    return state.store.mapped.offset


def fold(state: Kept, events: Events, offset: int, crc: int) -> None:
    """Fold what the log holds up to `offset`: all of it, or after a crash nothing."""
    mapped = state.store.mapped
    assert mapped is not None
    mapped.begin()
    state.apply(events)
    mapped.commit(offset, crc)


def catch_up(state: Kept, log: EventLog) -> None:
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


def close(state: Kept) -> None:
    """Let another process keep the state; it can still be read."""
    assert state.store.mapped is not None
    state.store.mapped.close()
