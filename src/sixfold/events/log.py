"""The log: every event that was accepted, durable, in order of acceptance.

One SQLite file. A row is a *batch*, encoded, compressed and checksummed, so that accepting a million
events is one insert and one fsync. Events are idempotent by id: a second one with the same content is
a duplicate and is left out, one with other content is a conflict and is handed back.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from . import settled
from .codec import decode, encode
from .damage import damage
from .hours import HOUR, accept, wall_us
from .kinds import kinds_of
from .known import Known
from .lock import heard, held, last_said, said
from .schema import Events, concat
from .tables import insert, prepare, value

PATIENCE_MS = 10_000
"""How long another process may keep a lock of the file before that is an error."""
KINDS = "kinds"
_CHANGED = "changed"
REPAIRED = "repaired"
"""The note that says what a repair kept and lost."""
_MEND = "'sixfold repair' keeps every whole batch and says what is lost"

_READ = """
select first, manifest, null from settled where last > :since
union all
select offset, crc, body from batches where offset > max(:since, (select coalesce(max(last), 0) from settled))
order by 1
"""
"""One statement sees one moment: a batch that is settled meanwhile is read from where it was."""
_HEADS = (("offset", "batches"), ("last", "settled"))


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: its offset (None if nothing was new), counts, and masks by table.

    kept masks what was new, conflicts what was there with other content (only tables that have some); new is what was
    written, crc the checksum of its row.
    """

    offset: int | None
    accepted: int
    duplicates: int
    conflicts: Mapping[str, NDArray[np.bool_]]
    kept: Mapping[str, NDArray[np.bool_]]
    new: Events
    crc: int


class EventLog:
    """The log of a workspace. `EventLog(path)` opens or creates; one writer, any number of readers.

    *Idempotency.* An id counts once: exactly, for at least 7 days after its event was accepted, by `clock` (int64 us), and for as
    long as its batch is not settled. Where the same event comes again later than that it is taken in, and collapses when its
    batch settles (`events.settling`). Another event under such an old id is one of its own.
    """

    def __init__(self, path: Path, *, create: bool = True, clock: Callable[[], int] = wall_us) -> None:
        if not create and not path.exists():
            raise DataError(f"no log at {path}; run 'sixfold ingest FILE' or 'sixfold world NAME' first")
        if not path.exists() and path.with_suffix(".whole").exists():
            raise DataError(f"the repair of {path} was cut short; run 'sixfold repair' again")
        if path.exists() and not path.stat().st_size and last_said(path):
            # SQLite would take it for a new one, and its write-ahead log away.
            raise DataError(f"{path} is damaged (it is empty, and was not); {_MEND}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.clock, self._fresh = path, clock, not path.exists()
        self.db = apsw.Connection(str(path))
        """For the other modules of this folder."""
        self.db.transaction_mode = "IMMEDIATE"
        self.db.set_busy_timeout(PATIENCE_MS)
        # Who only reads leaves the write-ahead log as it is: what is wrong with it would be gone before anyone looked.
        self.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._known: Known | None = None
        self._lock: int | None = None
        self._kinds: dict[str, str] | None = None
        try:
            prepare(self.db, path, hour=clock() // HOUR)
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
            raise DataError(f"{path} is no log of Sixfold, or is damaged ({error}); {_MEND}") from error
        self.db.execute("pragma synchronous = full")

    def hold(self) -> None:
        """Keep other processes from writing until this is closed. `append` does it by itself.

        Raises Busy where another process writes, DataError where the log is damaged.
        """
        if self._lock is None:
            self._lock = held(self.path)
            if self._fresh:
                said(self._lock, 0)
            if wrong := damage(self.db, self.path, acknowledged=heard(self._lock)):
                self.close()
                raise DataError(f"{self.path} is damaged ({wrong}); {_MEND}")
            settled.sweep(settled.home(self.path), settled.named(self.db))
            self.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)

    def append(self, events: Events) -> Appended:
        """Make a batch durable; when this returns it is on disk. Raises Busy where another process writes this log."""
        self.hold()
        kinds = self.checked(events)
        known = self._index()
        keep, conflicts, hashes, contents = known.sift(events)
        accepted = sum(int(mask.sum()) for mask in keep.values())
        clashes = sum(int(mask.sum()) for mask in conflicts.values())
        offset: int | None = None
        crc, new = 0, events.select(keep)
        if accepted:
            body = encode(new)
            crc = zlib.crc32(body)
            with self.db:
                head = self.head() + 1
                insert(self.db, (head, accepted, *new.span(), crc, hashes.tobytes(), contents.tobytes(), body))
                accept(self.db, self.clock(), head)
                if kinds != self._kinds:
                    self.remember(KINDS, msgspec.json.encode(kinds).decode())
            assert self._lock is not None
            said(self._lock, offset := head)
        self._kinds = kinds
        known.add(hashes, contents)
        return Appended(offset, accepted, len(events) - accepted - clashes, conflicts, keep, new, crc ^ self._changed())

    def checked(self, events: Events, so_far: dict[str, str] | None = None) -> dict[str, str]:
        """What every column holds, these events' included; raises DataError where one was something else before.

        `so_far` is what it gave for events that are to be appended with these.
        """
        if self._kinds is None:
            self._kinds = self.kinds()
        return kinds_of(events, self._kinds if so_far is None else so_far)

    def kinds(self) -> dict[str, str]:
        """What every column that the log was ever given holds, by table and name."""
        return msgspec.json.decode(self.note(KINDS) or "{}", type=dict[str, str])

    def read(self, since: int = 0) -> Iterator[tuple[int, Events]]:
        """(offset, batch) of every batch after offset `since`, in order of acceptance, as of when the first is asked for.

        Settled batches need the extra `train`. A batch of which nothing is left, by retention say, may come empty or not at all.
        """
        for offset, crc, body in self.db.execute(_READ, {"since": since}):
            if body is None:
                yield from settled.read(settled.home(self.path), settled.Generation.decode(crc), since)
            elif zlib.crc32(body) != crc:
                raise DataError(f"batch {offset} of {self.path} is damaged (checksum differs); {_MEND}")
            else:
                yield offset, decode(body)

    def all(self) -> Events:
        """The whole log as one batch."""
        return concat(events for _, events in self.read())

    def head(self) -> int:
        """The offset of the last batch, 0 when the log is empty."""
        return max(value(self.db, f"select max({column}) from {table}") for column, table in _HEADS)

    def end(self) -> int:
        """The ts of the newest decision or outcome, int64 us; 0 where there is none."""
        return max(value(self.db, f"select max(last_ts) from {table}") for _, table in _HEADS)

    def crc(self, offset: int) -> int:
        """The checksum of a batch, 0 where there is none: whether two logs agree up to there.

        Whatever takes something out of the log changes them all. So does a week in the settled part, but for the last batch of a
        generation: a state that stands at another is built anew.
        """
        found = value(self.db, "select max(crc) from batches where offset = ?", offset)
        if not found:
            query = "select manifest from settled where first <= ? and last >= ?"
            for (manifest,) in self.db.execute(query, (offset, offset)):
                found = zlib.crc32(b"%d" % offset, zlib.crc32(manifest))
        return found ^ self._changed() if found else 0

    def _changed(self) -> int:
        """What all checksums are changed by, 0 where nothing was ever taken out."""
        said = [text for key in (REPAIRED, _CHANGED) if (text := self.note(key))]
        return zlib.crc32("".join(said).encode())

    def changed(self, why: str) -> None:
        """Say that events were taken out, in the transaction that does: states folded so far are then of another log."""
        self.remember(_CHANGED, f"{why} {zlib.crc32((self.note(_CHANGED) or '').encode())}")
        self.reindex()

    def reindex(self) -> None:
        """Read the ids that are known from the file again, when they are next asked for."""
        self._known = None

    def __len__(self) -> int:
        return sum(value(self.db, f"select sum(events) from {table}") for _, table in _HEADS)

    def remember(self, key: str, text: str) -> None:
        """Keep a note beside the batches, such as that a file was read to its end."""
        self.db.execute("insert or replace into notes values (?, ?)", (key, text))

    def note(self, key: str) -> str | None:
        """What was remembered under a key, None where nothing was."""
        found = list(self.db.execute("select value from notes where key = ?", (key,)))
        return str(found[0][0]) if found else None

    def keep(self, served: Mapping[str, bytes]) -> None:
        """Keep what was served of some decisions beside the events."""
        if served:
            with self.db:
                self.db.execute("create table if not exists served (decision text primary key, body blob not null)")
                self.db.executemany("insert or ignore into served values (?, ?)", served.items())

    def kept(self) -> Iterator[bytes]:
        """What was kept of decisions, in order of their ids."""
        if value(self.db, "select count(*) from sqlite_schema where name = 'served'"):
            yield from (body for (body,) in self.db.execute("select body from served order by decision"))

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _index(self) -> Known:
        if self._known is None:
            # All at once: one sort of 5 M ids takes half as long as merging them batch by batch.
            parts = list(self.db.execute("select ids, contents from batches order by offset"))
            ids, contents = (b"".join(column) for column in zip(*parts, strict=True)) if parts else (b"", b"")
            self._known = Known()
            self._known.add(np.frombuffer(ids, np.uint64), np.frombuffer(contents, np.uint32))
        return self._known
