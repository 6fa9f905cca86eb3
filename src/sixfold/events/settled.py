"""The settled part of a log: old batches as Parquet files by day, beside the log's file.

    settled/<first>-<last>/              a generation: the batches from one offset to another
        <table>.<day>.parquet            the events of one table and one UTC day, "undated" for entities known since for ever
        manifest.<revision>.json         the same list of files that the log's file holds, for when that is damaged

A file counts once the log names it, and no file is ever written again: what changes is another file under a new revision. So
files that the log does not name are what a crash left, and are swept away by the next one to write. Reading needs Polars
(`events.partitions`).
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import apsw
import msgspec

from .. import files
from ..errors import DataError
from .schema import Events

SHOWN = "shown"
UNDATED = "undated"
_NAME = re.compile(r"(\d+)-(\d+)")


class Partition(msgspec.Struct, frozen=True):
    """One file: what it holds, and what it must be. first_ts and last_ts are int64 us, those of slates of their decisions."""

    file: str
    table: str
    day: str
    rows: int
    first_ts: int
    last_ts: int
    size_bytes: int
    sha256: str

    @staticmethod
    def of(table: str, day: str, revision: int, data: bytes, *, rows: int, span: tuple[int, int]) -> Partition:
        """The file that is to hold these bytes."""
        again = f".{revision}" if revision else ""
        file = f"{quote(table.replace(' ', '.', 1), safe='')}.{day}{again}.parquet"
        return Partition(file, table, day, rows, *span, len(data), hashlib.sha256(data).hexdigest())


class Generation(msgspec.Struct, frozen=True):
    """Batches `first` to `last` of the log, settled."""

    first: int
    last: int
    revision: int
    partitions: tuple[Partition, ...]

    @property
    def folder(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def manifest(self) -> str:
        return f"manifest.{self.revision}.json"

    @property
    def events(self) -> int:
        return sum(one.rows for one in self.partitions if one.table != SHOWN)

    @property
    def last_ts(self) -> int:
        """The newest ts of a decision or outcome, 0 where there is none."""
        times = [one.last_ts for one in self.partitions if not one.table.startswith("entity ")]
        return max(times, default=0)

    def encode(self) -> bytes:
        """The manifest, with a checksum of itself."""
        body = msgspec.json.encode(self)
        return msgspec.json.encode({"crc32": zlib.crc32(body), "generation": msgspec.Raw(body)})

    @staticmethod
    def decode(data: bytes) -> Generation:
        """Raises DataError where the bytes are no manifest, or no longer as they were written."""
        try:
            held = msgspec.json.decode(data, type=_Manifest)
            if zlib.crc32(bytes(held.generation)) != held.crc32:
                raise DataError("its checksum differs")
            return msgspec.json.decode(held.generation, type=Generation)
        except msgspec.MsgspecError as error:
            raise DataError(str(error)) from error


class _Manifest(msgspec.Struct):
    crc32: int
    generation: msgspec.Raw


def home(log: Path) -> Path:
    """Where the settled part of a log is."""
    return log.parent / "settled"


def named(db: apsw.Connection) -> list[Generation]:
    """The generations that a log's file names, oldest first. Raises DataError where what it says of one is damaged."""
    out = []
    for first, last, events, last_ts, manifest in db.execute("select * from settled order by first"):
        try:
            one = Generation.decode(manifest)
        except DataError as error:
            raise DataError(f"the manifest of settled batches {first} to {last} is damaged ({error})") from error
        if (one.first, one.last, one.events, one.last_ts) != (first, last, events, last_ts):
            raise DataError(f"the manifest of settled batches {first} to {last} does not fit its row")
        out.append(one)
    return out


def name(db: apsw.Connection, one: Generation) -> None:
    """Have a log's file name a generation, in the place of the one that begins alike; part of the caller's transaction."""
    row = (one.first, one.last, one.events, one.last_ts, one.encode())
    db.execute("insert or replace into settled values (?, ?, ?, ?, ?)", row)


def read(folder: Path, one: Generation, since: int = 0) -> Iterator[tuple[int, Events]]:
    """(offset, batch) of the batches of a generation after `since`; the last one comes even where nothing is left of it."""
    from .partitions import batches

    last = 0
    held = ((part.table, checked(folder / one.folder, part)) for part in one.partitions)
    for last, events in batches(held):
        if last > since:
            yield last, events
    if max(last, since) < one.last:
        yield one.last, Events()


def checked(folder: Path, part: Partition) -> bytes:
    """The bytes of a file. Raises DataError where they are not those that were written."""
    try:
        data = (folder / part.file).read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            f"{folder / part.file} is gone: the log was changed while it was read, so read it again; "
            "if it stays away, 'sixfold repair' keeps everything else"
        ) from error
    if len(data) != part.size_bytes or hashlib.sha256(data).hexdigest() != part.sha256:
        raise DataError(f"{folder / part.file} is damaged (checksum differs); 'sixfold repair' keeps everything else")
    return data


def missing(folder: Path, one: Generation) -> str:
    """What is wrong with a generation as far as names and sizes tell, empty where nothing is."""
    manifest = folder / one.folder / one.manifest
    if not manifest.exists() or manifest.read_bytes() != one.encode():
        return f"{manifest} is not as it was written"
    for part in one.partitions:
        path = folder / one.folder / part.file
        if not path.exists() or path.stat().st_size != part.size_bytes:
            return f"{path} is not as it was written"
    return ""


def damaged(folder: Path, one: Generation) -> list[Partition]:
    """The files of a generation that are not as they were written. Reads all of them."""
    out = []
    for part in one.partitions:
        try:
            checked(folder / one.folder, part)
        except DataError:
            out.append(part)
    return out


def found(folder: Path) -> list[Generation]:
    """The generations that the files themselves tell of, each in its newest whole revision, oldest first."""
    newest: dict[tuple[int, int], Generation] = {}
    for path in folder.glob("*/manifest.*.json"):
        try:
            one = Generation.decode(path.read_bytes())
        except (DataError, OSError):
            continue
        held = newest.get((one.first, one.last))
        if held is None or held.revision < one.revision:
            newest[one.first, one.last] = one
    return [newest[span] for span in sorted(newest)]


def put(path: Path, data: bytes) -> None:
    """Write a file that nobody reads yet, on disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def publish(folder: Path, one: Generation) -> None:
    """Write the manifest of a generation whose files are there, and have all names on disk. The log is to name it then."""
    put(folder / one.folder / one.manifest, one.encode())
    for path in (folder / one.folder, folder, folder.parent):
        files.sync(path)


def sweep(folder: Path, generations: Iterable[Generation]) -> int:
    """Remove the files that no generation names; gives how many."""
    kept = {
        folder / one.folder / file for one in generations for file in (one.manifest, *(p.file for p in one.partitions))
    }
    gone = 0
    for inner in folder.iterdir() if folder.exists() else ():
        if not _NAME.fullmatch(inner.name):
            continue
        for path in list(inner.iterdir()):
            if path not in kept and path.suffix in (".parquet", ".json"):
                path.unlink()
                gone += 1
        if not any(inner.iterdir()):
            inner.rmdir()
    return gone
