"""A damaged log made whole: every batch that is as it was written, in a new file; the damaged one is kept beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import apsw
import msgspec

from ..errors import DataError
from . import settled
from .codec import decode
from .hours import accept
from .kinds import kinds_of
from .lock import heard, held, said
from .log import KINDS, REPAIRED, EventLog
from .salvage import rows
from .settled import Generation, Partition
from .tables import insert, is_stub, is_whole, stub

_COLUMNS = 8
_BESIDE = ("", "-wal", "-shm")


class Repaired(msgspec.Struct, frozen=True):
    """What was kept of a log, up to which batch, and which batches are lost."""

    log: str
    reason: str
    batches: int
    events: int
    last: int
    lost: list[int]
    aside: str
    partitions: list[str] = []
    """Files of the settled part that are lost; they stay under their names with `.damaged`."""

    def __str__(self) -> str:
        lost = f"batches {_spans(self.lost)} are lost" if self.lost else "no batch is lost"
        if self.partitions:
            lost += f", settled {', '.join(self.partitions)} are lost"
        return (
            f"{self.reason}: {self.batches:,} whole batches with {self.events:,} events are kept, {lost}; "
            f"the damaged file is {self.aside}"
        )


def repair(path: Path) -> Repaired | None:
    """Make a damaged log whole; None where it is. Raises DataError where nothing of a log is found, Busy where it is written.

    It may be cut short at any step and called again: the new file is complete before the damaged one is moved.
    """
    reason = _wrong(path)
    fresh = path.with_suffix(".whole")
    if not reason and not fresh.exists():
        return None
    lock = held(path)
    try:
        if not fresh.exists():
            _rebuild(path, fresh, reason, acknowledged=heard(lock))
        done = _exchange(path, fresh)
        said(lock, done.last)
        return done
    finally:
        os.close(lock)


def _wrong(path: Path) -> str:
    try:
        with EventLog(path, create=False) as log:
            log.hold()
            for one in settled.named(log.db):
                if lost := settled.damaged(settled.home(path), one):
                    return f"{path} is damaged ({one.folder}/{lost[0].file} is not as it was written)"
    except DataError as error:
        return str(error).partition(";")[0]
    return ""


def _rebuild(path: Path, fresh: Path, reason: str, *, acknowledged: int) -> None:
    """Write a new log of all rows and settled files that are whole, and the note of what was done."""
    generations, damaged = _settled(path)
    last = generations[-1].last if generations else 0
    found = _found(path, last)
    if not found and not generations:
        raise DataError(f"{reason}, and no whole batch is left in it; move it away or restore a backup")
    kept = {offset: row for offset, row in found.items() if offset > last}
    covered = {offset for one in generations for offset in range(one.first, one.last + 1)}
    head = max(last, *kept) if kept else last
    lost = sorted(set(range(1, max(head, acknowledged) + 1)) - kept.keys() - covered)
    events = sum(row[1] for row in kept.values()) + sum(one.events for one in generations)
    done = Repaired(str(path), reason, len(kept) + len(covered), events, head, lost, str(_free(path)), damaged)
    part = path.with_suffix(".part")
    for end in _BESIDE:
        part.with_name(part.name + end).unlink(missing_ok=True)
    with EventLog(part) as log:
        _fill(
            log,
            (found[offset] for offset in sorted(found)),
            generations,
            {REPAIRED: msgspec.json.encode(done).decode()},
        )
    part.replace(fresh)


def _found(path: Path, last: int) -> dict[int, tuple[Any, ...]]:
    """Every whole row by its offset; of a batch up to `last`, which is settled, what stays of it.

    A page that is free may hold a row as it once was: the one found first, in the newest page, counts.
    """
    out: dict[int, tuple[Any, ...]] = {}
    for offset, values in rows(path, columns=_COLUMNS):
        row = (offset, *values[1:_COLUMNS])
        if not is_whole(row, values[_COLUMNS] if len(values) > _COLUMNS else None):
            continue
        if offset <= last:
            out[offset] = row if is_stub(row) else out.get(offset, stub(row))
        elif not is_stub(row):
            out.setdefault(offset, row)
    return out


def _settled(path: Path) -> tuple[list[Generation], list[str]]:
    """The generations that the log or their own files tell of, without the files that are damaged, which are named."""
    home, out, lost, last = settled.home(path), [], [], 0
    newest = {one.first: one for one in sorted([*_named(path), *settled.found(home)], key=lambda one: one.revision)}
    for one in (newest[first] for first in sorted(newest)):
        if one.first > last:
            if bad := settled.damaged(home, one):
                lost += [f"{one.folder}/{part.file}" for part in bad]
                others = _others(one.partitions, bad)
                one = msgspec.structs.replace(one, revision=one.revision + 1, partitions=others)
            out.append(one)
            last = one.last
    return out, lost


def _named(path: Path) -> list[Generation]:
    try:
        with EventLog(path, create=False) as log:
            return settled.named(log.db)
    except (DataError, apsw.Error):
        return []


def _others(parts: Iterable[Partition], bad: list[Partition]) -> tuple[Partition, ...]:
    return tuple(part for part in parts if part not in bad)


def _fill(
    log: EventLog, batches: Iterable[tuple[Any, ...]], generations: Iterable[Generation], notes: Mapping[str, str]
) -> None:
    """Write rows of another log as they are, what is settled, and notes, in one commit; all of it is in the one file then."""
    kinds: dict[str, str] = {}
    with log.db:
        for one in generations:
            settled.name(log.db, one)
            for _, events in settled.read(settled.home(log.path), one):
                kinds = kinds_of(events, kinds)
        for row in batches:
            insert(log.db, row)
            kinds = kinds if is_stub(row) else kinds_of(decode(row[-1]), kinds)
        accept(log.db, log.clock(), log.head())
        for key, text in ({KINDS: msgspec.json.encode(kinds).decode()} | dict(notes)).items():
            log.remember(key, text)
    log.db.execute("pragma wal_checkpoint(truncate)")


def _exchange(path: Path, fresh: Path) -> Repaired:
    """Put the new log in the place of the damaged one."""
    with EventLog(fresh) as log:
        done = msgspec.json.decode(log.note(REPAIRED) or "", type=Repaired)
        for one in settled.named(log.db):
            if settled.missing(settled.home(path), one):
                settled.publish(settled.home(path), one)
    aside = Path(done.aside)
    for name in done.partitions:
        lost = settled.home(path) / name
        if lost.exists():
            lost.replace(lost.with_name(lost.name + ".damaged"))
    # The write-ahead log goes first: it must never be found beside the new file, which it is not of.
    for end in reversed(_BESIDE):
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    for end in _BESIDE[1:]:
        for left in (fresh, path.with_suffix(".part")):
            left.with_name(left.name + end).unlink(missing_ok=True)
    fresh.replace(path)
    return done


def _free(path: Path) -> Path:
    """A name beside the log that nothing has yet."""
    number = 1
    while (name := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return name


def _spans(numbers: list[int]) -> str:
    """
    >>> _spans([3, 4, 5, 9])
    '3 to 5, 9'
    """
    out = []
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        span = [number for _, number in group]
        out.append(f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]))
    return ", ".join(out)
