"""Lists of decoded JSON values into columns, each with the rows that could not be.

As `parsing` does for cells of text: every function gives a `Parsed`, and none fails on a bad value. Text is kept as it
was sent, blanks included, since an id is looked up as it is sent. `limit` is the bytes that a cell may take: an 'S'
column is as wide as its widest cell.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND
from .parsing import Fault, Parsed
from .schema import SEP
from .times import EARLIEST

DIMENSIONS = 4096
"""The longest vector."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SEPARATES = re.compile(r"[\x00\x1f]")
_SEP = SEP.decode()
_FARTHEST_S = 1e11
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TOO_FAR = "ts is more than a day in the future; give Unix seconds (not ms), or ISO 8601 with a zone"


def ids(cells: list[Any], what: str, *, limit: int) -> Parsed:
    """Strings and whole numbers as 'S' (n,), None as b""; an id that is empty or has a control character is a fault."""
    faults = []
    if "" in cells:
        faults.append((np.array([cell == "" for cell in cells]), f"{what} is empty; give an id of 1 to 256 bytes"))
    if set(map(type, cells)) != {str}:
        cells = ["" if cell is None else str(cell) for cell in cells]
    faults += _holding(cells, _CONTROL, f"{what} has a control character")
    return _encoded(cells, what, limit, faults)


def text(cells: list[Any], what: str, *, limit: int) -> Parsed:
    """Strings and lists of strings as 'S' (n,), the members joined by SEP, None as b""; a NUL or a SEP is a fault."""
    whole = cells
    if set(map(type, cells)) != {str}:
        whole = ["".join(cell) if type(cell) is list else cell or "" for cell in cells]
        cells = [_SEP.join(cell) if type(cell) is list else cell or "" for cell in cells]
    return _encoded(cells, what, limit, _holding(whole, _SEPARATES, f"{what} has a NUL or a separator (0x1f)"))


def stamps(cells: list[Any], *, now: int, absent: int) -> Parsed:
    """int64 microseconds, of Unix seconds or of ISO 8601 with a zone; None is `absent`.

    What is before 1980, or more than a day after `now`, is a fault: most often it is in another unit.
    """
    faults: list[Fault] = []
    if str in set(map(type, cells)):
        cells, faults = _read_iso(cells)
    try:
        seconds = np.array(cells, np.float64)
    except OverflowError:
        # A whole number that no float holds is as far away as any other that is too far.
        seconds = np.array([np.nan if cell is None else max(min(cell, 1e300), -1e300) for cell in cells])
    missing = np.isnan(seconds)
    # Microseconds of seconds in a float64 are exact until 2106.
    out = np.rint(np.clip(np.where(missing, 0.0, seconds), -_FARTHEST_S, _FARTHEST_S) * SECOND).astype(np.int64)
    out[missing] = absent
    early, late = ~missing & (out < EARLIEST), ~missing & (out > now + DAY)
    if early.any():
        faults.append((early, "ts is before 1980; give Unix seconds, or ISO 8601 with a zone"))
    if late.any():
        faults.append((late, _TOO_FAR))
    return Parsed(out, tuple(faults))


def attribute(cells: list[Any], what: str, *, limit: int, known: str | None = None) -> Parsed | None:
    """A column of one form: numbers (float64; true is 1), text ('S') or vectors (n, d) float32. None without any value.

    A value of another form than the log has (`known`), or else than most of the rows have, is a fault.
    """
    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return None
    if kinds <= {float, bool} and known in (None, "a number"):
        return Parsed(np.array(cells, np.float64))
    if kinds == {str} and known in (None, "text"):
        return text(cells, what, limit=limit)
    return _of_most(cells, what, limit, known)


def form_of(column: NDArray[Any]) -> str:
    """The form of a column, in the words of `attribute`'s `known`."""
    if column.ndim == 2:
        return f"a vector of {column.shape[1]}"
    return "text" if column.dtype.kind == "S" else "a number"


def _of_most(cells: list[Any], what: str, limit: int, known: str | None) -> Parsed | None:
    forms = [_form(cell) for cell in cells]
    counts = Counter(form for form in forms if form is not None)
    usual = known or next((form for form, _ in counts.most_common() if form != _NEITHER), None)
    wanted = f"the log has {usual}" if known else f"most events have {usual}" if usual else "one form is expected"
    odd = [form for form, _ in counts.most_common() if form != usual]
    faults = [(np.array([one == form for one in forms]), f"{what} is {form} where {wanted}") for form in odd[:8]]
    if odd[8:]:
        # A mask for each of thousands of lengths of vectors would be the square of a hostile body.
        rest = set(odd[8:])
        faults.append((np.array([one in rest for one in forms]), f"{what} has another form where {wanted}"))
    if usual is None:
        return Parsed(np.zeros(len(cells), "S1"), tuple(faults)) if faults else None
    cells = [cell if form == usual else None for cell, form in zip(cells, forms, strict=True)]
    if usual == "text":
        parsed = text(cells, what, limit=limit)
    elif usual == "a number":
        parsed = Parsed(np.array(cells, np.float64))
    else:
        parsed = _vectors(cells, what, int(usual.rpartition(" ")[2]), limit)
    return Parsed(parsed.values, (*faults, *parsed.faults))


_NEITHER = f"a list of neither text alone nor up to {DIMENSIONS} numbers"


def _form(cell: object) -> str | None:
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, float):  # A bool is one only to the type checker's eye: isinstance(True, float) is False.
        return "a number"
    if isinstance(cell, bool):
        return "a number"
    if not isinstance(cell, list) or not cell:
        return None
    kinds = set(map(type, cell))
    if kinds == {str}:
        return "text"
    return f"a vector of {len(cell)}" if kinds == {float} and len(cell) <= DIMENSIONS else _NEITHER


def _vectors(cells: list[Any], what: str, d: int, limit: int) -> Parsed:
    given = np.array([cell is not None for cell in cells])
    if 4 * d > limit:
        return Parsed(np.full((len(cells), 1), np.nan, np.float32), ((given, _too_wide(what, limit)),))
    values = np.full((len(cells), d), np.nan, np.float32)
    with np.errstate(over="ignore"):
        values[given] = np.array([cell for cell in cells if cell is not None], np.float64).reshape(-1, d)
    huge = np.asarray(np.isinf(values).any(axis=1))
    return Parsed(values, ((huge, f"{what} has a number too large for float32"),) if huge.any() else ())


def _read_iso(cells: list[Any]) -> tuple[list[Any], list[Fault]]:
    """Seconds in place of text, None where it is no time; and the rows where it is none, by reason."""
    out, reasons = [], []
    for cell in cells:
        reason = ""
        if type(cell) is str:
            cell, reason = _iso(cell)
        out.append(cell)
        reasons.append(reason)
    found = dict.fromkeys(filter(None, reasons))
    return out, [(np.array([one == reason for one in reasons]), reason) for reason in found]


def _iso(cell: str) -> tuple[float | None, str]:
    try:
        moment = dt.datetime.fromisoformat(cell)
    except ValueError:
        return None, "ts is no ISO 8601 time; expected one such as 2024-01-31T18:00:00Z, or Unix seconds as a number"
    if moment.tzinfo is None:
        return None, "ts has no zone; end it in Z or in an offset such as +01:00"
    return (moment - _EPOCH).total_seconds(), ""


def _holding(cells: list[str], pattern: re.Pattern[str], reason: str) -> list[Fault]:
    """A fault of the cells that the pattern is in. Of printable text, which is most, nothing more is looked at."""
    joined = "".join(cells)
    if joined.isprintable() or not pattern.search(joined):
        return []
    return [(np.array([pattern.search(cell) is not None for cell in cells]), reason)]


def _encoded(cells: list[str], what: str, limit: int, faults: list[Fault]) -> Parsed:
    """UTF-8 'S' (n,) of exactly the widest cell; a cell above `limit` bytes is a fault."""
    try:
        width = max(map(len, cells), default=1)
        if width <= limit:
            return Parsed(np.array(cells, f"S{max(width, 1)}"), tuple(faults))
    except UnicodeEncodeError:
        pass
    encoded = [cell.encode() for cell in cells]
    long = np.fromiter(map(len, encoded), np.int64, len(cells)) > limit
    if long.any():
        faults = [*faults, (long, _too_wide(what, limit))]
        encoded = [b"" if over else cell for cell, over in zip(encoded, long.tolist(), strict=True)]
    return Parsed(np.array(encoded, np.bytes_), tuple(faults))


def _too_wide(what: str, limit: int) -> str:
    return f"{what} takes more than {limit} bytes; shorten it, or send fewer events at once"
