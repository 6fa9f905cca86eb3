"""The tables of a log's file: what a row is, and whether it is as it was written.

batches    a row a batch. Once it is settled its body and its counts are gone: its checksum stays for a while, and so do the
           hashes of its ids (8 bytes each) and contents (4), for as long as the log tells a second one from the first.
settled    a row a generation: batches `first` to `last`, which are in the files that its manifest names (`events.settled`)
accepted   what the last batch was at the end of each hour in which some were accepted (hours since 1970)
notes      what is remembered under a key
served     feature values of some decisions as they were served; made when there are some
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import apsw

from ..errors import DataError
from .salvage import PAGE

VERSION = 3
COLUMNS = "offset, events, first_ts, last_ts, crc, ids, contents, body"

_BATCHES = """
create table batches (offset integer primary key, events integer not null, first_ts integer not null,
    last_ts integer not null, crc integer not null, ids blob not null, contents blob not null, body blob not null, whole integer);
create table notes (key text primary key, value text not null) without rowid;
"""
_SETTLED = """
create table settled (first integer primary key, last integer not null, events integer not null, last_ts integer not null,
    manifest blob not null);
create table accepted (hour integer primary key, head integer not null);
"""


def prepare(db: apsw.Connection, path: Path, *, hour: int) -> None:
    """Make the tables of a new log, or those that an older version lacks; raises DataError where it is no log of this version.

    What an older version accepted counts as accepted in `hour`.
    """
    version = value(db, "pragma user_version")
    if version > VERSION:
        raise DataError(f"{path} has schema version {version}, this Sixfold reads {VERSION}; update Sixfold")
    if version == 0 and value(db, "select count(*) from sqlite_schema"):
        raise DataError(f"{path} is no log of Sixfold (a database of something else); move it away")
    if version == 0:
        db.execute(f"pragma page_size = {PAGE}")
        db.execute("pragma journal_mode = wal")
    if version < VERSION:
        with db:
            _upgrade(db, hour)


def _upgrade(db: apsw.Connection, hour: int) -> None:
    version = value(db, "pragma user_version")
    if version == 0:
        db.execute(_BATCHES)
    elif version == 1:
        db.execute("alter table batches add column whole integer")
    if version < VERSION:
        db.execute(_SETTLED)
        db.execute("insert into accepted select ?, max(offset) from batches where offset > 0 having count(*)", (hour,))
        db.execute(f"pragma user_version = {VERSION}")


def value(db: apsw.Connection, sql: str, *args: object) -> int:
    """The one number that a query gives; 0 where it gives none."""
    return int(next(iter(db.execute(sql, args)), (0,))[0] or 0)


def insert(db: apsw.Connection, row: tuple[Any, ...]) -> None:
    """Write a row of `COLUMNS`, in the place of the one that is there under its offset."""
    db.execute(f"insert or replace into batches ({COLUMNS}, whole) values (?,?,?,?,?,?,?,?,?)", (*row, whole(row)))


def stub(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What stays of a batch once its events are elsewhere."""
    return (row[0], 0, 0, 0, *row[4:7], b"")


def whole(row: tuple[Any, ...]) -> int:
    """The checksum of a row's `COLUMNS`, of which `crc` stands for the body."""
    offset, events, first, last, crc, ids, contents, _ = row
    numbers = b"%d %d %d %d %d" % (offset, events, first, last, crc)
    return zlib.crc32(contents, zlib.crc32(ids, zlib.crc32(numbers)))


def is_whole(row: tuple[Any, ...], sum_: object) -> bool:
    """Whether a row is as it was written; one of version 1 has no sum of its own, and its body's stands for it."""
    typed = all(isinstance(one, int) for one in row[:5]) and all(isinstance(one, bytes) for one in row[5:])
    if not typed or (sum_ is not None and whole(row) != sum_):
        return False
    return zlib.crc32(row[-1]) == row[4] or (sum_ is not None and is_stub(row))


def is_stub(row: tuple[Any, ...]) -> bool:
    """Whether a row is of a batch that is settled."""
    return bool(row[1] == 0 and row[-1] == b"")
