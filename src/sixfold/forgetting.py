"""A member, or any other thing that events name, taken out of a workspace, with a receipt.

Each step can be done again, and what was begun is noted first by hashes of the ids: after a crash the same call finishes it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from . import files, golden, upkeep
from .errors import DataError, SixfoldError
from .events import forgetting, quarantine
from .events.forgetting import Named, Traces
from .events.log import EventLog
from .features.served import decode
from .types import SECOND
from .workspace import Workspace

_PENDING = "pending-"


class Holding(msgspec.Struct, frozen=True):
    """A release that still holds something of what was forgotten: in how far, and what to do about it."""

    release: str
    names_it: bool
    current: bool
    todo: str


class Receipt(msgspec.Struct, frozen=True):
    """What was taken out. `hashes` are SHA-256 of salt, entity type and id: whoever has the id can tell that it is meant."""

    at: str
    of: str
    salt: str
    hashes: list[str]
    events: dict[str, int]
    """By table of the log, `shown` for the rows of slates."""
    first_ts: int
    quarantine: int
    cache_files: int
    state_files: int
    still_quoted: dict[str, int]
    """Columns of other events that hold the id as a value."""
    sources: list[str]
    """Files that the log was filled from; they are as they were."""
    releases: list[Holding]
    state: str
    """Whether the state of the published release was built anew."""


def forget(workspace: Workspace, of: str, names: Sequence[str], *, now: int, salt: bytes) -> tuple[Receipt, Path]:
    """Take every event of these ids out of log and settled part, and drop what was made from them; the receipt, and where it is.

    Raises DataError where the log has no such type or knows an id not, Busy where another process writes or reads.
    """
    ids = tuple(dict.fromkeys(names))
    # Who trains meanwhile would put what is to go back into the cache.
    with workspace.log() as log, workspace.training():
        log.hold()
        forgetting.check(log, of)
        who = Named(of, tuple(one.encode() for one in ids), _item(workspace))
        traces, begun = forgetting.find(log, who), _begun(workspace, of, ids)
        held = quarantined(workspace, ids, traces)
        strange = [one for one in ids if one.encode() not in traces.met]
        if strange and begun is None:
            raise DataError(f"the log knows no {of} {', '.join(map(repr, strange))}; nothing was changed")
        if begun is None or traces.counts.total():
            begun = _begin(workspace, log, who, traces, now=now, salt=salt)
        forgetting.remove(log, who, traces, served=_served(log, ids))
        forgetting.wipe(log)
        quarantine.drop(_quarantine(workspace), lambda row: _quotes(row, ids))
    caches = [path for path in workspace.cache.rglob("*") if path.is_file()]
    for path in caches:
        path.unlink()
    states = sum(upkeep.discard(folder) for folder in (workspace.folder / "state").glob("*/"))
    receipt = msgspec.structs.replace(
        begun, quarantine=max(held, begun.quarantine), cache_files=len(caches), state_files=states,
        releases=_releases(workspace, who, begun.first_ts), state=_rebuilt(workspace),
    )  # fmt: skip
    return receipt, _end(workspace, receipt)


def quarantined(workspace: Workspace, ids: Sequence[str], traces: Traces) -> int:
    """How many lines of the quarantine name one of the ids; those ids count as met."""
    found = 0
    for row in quarantine.read_held(_quarantine(workspace)):
        named = [one for one in ids if _quotes(row, [one])]
        traces.met.update(one.encode() for one in named)
        found += bool(named)
    return found


def _quotes(row: quarantine.Held, ids: Sequence[str]) -> bool:
    """Whether a row has one of the ids as a cell, or in quotes in a line that could not be read."""
    return any(one == text or f'"{one}"' in text for text in row.raw.values() for one in ids)


def _served(log: EventLog, ids: Sequence[str]) -> list[str]:
    """The decisions that were kept as served and are of these members, or show these items."""
    wanted = {one.encode() for one in ids}
    kept = (decode(body) for body in log.kept())
    return [one.decision for one in kept if wanted & {*(key.encode() for key in one.keys.values()), *one.items}]


def _item(workspace: Workspace) -> str | None:
    return workspace.design.item if (workspace.folder / "design.py").exists() else None


def _quarantine(workspace: Workspace) -> Path:
    return workspace.folder / "events" / "quarantine.jsonl"


# The receipt


def _receipts(workspace: Workspace) -> Path:
    return workspace.folder / "receipts"


def _hashes(of: str, ids: Sequence[str], salt: str) -> list[str]:
    return [hashlib.sha256("\0".join((salt, of, one)).encode()).hexdigest() for one in ids]


def _begun(workspace: Workspace, of: str, ids: Sequence[str]) -> Receipt | None:
    """What was begun for the same ids and did not come to its end."""
    for path in sorted(_receipts(workspace).glob(f".{_PENDING}*.json")):
        found = msgspec.json.decode(path.read_bytes(), type=Receipt)
        if found.of == of and sorted(found.hashes) == sorted(_hashes(of, ids, found.salt)):
            return found
    return None


def _begin(workspace: Workspace, log: EventLog, who: Named, traces: Traces, *, now: int, salt: bytes) -> Receipt:
    """Note what is to be done, before anything is."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now // SECOND))
    receipt = Receipt(
        at, who.of, salt.hex(), _hashes(who.of, [one.decode() for one in who.ids], salt.hex()),
        forgetting.ordered(traces.counts), traces.first_ts, 0, 0, 0, forgetting.ordered(traces.quoted), _sources(log), [], "",
    )  # fmt: skip
    _put(_receipts(workspace) / f".{_PENDING}{_short(receipt)}.json", receipt)
    return receipt


def _end(workspace: Workspace, receipt: Receipt) -> Path:
    """Write the receipt, and take away the notes that it was begun."""
    folder = _receipts(workspace)
    path = folder / f"{receipt.at[:10]}-{_short(receipt)}.json"
    _put(path, receipt)
    for note in folder.glob(f".{_PENDING}*.json"):
        if msgspec.json.decode(note.read_bytes(), type=Receipt).salt == receipt.salt:
            note.unlink()
    return path


def _short(receipt: Receipt) -> str:
    return hashlib.sha256("".join(receipt.hashes).encode()).hexdigest()[:12]


def _put(path: Path, receipt: Receipt) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    with fresh.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(receipt), indent=2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    files.sync(path.parent)


def _sources(log: EventLog) -> list[str]:
    query = "select key from notes where key like 'file %' order by key"
    return [str(key).removeprefix("file ") for (key,) in log.db.execute(query)]


# What was made from the log


def _releases(workspace: Workspace, who: Named, first_ts: int) -> list[Holding]:
    """The releases that name one of the ids, or were trained on what was said of them."""
    out, current = [], workspace.current_id()
    for number in workspace.release_ids():
        path = workspace.releases / number
        try:
            release = workspace.release(number)
            names = _names(path, who)
        except SixfoldError as error:
            out.append(Holding(number, True, number == current, f"it cannot be read ({error}); remove {path}"))
            continue
        if names or release.manifest.cuts.end > first_ts:
            what = "names it" if names else "was trained on its events"
            out.append(
                Holding(number, names, number == current, f"it {what}: train and publish another, then remove {path}")
            )
    return out


def _names(path: Path, who: Named) -> bool:
    """Whether a release's golden log or its items hold an id."""
    kept = golden.read(path / "golden")
    columns = [*kept.keys.values(), np.load(path / "items.npy", allow_pickle=False)]
    columns += [column for _, table in kept.events.tables() for column in table.values()]
    return any(who.among(column).any() for column in [*columns, kept.events.shown["item"]])


def _rebuilt(workspace: Workspace) -> str:
    if workspace.current_id() is None:
        return "none is published"
    try:
        workspace.state(workspace.current())
    except SixfoldError as error:
        return f"not built anew: {error}"
    return "built anew"
