"""Files of native events: NDJSON of the objects in `objects`, also gzipped, read without a mapping."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from ..errors import DataError
from .incoming import Incoming
from .parsing import Mask
from .rows import Rejected
from .sniffing import open_bytes

BATCH_LINES = 10_000
"""Lines read at a time: a megabyte or two."""


class _First(msgspec.Struct):
    kind: Literal["entity", "decision", "outcome"]
    id: str | int


def is_native(path: Path) -> bool:
    """Whether the first line of a file is an event rather than a row of somebody's table."""
    try:
        with open_bytes(path) as stream:
            first = next((line for line in stream if not line.isspace()), b"")
        msgspec.json.decode(first.removeprefix(b"\xef\xbb\xbf"), type=_First)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError, EOFError):
        return False
    return True


def read_lines(path: Path, *, size: int = BATCH_LINES) -> Iterator[list[bytes]]:
    """The lines of a file, `size` at a time. Raises DataError where its gzip is damaged."""
    try:
        with open_bytes(path) as stream:
            while lines := list(islice(stream, size)):
                yield lines
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is a damaged gzip file ({error}); fetch or pack it again") from error


def left_out(part: Incoming, lines: list[bytes], first: int, conflicts: Mapping[str, Mask]) -> Rejected:
    """What to put in quarantine of a batch of lines that begins at line `first`: bad events, and those that the log
    refused because it knows their ids with other content.
    """
    reasons = {one.line: one.error for one in part.rejected}
    for name, mask in conflicts.items():
        reasons |= dict.fromkeys(part.lines[name][mask].tolist(), "id is known with other content")
    at = sorted(reasons)
    raw = tuple({"line": lines[line - 1].decode(errors="replace").rstrip("\r\n")} for line in at)
    return Rejected(tuple(first - 1 + line for line in at), tuple(reasons[line] for line in at), raw)
