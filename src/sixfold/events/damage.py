"""What is wrong with the files of a log."""

from __future__ import annotations

from pathlib import Path

import apsw

from ..errors import DataError
from . import settled
from .salvage import Wal
from .tables import COLUMNS, is_stub, is_whole, value


def damage(db: apsw.Connection, path: Path, *, acknowledged: int) -> str:
    """What is wrong with a log, empty where nothing is. Reads all of it (0.3 s a GB), of settled files names and sizes."""
    if Wal.of(path).damaged:
        return "its write-ahead log does not add up"
    try:
        found = str(next(iter(db.execute("pragma quick_check(1)")))[0])
        if found != "ok":
            return found
        generations = settled.named(db)
        last = generations[-1].last if generations else 0
        rows = db.execute(f"select whole, {COLUMNS} from batches")
        wrong = [row[1] for row in rows if not is_whole(row[1:], row[0]) or is_stub(row[1:]) != (row[1] <= last)]
        head = max(last, value(db, "select max(offset) from batches"))
    except (apsw.Error, DataError) as error:
        return str(error)
    if wrong:
        return f"batch {wrong[0]} is not as it was written"
    if head < acknowledged:
        return f"it ends with batch {head} and {acknowledged} were acknowledged"
    return next(filter(None, (settled.missing(settled.home(path), one) for one in generations)), "")
