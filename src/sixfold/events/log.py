"""The log: every event that was accepted, durable, in order of acceptance.

One SQLite file. A row is a *batch*, encoded, compressed and checksummed, so that accepting a million
events is one insert and one fsync. Events are idempotent by id: a second one with the same content is
a duplicate and is left out, one with other content is a conflict and is handed back.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import apsw
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .codec import decode, encode
from .known import Known
from .lock import heard, held, last_said, said
from .salvage import PAGE, Wal
from .schema import Events, concat

VERSION = 2
_KINDS = "kinds"
REPAIRED = "repaired"
"""The note that says what a repair kept and lost."""

_SCHEMA = """
create table batches (offset integer primary key, events integer not null, first_ts integer not null,
    last_ts integer not null, crc integer not null, ids blob not null, contents blob not null, body blob not null, whole integer);
create table notes (key text primary key, value text not null) without rowid;
"""
_COLUMNS = "offset, events, first_ts, last_ts, crc, ids, contents, body"
_MEND = "'sixfold repair' keeps every whole batch and says what is lost"


def whole(row: tuple[Any, ...]) -> int:
    """The checksum of a row's `_COLUMNS`, of which `crc` stands for the body."""
    offset, events, first, last, crc, ids, contents, _ = row
    numbers = b"%d %d %d %d %d" % (offset, events, first, last, crc)
    return zlib.crc32(contents, zlib.crc32(ids, zlib.crc32(numbers)))


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
    """The log of a workspace. `EventLog(path)` opens or creates; one writer, any number of readers."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        if not create and not path.exists():
            raise DataError(f"no log at {path}; run 'sixfold ingest FILE' or 'sixfold world NAME' first")
        if not path.exists() and path.with_suffix(".whole").exists():
            raise DataError(f"the repair of {path} was cut short; run 'sixfold repair' again")
        if path.exists() and not path.stat().st_size and last_said(path):
            # SQLite would take it for a new one, and its write-ahead log away.
            raise DataError(f"{path} is damaged (it is empty, and was not); {_MEND}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._fresh = path, not path.exists()
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(10_000)
        # Who only reads leaves the write-ahead log as it is: what is wrong with it would be gone before anyone looked.
        self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._known: Known | None = None
        self._lock: int | None = None
        self._kinds: dict[str, str] | None = None
        try:
            self._prepare()
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
            raise DataError(f"{path} is no log of Sixfold, or is damaged ({error}); {_MEND}") from error

    def _prepare(self) -> None:
        version = self._value("pragma user_version")
        if version == 0:
            if self._value("select count(*) from sqlite_schema"):
                raise DataError(f"{self.path} is no log of Sixfold (a database of something else); move it away")
            self._db.execute(f"pragma page_size = {PAGE}")
            self._db.execute("pragma journal_mode = wal")
            with self._db:
                self._db.execute(_SCHEMA)
                self._db.execute(f"pragma user_version = {VERSION}")
        elif version == 1:
            with self._db:
                self._db.execute("alter table batches add column whole integer")
                self._db.execute(f"pragma user_version = {VERSION}")
        elif version != VERSION:
            raise DataError(f"{self.path} has schema version {version}, this Sixfold reads {VERSION}; update Sixfold")
        self._db.execute("pragma synchronous = full")

    def _value(self, sql: str, *args: object) -> int:
        return int(next(iter(self._db.execute(sql, args)))[0] or 0)

    def hold(self) -> None:
        """Keep other processes from writing until this is closed. `append` does it by itself.

        Raises Busy where another process writes, DataError where the log is damaged.
        """
        if self._lock is None:
            self._lock = held(self.path)
            if self._fresh:
                said(self._lock, 0)
            if wrong := self._damage():
                self.close()
                raise DataError(f"{self.path} is damaged ({wrong}); {_MEND}")
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)

    def _damage(self) -> str:
        """What is wrong with the files, empty where nothing is. Reads all of them: 0.3 s a GB."""
        if Wal.of(self.path).damaged:
            return "its write-ahead log does not add up"
        try:
            found = str(next(iter(self._db.execute("pragma quick_check(1)")))[0])
            if found != "ok":
                return found
            rows = self._db.execute(f"select whole, {_COLUMNS} from batches")
            wrong = [row[1] for row in rows if not is_whole(row[1:], row[0])]
        except apsw.Error as error:
            return str(error)
        if wrong:
            return f"batch {wrong[0]} is not as it was written"
        assert self._lock is not None
        if self.head() < (acknowledged := heard(self._lock)):
            return f"it ends with batch {self.head()} and {acknowledged} were acknowledged"
        return ""

    def append(self, events: Events) -> Appended:
        """Make a batch durable; when this returns it is on disk. Raises Busy where another process writes this log."""
        self.hold()
        kinds = self.checked(events)
        known = self._index()
        keep, conflicts, hashes, contents = known.sift(events)
        accepted = sum(int(mask.sum()) for mask in keep.values())
        clashes = sum(int(mask.sum()) for mask in conflicts.values())
        offset, crc, new = None, 0, events.select(keep)
        with self._db:
            if accepted:
                offset, body = self.head() + 1, encode(new)
                crc = zlib.crc32(body)
                self._insert((offset, accepted, *new.span(), crc, hashes.tobytes(), contents.tobytes(), body))
                if kinds != self._kinds:
                    self.remember(_KINDS, msgspec.json.encode(kinds).decode())
        if offset is not None and self._lock is not None:
            said(self._lock, offset)
        self._kinds = kinds
        known.add(hashes, contents)
        return Appended(offset, accepted, len(events) - accepted - clashes, conflicts, keep, new, crc ^ self._changed)

    def refill(self, rows: Iterable[tuple[Any, ...]], notes: Mapping[str, str]) -> None:
        """Write rows of another log as they are, and notes, in one commit; all of it is in the one file then."""
        kinds: dict[str, str] = {}
        with self._db:
            for row in rows:
                self._insert(row)
                kinds = self.checked(decode(row[-1]), kinds)
            for key, value in ({_KINDS: msgspec.json.encode(kinds).decode()} | dict(notes)).items():
                self.remember(key, value)
        self._db.execute("pragma wal_checkpoint(truncate)")

    def _insert(self, row: tuple[Any, ...]) -> None:
        self._db.execute(f"insert into batches ({_COLUMNS}, whole) values (?,?,?,?,?,?,?,?,?)", (*row, whole(row)))

    def checked(self, events: Events, so_far: dict[str, str] | None = None) -> dict[str, str]:
        """What every column holds, these events' included; raises DataError where one was something else before.

        `so_far` is what it gave for events that are to be appended with these.
        """
        if self._kinds is None:
            self._kinds = msgspec.json.decode(self.note(_KINDS) or "{}", type=dict[str, str])
        found = dict(self._kinds if so_far is None else so_far)
        for table, columns in events.tables():
            for name, column in columns.items():
                path = f"{table} {name}"
                kind = {"S": "text", "f": "numbers"}.get(column.dtype.kind, "whole numbers")
                if column.ndim == 2:
                    kind = f"vectors of {column.shape[1]}"
                if len(column) and found.setdefault(path, kind) != kind:
                    raise DataError(
                        f"{path!r} was {found[path]} in the log so far and is {kind} now; send it as {found[path]}"
                    )
        return found

    def read(self, since: int = 0) -> Iterator[tuple[int, Events]]:
        """(offset, batch) of every batch after offset `since`, in order of acceptance."""
        query = "select offset, crc, body from batches where offset > ? order by offset"
        for offset, crc, body in self._db.execute(query, (since,)):
            if zlib.crc32(body) != crc:
                raise DataError(f"batch {offset} of {self.path} is damaged (checksum differs); {_MEND}")
            yield offset, decode(body)

    def all(self) -> Events:
        """The whole log as one batch."""
        return concat(events for _, events in self.read())

    def head(self) -> int:
        """The offset of the last batch, 0 when the log is empty."""
        return self._value("select max(offset) from batches")

    def end(self) -> int:
        """The ts of the newest decision or outcome, int64 us; 0 where there is none."""
        return self._value("select max(last_ts) from batches")

    def crc(self, offset: int) -> int:
        """The checksum of a batch, 0 where there is none: whether two logs agree up to there. A repair changes them all."""
        found = self._value("select max(crc) from batches where offset = ?", offset)
        return found ^ self._changed if found else 0

    @cached_property
    def _changed(self) -> int:
        return zlib.crc32((self.note(REPAIRED) or "").encode())

    def __len__(self) -> int:
        return self._value("select sum(events) from batches")

    def remember(self, key: str, value: str) -> None:
        """Keep a note beside the batches, such as that a file was read to its end."""
        self._db.execute("insert or replace into notes values (?, ?)", (key, value))

    def note(self, key: str) -> str | None:
        """What was remembered under a key, None where nothing was."""
        found = list(self._db.execute("select value from notes where key = ?", (key,)))
        return str(found[0][0]) if found else None

    def keep(self, served: Mapping[str, bytes]) -> None:
        """Keep what was served of some decisions beside the events."""
        if served:
            with self._db:
                self._db.execute("create table if not exists served (decision text primary key, body blob not null)")
                self._db.executemany("insert or ignore into served values (?, ?)", served.items())

    def kept(self) -> Iterator[bytes]:
        """What was kept of decisions, in order of their ids."""
        if self._value("select count(*) from sqlite_schema where name = 'served'"):
            yield from (body for (body,) in self._db.execute("select body from served order by decision"))

    def close(self) -> None:
        self._db.close()
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
            parts = list(self._db.execute("select ids, contents from batches order by offset"))
            ids, contents = (b"".join(column) for column in zip(*parts, strict=True)) if parts else (b"", b"")
            self._known = Known()
            self._known.add(np.frombuffer(ids, np.uint64), np.frombuffer(contents, np.uint32))
        return self._known


def is_whole(row: tuple[Any, ...], sum_: object) -> bool:
    """Whether a row is as it was written; one of version 1 has no sum of its own, and its body's stands for it."""
    typed = all(isinstance(one, int) for one in row[:5]) and all(isinstance(one, bytes) for one in row[5:])
    return typed and zlib.crc32(row[-1]) == row[4] and (sum_ is None or whole(row) == sum_)
