"""Files into the log: by a mapping, in bounded memory, resumable, with every bad row kept and explained."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from .errors import DataError
from .events import quarantine
from .events.converting import convert, events_of
from .events.gathering import forms
from .events.incoming import parse
from .events.log import EventLog
from .events.mapping import Mapping
from .events.mapping_toml import load_mapping
from .events.native import left_out, read_lines
from .events.rows import RawBatch, Rejected
from .workspace import Workspace

Tell = Callable[[str, int, int], None]


class Taken(msgspec.Struct, frozen=True):
    """What became of one file."""

    file: str
    accepted: int
    duplicates: int
    reasons: dict[str, int]
    """Rows quarantined, by reason."""
    unknown: dict[str, int] = {}
    """Values taken as unknown, such as places that are none, by why."""
    skipped: bool = False
    """True where the whole file had been read before, unchanged."""

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.file}: read before, unchanged"
        bad = sum(self.reasons.values())
        left = f", {sum(self.unknown.values()):,} values unknown" if self.unknown else ""
        return f"{self.file}: {self.accepted:,} events new, {self.duplicates:,} known already, {bad:,} rows quarantined{left}"

    def details(self) -> list[str]:
        """A line for each reason, the most frequent first."""
        held = [f"  {count:,} rows quarantined: {reason}" for reason, count in _most(self.reasons)]
        return held + [f"  {count:,} values unknown: {reason}" for reason, count in _most(self.unknown)]


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


def ingest(workspace: Workspace, path: Path, mapping: Path, *, now: int, tell: Tell = lambda *_: None) -> Taken:
    """Read one file into the log; what its tables gave before is left out. Raises DataError where no table is for it."""
    tables = _mapping(mapping).tables_for(path)
    if not tables:
        raise DataError(f"{mapping} has no [[table]] for {path.name}; add one with file = {path.name!r}")
    name, print_ = str(path.resolve()), _fingerprint(path, mapping)
    accepted = duplicates = rows = 0
    reasons: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    with workspace.log(create=True) as log:
        if log.note(f"file {name}") == print_:
            return Taken(path.name, 0, 0, {}, skipped=True)
        for table in tables:
            for part in events_of(path, table, now=now):
                done = log.append(part.events)
                rejected = part.rejected + part.conflicting(done.conflicts)
                quarantine.hold(_quarantine(workspace), quarantine.held(path.name, rejected))
                accepted, duplicates = accepted + done.accepted, duplicates + done.duplicates
                reasons.update(map(quarantine.kind, rejected.reasons))
                unknown.update(part.unknown)
                rows += len(part.batch)
                tell(f"{path.name} {rows:,} rows", 0, 1)
        log.remember(f"file {name}", print_)
    return Taken(path.name, accepted, duplicates, dict(reasons), dict(unknown))


def ingest_native(workspace: Workspace, path: Path, *, now: int, tell: Tell = lambda *_: None) -> Taken:
    """Read one file of native events, which needs no mapping, into the log; what the log has already is left out.

    A bad line is kept in quarantine to be looked at; mend it in the file and read that again, the rest is known by id.
    """
    name, print_ = str(path.resolve()), _fingerprint(path)
    accepted = duplicates = rows = 0
    reasons: Counter[str] = Counter()
    known: dict[str, str] = {}
    with workspace.log(create=True) as log:
        if log.note(f"file {name}") == print_:
            return Taken(path.name, 0, 0, {}, skipped=True)
        for lines in read_lines(path):
            part = parse(b"".join(lines), now=now, lines=True, known=known)
            known |= forms(part.events)
            done = log.append(part.events)
            rejected = left_out(part, lines, rows + 1, done.conflicts)
            quarantine.hold(_quarantine(workspace), quarantine.held(path.name, rejected))
            accepted, duplicates = accepted + done.accepted, duplicates + done.duplicates
            reasons.update(rejected.reasons)
            rows += len(lines)
            tell(f"{path.name} {rows:,} rows", 0, 1)
        log.remember(f"file {name}", print_)
    return Taken(path.name, accepted, duplicates, dict(reasons))


def replay(workspace: Workspace, path: Path, mapping: Path, *, now: int) -> Taken:
    """Read quarantined rows again, after they or the mapping were mended; those that pass leave the quarantine."""
    known = _mapping(mapping)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with workspace.log(create=True) as log:

        def again(batch: RawBatch) -> Rejected:
            rejected = _again(log, known, batch, counts, now)
            reasons.update(map(quarantine.kind, rejected.reasons))
            return rejected

        quarantine.replay(path, again)
    return Taken(path.name, counts["accepted"], counts["duplicates"], dict(reasons))


def _again(log: EventLog, mapping: Mapping, batch: RawBatch, counts: Counter[str], now: int) -> Rejected:
    tables = mapping.tables_for(Path(batch.source))
    if not tables:
        raise DataError(f"the mapping has no [[table]] for {batch.source}, which quarantined rows came from; add it")
    rejected = None
    for table in tables:
        part = convert(table, batch, now=now)
        done = log.append(part.events)
        counts.update(accepted=done.accepted, duplicates=done.duplicates)
        found = part.rejected + part.conflicting(done.conflicts)
        rejected = found if rejected is None else rejected + found
    assert rejected is not None
    return rejected


def _mapping(path: Path) -> Mapping:
    if not path.exists():
        raise DataError(f"there is no mapping {path}; write one, or let 'sixfold new --from FILES' guess it")
    return load_mapping(path)


def _quarantine(workspace: Workspace) -> Path:
    return workspace.folder / "events" / "quarantine.jsonl"


def _fingerprint(path: Path, mapping: Path | None = None) -> str:
    """Size, time and both ends of a file, and its mapping: what says that it was read before."""
    stat = path.stat()
    digest = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    if mapping is not None:
        digest.update(mapping.read_bytes())
    with path.open("rb") as file:
        digest.update(file.read(1 << 16))
        file.seek(max(stat.st_size - (1 << 16), 0))
        digest.update(file.read())
    return digest.hexdigest()[:16]
