"""The log: every event that was accepted, durable, in order of acceptance.

One SQLite file. A row is a *batch*, encoded, compressed and checksummed, so that accepting a million
events is one insert and one fsync. Events are idempotent by id: a second one with the same content is
a duplicate and is left out, one with other content is a conflict and is handed back.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import apsw
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import Busy, DataError
from .codec import decode, encode
from .hashing import Hashes, hash_strings
from .schema import Events, concat

VERSION = 1
_KINDS = "kinds"

_SCHEMA = """
create table batches (offset integer primary key, events integer not null, first_ts integer not null,
    last_ts integer not null, crc integer not null, ids blob not null, contents blob not null, body blob not null);
create table notes (key text primary key, value text not null) without rowid;
"""


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
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = apsw.Connection(str(path))
        self._db.set_busy_timeout(10_000)
        self._known: _Known | None = None
        self._lock: int | None = None
        self._kinds: dict[str, str] | None = None
        try:
            self._prepare()
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise DataError(f"{path} is no log of Sixfold ({error}); move it away or restore a backup") from error

    def _prepare(self) -> None:
        version = self._value("pragma user_version")
        if version == 0:
            if self._value("select count(*) from sqlite_schema"):
                raise DataError(f"{self.path} is no log of Sixfold (a database of something else); move it away")
            self._db.execute("pragma journal_mode = wal")
            with self._db:
                self._db.execute(_SCHEMA)
                self._db.execute(f"pragma user_version = {VERSION}")
        elif version != VERSION:
            raise DataError(f"{self.path} has schema version {version}, this Sixfold reads {VERSION}; update Sixfold")
        self._db.execute("pragma synchronous = full")

    def _value(self, sql: str, *args: object) -> int:
        return int(next(iter(self._db.execute(sql, args)))[0] or 0)

    def hold(self) -> None:
        """Keep other processes from writing until this is closed; raises Busy where one does. `append` does it by itself."""
        if self._lock is None:
            handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(handle)
                raise Busy(
                    f"{self.path} is being written by another process; send events to the service that runs (POST /v1/events), "
                    "or stop it first"
                ) from error
            self._lock = handle

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
                body = encode(new)
                first, last = new.span()
                crc = zlib.crc32(body)
                self._db.execute(
                    "insert into batches (events, first_ts, last_ts, crc, ids, contents, body) values (?,?,?,?,?,?,?)",
                    (accepted, first, last, crc, hashes.tobytes(), contents.tobytes(), body),
                )
                offset = self._db.last_insert_rowid()
                if kinds != self._kinds:
                    self.remember(_KINDS, msgspec.json.encode(kinds).decode())
        self._kinds = kinds
        known.add(hashes, contents)
        return Appended(offset, accepted, len(events) - accepted - clashes, conflicts, keep, new, crc)

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
                raise DataError(f"batch {offset} of {self.path} is damaged (checksum differs); restore a backup")
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
        """The checksum of a batch, 0 where there is none: whether two logs agree up to there."""
        return self._value("select max(crc) from batches where offset = ?", offset)

    def __len__(self) -> int:
        return self._value("select sum(events) from batches")

    def remember(self, key: str, value: str) -> None:
        """Keep a note beside the batches, such as that a file was read to its end."""
        self._db.execute("insert or replace into notes values (?, ?)", (key, value))

    def note(self, key: str) -> str | None:
        """What was remembered under a key, None where nothing was."""
        found = list(self._db.execute("select value from notes where key = ?", (key,)))
        return str(found[0][0]) if found else None

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _index(self) -> _Known:
        if self._known is None:
            self._known = _Known()
            for ids, contents in self._db.execute("select ids, contents from batches order by offset"):
                self._known.add(np.frombuffer(ids, np.uint64), np.frombuffer(contents, np.uint32))
        return self._known


class _Known:
    """Ids seen so far with 32 bits of their content, in sorted runs that merge as they grow.

    A look-up is a binary search in O(log n) runs; an id costs 12 bytes. A table of ids beside the
    batches was measured to slow appending from 550 to 60 thousand events a second at 2 M ids.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, NDArray[np.uint32]]] = []

    def add(self, ids: Hashes, contents: NDArray[np.uint32]) -> None:
        if not len(ids):
            return
        self._runs.append(_sorted(ids, contents))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            (a, b), (c, d) = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(np.concatenate([a, c]), np.concatenate([b, d])))

    def find(self, ids: Hashes) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
        """Which ids are known, and the content of those (0 elsewhere)."""
        known = np.zeros(len(ids), bool)
        contents = np.zeros(len(ids), np.uint32)
        for run_ids, run_contents in self._runs:
            at = np.minimum(np.searchsorted(run_ids, ids), len(run_ids) - 1)
            hit = run_ids[at] == ids
            known |= hit
            contents[hit] = run_contents[at[hit]]
        return known, contents

    def sift(
        self, events: Events
    ) -> tuple[dict[str, NDArray[np.bool_]], dict[str, NDArray[np.bool_]], Hashes, NDArray[np.uint32]]:
        """Masks of what is new and of what conflicts, by table; ids and contents of the new."""
        contents = events.content()
        names = [name for name, _ in events.tables()]
        ids = [hash_strings(table["id"]) for _, table in events.tables()]
        bounds = np.cumsum([0, *(len(part) for part in ids)])
        flat = np.concatenate(ids)
        content = np.concatenate([contents[name] for name in names]).astype(np.uint32)
        known, before = self.find(flat)
        _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
        repeated = first[inverse] != np.arange(len(flat))
        before = np.where(known, before, content[first[inverse]])
        new = ~known & ~repeated
        clash = ~new & (before != content)
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        keep = {name: new[part] for name, part in zip(names, parts, strict=True)}
        conflicts = {name: clash[part] for name, part in zip(names, parts, strict=True) if clash[part].any()}
        return keep, conflicts, flat[new], content[new]


def _sorted(ids: Hashes, contents: NDArray[np.uint32]) -> tuple[Hashes, NDArray[np.uint32]]:
    order = np.argsort(ids)
    return ids[order], contents[order]
