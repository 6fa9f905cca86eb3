"""Rows that gave no event, kept where they can be mended: one JSON object a line.

    {"source":"ratings.csv","row":7,"reason":"timestamp is missing","raw":{"user_id":"3","movie_id":"9", ...}}

`raw` is the row as the file had it. Mend it there, or mend the mapping, and replay: the rows are read
again as rows of their source, and those that pass leave the quarantine.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import msgspec
import numpy as np

from ..errors import DataError
from .reading import BATCH_ROWS
from .rows import RawBatch, RawRow, Rejected


class Held(msgspec.Struct, frozen=True):
    """One row in quarantine: the file it came from by name, its number there, why, and the row."""

    source: str
    row: int
    reason: str
    raw: RawRow


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many rows passed and left, and how many stay."""

    passed: int
    held: int


def held(source: str, rejected: Rejected) -> Iterator[Held]:
    """The rejected rows of a source as they stand in quarantine."""
    for row, reason, raw in zip(rejected.rows, rejected.reasons, rejected.raw, strict=True):
        yield Held(source, row, reason, raw)


def hold(path: Path, rows: Iterable[Held]) -> int:
    """Append rows to the quarantine, creating it at need; gives how many. They are on disk when this returns."""
    encode = msgspec.json.Encoder().encode
    lines = [encode(row) + b"\n" for row in rows]
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(b"".join(lines))
            stream.flush()
            os.fsync(stream.fileno())
    return len(lines)


def read_held(path: Path) -> Iterator[Held]:
    """Every row in quarantine, in order; none where there is no file. Raises DataError at a line that is broken."""
    if not path.exists():
        return
    decode = msgspec.json.Decoder(Held).decode
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield decode(line)
                except msgspec.MsgspecError as error:
                    raise DataError(
                        f"line {number} of {path} is no row in quarantine ({error}); mend or remove the line"
                    ) from error


def kind(reason: str) -> str:
    """A reason without the cell that it shows behind a colon, so that like reasons count as one."""
    return reason.partition(": ")[0]


def counts(path: Path) -> dict[tuple[str, str], int]:
    """How many rows are held by (source, kind of reason), the most first."""
    return dict(Counter((row.source, kind(row.reason)) for row in read_held(path)).most_common())


def replay(path: Path, again: Callable[[RawBatch], Rejected], *, size: int = BATCH_ROWS) -> Replayed:
    """Give every held row to `again`, by source and in batches; keep what it rejects, with its new reason.

    `again` makes the events durable before it returns, so that a crash before the rewrite leaves rows
    that a second replay finds to be duplicates. The file is replaced at once, or not at all.
    """
    passed, kept = 0, []
    for batch, impossible in _batches(path, size):
        rejected = again(batch) if len(batch) else Rejected()
        passed += len(batch) - len(rejected)
        kept += [*held(batch.source, rejected), *impossible]
    _rewrite(path, kept)
    return Replayed(passed, len(kept))


def drop(path: Path, gone: Callable[[Held], bool]) -> int:
    """Leave out the rows that are to go; gives how many those were. The file is replaced at once, or not at all."""
    rows = list(read_held(path))
    kept = [row for row in rows if not gone(row)]
    if len(kept) < len(rows):
        _rewrite(path, kept)
    return len(rows) - len(kept)


def _batches(path: Path, size: int) -> Iterator[tuple[RawBatch, list[Held]]]:
    ordered = sorted(read_held(path), key=lambda row: row.source)
    for source, rows in groupby(ordered, key=lambda row: row.source):
        while part := list(islice(rows, size)):
            impossible = [row for row in part if _unsplit(row.raw)]
            whole = [row for row in part if not _unsplit(row.raw)]
            names = dict.fromkeys(name for row in whole for name in row.raw)
            columns = {name: tuple(row.raw.get(name, "") for row in whole) for name in names}
            yield RawBatch(source, columns, np.array([row.row for row in whole], np.int64)), impossible


def _unsplit(raw: RawRow) -> bool:
    """True where the reader could not tell the cells: too many (+1, +2), or none."""
    return not raw or "+1" in raw or set(raw) == {"line"}


def _rewrite(path: Path, rows: list[Held]) -> None:
    fresh = path.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    if not rows:
        path.unlink(missing_ok=True)
        return
    hold(fresh, rows)
    fresh.replace(path)
