"""What is older than the log is to keep: whole days of the settled part, but not what is still known of an entity."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..types import DAY
from . import partitions, settled, settling
from .log import EventLog
from .newest import telling
from .settled import SHOWN, UNDATED, Generation, Partition
from .tables import value

_DECISION = "decision"


class Dropped(msgspec.Struct, frozen=True):
    """What a retention took out: the first UTC day that stays whole, and how many events of each table went."""

    since: str
    events: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{n:,} {table}" for table, n in sorted(self.events.items()))
        return f"older than {self.since}: {counts or 'nothing'} dropped"


def retain(log: EventLog, *, now: int, keep: int) -> Dropped:
    """Drop the settled days that ended more than `keep` us before `now`, or before the log's own end where that is earlier.

    An entity event stays where it is undated, says the newest of some field of its entity, or is the first of its entity: since
    then the entity is known, and by that it has its number. Raises Busy and Unavailable as `settling.settle` does.
    """
    log.hold()
    since = partitions.day_name((min(now, log.end()) - keep) // DAY)
    home, before = settled.home(log.path), settled.named(log.db)
    counts: Counter[str] = Counter()
    with settling.room(log):
        stay = _telling(home, before, since)
        after = [_shorter(home, one, since, stay) for one in before]
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        for old, new in changed:
            settled.publish(home, new)
            counts.update({table: n - _rows(new)[table] for table, n in _rows(old).items()})
        gone = _decisions(home, changed)
        with log.db:
            for _, new in changed:
                settled.name(log.db, new)
            if value(log.db, "select count(*) from sqlite_schema where name = 'served'"):
                log.db.executemany("delete from served where decision = ?", gone)
            if changed:
                log.changed(f"before {since}")
        settled.sweep(home, after)
    return Dropped(since, {table: n for table, n in counts.items() if n and table != SHOWN})


def _old(part: Partition, since: str) -> bool:
    return part.day != UNDATED and part.day < since


def _telling(home: Path, generations: list[Generation], since: str) -> dict[Path, NDArray[np.bool_]]:
    """By file of old entity events: which of its rows (n,) stay."""
    files: dict[str, list[tuple[Path, bool, bytes]]] = defaultdict(list)
    for one in generations:
        for part in one.partitions:
            if part.table.startswith("entity "):
                folder = home / one.folder
                files[part.table].append((folder / part.file, _old(part, since), settled.checked(folder, part)))
    out: dict[Path, NDArray[np.bool_]] = {}
    for held in files.values():
        if any(old for _, old, _ in held):
            told = [partitions.said(data) for _, _, data in held]
            rows = {name: np.concatenate([known[name] for known, _ in told]) for name in told[0][0]}
            fields = dict.fromkeys(name for _, said in told for name in said)
            silent = [np.zeros(len(known["ts"]), bool) for known, _ in told]
            masks = {
                name: np.concatenate([said.get(name, no) for (_, said), no in zip(told, silent, strict=True)])
                for name in fields
            }
            split = np.split(telling(rows, masks), np.cumsum([len(no) for no in silent])[:-1])
            out |= {path: mask for (path, old, _), mask in zip(held, split, strict=True) if old}
    return out


def _shorter(home: Path, one: Generation, since: str, stay: dict[Path, NDArray[np.bool_]]) -> Generation:
    """A generation without what goes; itself where nothing does. Files of which some rows stay are written anew."""
    folder, revision = home / one.folder, one.revision + 1
    kept = []
    for part in one.partitions:
        mask = stay.get(folder / part.file)
        if not _old(part, since) or (mask is not None and mask.all()):
            kept.append(part)
        elif mask is not None and mask.any():
            rows = partitions.without(part.table, part.day, settled.checked(folder, part), keep=mask)
            kept.append(settling.put(folder, rows, revision))
    return one if tuple(kept) == one.partitions else Generation(one.first, one.last, revision, tuple(kept))


def _rows(one: Generation) -> Counter[str]:
    out: Counter[str] = Counter()
    for part in one.partitions:
        out[part.table] += part.rows
    return out


def _decisions(home: Path, changed: list[tuple[Generation, Generation]]) -> list[tuple[str]]:
    """The ids of the decisions that go."""
    return [
        (name.decode(),)
        for old, new in changed
        for part in old.partitions
        if part.table == _DECISION and part not in new.partitions
        for name in partitions.ids(settled.checked(home / old.folder, part)).tolist()
    ]
