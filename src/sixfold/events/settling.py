"""Old batches move from the log's file into Parquet by day, and ids are let go a week after they were accepted.

At every moment an event is in exactly one place: files are written and on disk first, under a generation that nothing names
yet; then one transaction names them and empties the rows of their batches. A crash before it leaves files to sweep, and after
it nothing to do.

What came again after its id was let go collapses here: it is found by reading the ids of what was settled more than a week ago.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec
import numpy as np

from ..errors import Unavailable
from ..types import DAY
from . import partitions, settled
from .codec import decode
from .hashing import Hashes, hash_strings
from .hours import accepted_before, forget_before
from .known import Known
from .log import EventLog
from .schema import Events
from .settled import SHOWN, Generation, Partition
from .tables import COLUMNS, insert, stub, value

KNOWN = 7 * DAY
"""How long an id is known for certain."""
GENERATION = 500_000
"""Events that move together at most, unless one batch has more: what is held in memory, by the reader too."""
_FULL = (apsw.FullError, apsw.IOError, apsw.CantOpenError, OSError)


class Moved(msgspec.Struct, frozen=True):
    """What a settling did: batches and events that moved, the files that hold them, duplicates that collapsed, ids let go."""

    batches: int = 0
    events: int = 0
    duplicates: int = 0
    files: int = 0
    bytes: int = 0
    ids: int = 0

    def __str__(self) -> str:
        return (
            f"{self.events:,} events of {self.batches:,} batches settled in {self.files:,} files ({self.bytes / 1e6:.1f} MB); "
            f"{self.duplicates:,} old duplicates collapsed, {self.ids:,} ids let go"
        )


def settle(log: EventLog, *, now: int, before: int = DAY) -> Moved:
    """Move what was accepted more than `before` us before `now` (int64 us, to the hour) into the settled part.

    Raises Busy where another process writes the log, Unavailable where the disk is full: then it can be called again.
    """
    log.hold()
    upto = accepted_before(log.db, now - before)
    parts = []
    with room(log):
        known = _repeated(log, upto, now - KNOWN)
        while batches := _next(log, upto):
            parts.append(_move(log, batches, known))
        ids = _let_go(log, now - KNOWN)
        shrink(log)
    sums = [sum(values) for values in zip(*(msgspec.structs.astuple(one) for one in parts), strict=True)]
    return msgspec.structs.replace(Moved(*sums), ids=ids)


@contextlib.contextmanager
def room(log: EventLog) -> Iterator[None]:
    """Where the disk is full, clear away what was begun and say so."""
    try:
        yield
    except _FULL as error:
        settled.sweep(settled.home(log.path), settled.named(log.db))
        raise Unavailable(
            f"{log.path} cannot be settled ({error}); nothing is lost: make room and run it again"
        ) from error


def write(log: EventLog, span: tuple[int, int], revision: int, batches: Sequence[tuple[int, Events]]) -> Generation:
    """The files of a generation, on disk; it counts once the log names it."""
    first, last = span
    home = settled.home(log.path)
    folder = home / f"{first}-{last}"
    folder.mkdir(parents=True, exist_ok=True)
    found = [put(folder, cut, revision) for cut in partitions.cut(batches)]
    one = Generation(first, last, revision, tuple(sorted(found, key=lambda part: part.file)))
    settled.publish(home, one)
    return one


def put(folder: Path, cut: partitions.Cut, revision: int) -> Partition:
    """Write one file of a generation."""
    part = Partition.of(cut.table, cut.day, revision, cut.data, rows=cut.rows, span=(cut.first_ts, cut.last_ts))
    settled.put(folder / part.file, cut.data)
    return part


def shrink(log: EventLog) -> None:
    """Give room in the log's file back to the disk where most of it is empty; later, where a reader is in the way."""
    if 2 * value(log.db, "pragma freelist_count") > value(log.db, "pragma page_count"):
        with contextlib.suppress(apsw.BusyError, apsw.LockedError):
            log.db.execute("vacuum")
            log.db.execute("pragma wal_checkpoint(truncate)")


def _next(log: EventLog, upto: int) -> list[tuple[Any, ...]]:
    """The rows of the batches that move next."""
    since, rows, events = _settled(log), [], 0
    query = f"select {COLUMNS} from batches where offset > ? and offset <= ? order by offset"
    for row in log.db.execute(query, (since, upto)):
        rows.append(row)
        events += row[1]
        if events >= GENERATION:
            break
    return rows


def _settled(log: EventLog) -> int:
    return value(log.db, "select max(last) from settled")


def _move(log: EventLog, rows: list[tuple[Any, ...]], known: Known) -> Moved:
    batches = [(row[0], _collapsed(decode(row[-1]), known)) for row in rows]
    one = write(log, (_settled(log) + 1, rows[-1][0]), 0, batches)
    events = sum(row[1] for row in rows)
    duplicates = events - one.events
    with log.db:
        settled.name(log.db, one)
        for row in rows:
            insert(log.db, stub(row))
        if duplicates:
            log.changed(f"{duplicates} duplicates")
    return Moved(
        len(rows), one.events, duplicates, len(one.partitions), sum(part.size_bytes for part in one.partitions)
    )


def _repeated(log: EventLog, upto: int, ts: int) -> Known:
    """Ids of the batches that are to move that were settled before and may have been let go, with their content there."""
    out = Known()
    query = "select ids from batches where offset > ? and offset <= ?"
    wanted = np.sort(np.frombuffer(b"".join(ids for (ids,) in log.db.execute(query, (_settled(log), upto))), np.uint64))
    home, old = settled.home(log.path), accepted_before(log.db, ts)
    for one in settled.named(log.db) if len(wanted) else ():
        if one.first <= old and any(_among(ids, wanted).any() for ids in _ids(log, one)):
            for _, events in settled.read(home, one):
                contents = events.content()
                for name, table in events.tables():
                    ids = hash_strings(table["id"])
                    hit = _among(ids, wanted)
                    out.add(ids[hit], contents[name][hit].astype(np.uint32))
    return out


def _ids(log: EventLog, one: Generation) -> Iterator[Hashes]:
    """The hashes of the ids in each file of a generation."""
    folder = settled.home(log.path) / one.folder
    for part in one.partitions:
        if part.table != SHOWN:
            yield hash_strings(partitions.ids(settled.checked(folder, part)))


def _among(ids: Hashes, ordered: Hashes) -> Any:
    at = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    return ordered[at] == ids


def _collapsed(events: Events, known: Known) -> Events:
    """Events without those that are known with the same content."""
    if known.empty:
        return events
    contents, keep = events.content(), {}
    for name, table in events.tables():
        there, before = known.find(hash_strings(table["id"]))
        keep[name] = ~(there & (before == contents[name].astype(np.uint32)))
    return events.select(keep)


def _let_go(log: EventLog, ts: int) -> int:
    """Forget the ids of settled batches accepted before a ts; gives how many. The last of each generation keeps its checksum."""
    upto = min(accepted_before(log.db, ts), _settled(log))
    gone = value(log.db, "select sum(length(ids)) from batches where offset <= ?", upto) // 8
    query = (
        f"select {COLUMNS} from batches where offset <= ? and offset in (select last from settled) and length(ids) > 0"
    )
    lasts = list(log.db.execute(query, (upto,)))
    with log.db:
        for row in lasts:
            insert(log.db, (*row[:5], b"", b"", b""))
        log.db.execute("delete from batches where offset <= ? and offset not in (select last from settled)", (upto,))
        forget_before(log.db, ts)
    log.reindex()
    return gone
