"""All that a log says of some members, or of any kind of thing, taken out of it, and out of the bytes it stood in."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from ..errors import Busy, DataError, nearest
from . import settled, settling
from .codec import decode, encode
from .hashing import Hashes, hash_strings
from .log import EventLog
from .schema import DECISION_COLUMNS, ENTITY_COLUMNS, OUTCOME_COLUMNS, Events, take
from .settled import SHOWN, Generation
from .tables import COLUMNS, insert, is_stub, value

Mask = NDArray[np.bool_]
_CONTEXT = "context."


@dataclass(frozen=True, slots=True)
class Named:
    """Who is to be forgotten: ids of one entity type; item is the type that slates show, where that is known."""

    of: str
    ids: tuple[bytes, ...]
    item: str | None = None

    def among(self, column: NDArray[Any]) -> Mask:
        """Where a column (n,) holds one of the ids."""
        out = np.zeros(len(column), bool)
        for one in self.ids if column.dtype.kind == "S" else ():
            out |= column == one
        return out


@dataclass(slots=True)
class Traces:
    """What a log holds of them: events by table, decisions, ids that were met, the first ts; and where other events quote one."""

    counts: Counter[str] = field(default_factory=Counter)
    decisions: set[bytes] = field(default_factory=set)
    met: set[bytes] = field(default_factory=set)
    first_ts: int = np.iinfo(np.int64).max
    quoted: Counter[str] = field(default_factory=Counter)


def types(log: EventLog) -> list[str]:
    """The entity types that a log names: of entities, and as keys of decisions and outcomes."""
    out = set()
    for path in log.kinds():
        kind, _, rest = path.partition(" ")
        name, _, column = rest.rpartition(" ")
        if kind == "entity":
            out.add(name)
        elif column not in (*DECISION_COLUMNS, *OUTCOME_COLUMNS) and not column.startswith(_CONTEXT):
            out.add(column)
    return sorted(out)


def check(log: EventLog, of: str) -> None:
    """Raises DataError where a log has no such entity type."""
    if of not in (known := types(log)):
        raise DataError(f"the log has no entity type {of!r}; {nearest(of, known)}")


def find(log: EventLog, who: Named) -> Traces:
    """What a log holds of them. Reads all of it, twice."""
    out = Traces()
    for _, events in log.read():
        mine = who.among(events.decisions.get(who.of, np.empty(0)))
        out.decisions.update(events.decisions["id"][: len(mine)][mine].tolist())
    decided = np.array(sorted(out.decisions) or [b""])
    for _, events in log.read():
        _trace(events, who, decided, out)
    return out


def _trace(events: Events, who: Named, decided: NDArray[np.bytes_], out: Traces) -> None:
    gone, slates = _gone(events, who, decided)
    out.counts[SHOWN] += int(slates.sum())
    for name, table in events.tables():
        mask = gone[name]
        out.counts[name] += int(mask.sum())
        dated = table["ts"][mask] if not name.startswith("entity ") else np.empty(0, np.int64)
        out.first_ts = min(out.first_ts, int(dated.min(initial=out.first_ts)))
        for column, values in table.items():
            here = who.among(values)
            out.met.update(values[here & mask].tolist())
            free = column.startswith(_CONTEXT) or (name.startswith("entity ") and column not in ENTITY_COLUMNS)
            if free and (stays := int((here & ~mask).sum())):
                out.quoted[f"{name} {column}"] += stays
    out.met.update(events.shown["item"][slates & who.among(events.shown["item"])].tolist())


def _gone(events: Events, who: Named, decided: NDArray[np.bytes_]) -> tuple[dict[str, Mask], Mask]:
    """Masks of what goes, by table; and of the slates' rows."""
    out = {}
    for name, table in events.tables():
        key = "key" if name == f"entity {who.of}" else who.of
        named = not name.startswith("entity ") or key == "key"
        out[name] = who.among(table[key]) if named and key in table else np.zeros(len(table["ts"]), bool)
        if name.startswith("outcome "):
            out[name] |= (table["decision"] != b"") & np.isin(table["decision"], decided)
    slates = out["decision"][events.shown["decision"]]
    if who.of == who.item:
        slates = slates | who.among(events.shown["item"])
    return out, slates


def remove(log: EventLog, who: Named, traces: Traces, *, served: Iterable[str] = ()) -> None:
    """Take all traces out in one commit, and the decisions of `served` out of what was served; `wipe` is to follow.

    Raises Unavailable where the disk is full.
    """
    decided = np.array(sorted(traces.decisions) or [b""])
    log.db.execute("pragma secure_delete = on")
    with settling.room(log):
        generations = list(_generations(log, who, decided))
        with log.db:
            for one, removed in generations:
                settled.name(log.db, one)
                _unknow(log, one, removed)
            for row in _rows(log, who, decided):
                insert(log.db, row)
            if value(log.db, "select count(*) from sqlite_schema where name = 'served'"):
                names = {*served, *(one.decode() for one in traces.decisions)}
                log.db.executemany("delete from served where decision = ?", [(name,) for name in sorted(names)])
            if traces.counts.total():
                log.changed("forgotten")


def wipe(log: EventLog) -> None:
    """Leave nothing of what was taken out in any file: free pages, write-ahead log, files that nothing names. May be done again.

    Raises Busy where another process is reading.
    """
    settled.sweep(settled.home(log.path), settled.named(log.db))
    try:
        log.db.execute("vacuum")
        busy = value(log.db, "pragma wal_checkpoint(truncate)")
    except (apsw.BusyError, apsw.LockedError):
        busy = 1
    if busy:
        raise Busy(f"another process is reading {log.path}, and so its old bytes stay; end it and run this again")
    for path in log.path.parent.glob(f"{log.path.stem}.damaged-*"):
        path.unlink()
    for path in settled.home(log.path).glob("*/*.damaged"):
        path.unlink()


def _generations(log: EventLog, who: Named, decided: NDArray[np.bytes_]) -> Iterator[tuple[Generation, Hashes]]:
    """The generations that say something of them, written anew without; and the hashes of the ids that went."""
    home = settled.home(log.path)
    for one in settled.named(log.db):
        batches = list(settled.read(home, one))
        removed = [_ids(events, who, decided) for _, events in batches]
        kept = [(offset, _without(events, who, decided)) for offset, events in batches]
        if any(after is not before for (_, after), (_, before) in zip(kept, batches, strict=True)):
            yield settling.write(log, (one.first, one.last), one.revision + 1, kept), np.concatenate(removed)


def _rows(log: EventLog, who: Named, decided: NDArray[np.bytes_]) -> Iterator[tuple[Any, ...]]:
    """The rows of batches that say something of them, as they are without."""
    for row in list(log.db.execute("select offset from batches order by offset")):
        (found,) = log.db.execute(f"select {COLUMNS} from batches where offset = ?", row)
        if not is_stub(found):
            before = decode(found[-1])
            if (after := _without(before, who, decided)) is not before:
                yield _row(found[0], after)


def _row(offset: int, events: Events) -> tuple[Any, ...]:
    contents, body = events.content(), encode(events)
    ids = np.concatenate([hash_strings(table["id"]) for _, table in events.tables()])
    said = np.concatenate([contents[name] for name, _ in events.tables()]).astype(np.uint32)
    return (offset, len(events), *events.span(), zlib.crc32(body), ids.tobytes(), said.tobytes(), body)


def _without(events: Events, who: Named, decided: NDArray[np.bytes_]) -> Events:
    """The batch without them; the same object where it says nothing of them."""
    gone, slates = _gone(events, who, decided)
    if not slates.any() and not any(mask.any() for mask in gone.values()):
        return events
    short = replace(events, shown=take(events.shown, ~slates))
    return short.select({name: ~mask for name, mask in gone.items()})


def _ids(events: Events, who: Named, decided: NDArray[np.bytes_]) -> Hashes:
    gone, _ = _gone(events, who, decided)
    return np.concatenate([hash_strings(table["id"][gone[name]]) for name, table in events.tables()])


def _unknow(log: EventLog, one: Generation, removed: Hashes) -> None:
    """Let the ids of settled events go at once."""
    query = f"select {COLUMNS} from batches where offset between ? and ? and length(ids) > 0"
    for row in list(log.db.execute(query, (one.first, one.last))):
        ids, contents = np.frombuffer(row[5], np.uint64), np.frombuffer(row[6], np.uint32)
        keep = ~np.isin(ids, removed)
        if not keep.all():
            insert(log.db, (*row[:5], ids[keep].tobytes(), contents[keep].tobytes(), b""))


def ordered(counts: Counter[str]) -> dict[str, int]:
    """Counts that are not 0, by name."""
    return {name: n for name, n in sorted(counts.items()) if n}
