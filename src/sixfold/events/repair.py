"""A damaged log made whole: every batch that is as it was written, in a new file; the damaged one is kept beside it."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from ..errors import DataError
from .lock import heard, held, said
from .log import REPAIRED, EventLog, is_whole
from .salvage import rows

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

    def __str__(self) -> str:
        lost = f"batches {_spans(self.lost)} are lost" if self.lost else "no batch is lost"
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
    except DataError as error:
        return str(error).partition(";")[0]
    return ""


def _rebuild(path: Path, fresh: Path, reason: str, *, acknowledged: int) -> None:
    """Write a new log of all rows that are whole, and the note of what was done."""
    found: dict[int, tuple[Any, ...]] = {}
    for offset, values in rows(path, columns=_COLUMNS):
        row = (offset, *values[1:_COLUMNS])
        if is_whole(row, values[_COLUMNS] if len(values) > _COLUMNS else None):
            found[offset] = row
    if not found:
        raise DataError(f"{reason}, and no whole batch is left in it; move it away or restore a backup")
    last = max(found)
    lost = sorted(set(range(1, max(last, acknowledged) + 1)) - found.keys())
    events = sum(row[1] for row in found.values())
    done = Repaired(str(path), reason, len(found), events, last, lost, str(_free(path)))
    part = path.with_suffix(".part")
    for end in _BESIDE:
        part.with_name(part.name + end).unlink(missing_ok=True)
    with EventLog(part) as log:
        log.refill((found[offset] for offset in sorted(found)), {REPAIRED: msgspec.json.encode(done).decode()})
    part.replace(fresh)


def _exchange(path: Path, fresh: Path) -> Repaired:
    """Put the new log in the place of the damaged one."""
    with EventLog(fresh) as log:
        done = msgspec.json.decode(log.note(REPAIRED) or "", type=Repaired)
    aside = Path(done.aside)
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
