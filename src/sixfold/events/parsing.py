"""Columns of text into numbers, keys and categories, each with the rows that could not be.

Every function gives a `Parsed`: a full column, and faults as (mask, reason) pairs. A value under a
fault means nothing; the caller leaves those rows out. No function fails on a bad cell. Times: see `times`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .schema import SEP

Text: TypeAlias = NDArray[np.bytes_]
Mask: TypeAlias = NDArray[np.bool_]
Fault: TypeAlias = tuple[Mask, str]

KEY_BYTES = 256
TEXT_BYTES = 2048
"""The longest key and the longest value: an 'S' column is as wide as its widest cell."""

MISSING = (b"", b"NA", b"N/A", b"NULL", b"Null", b"null", b"None", b"\\N", b"-", b"?", b"NaN", b"nan")
"""Spellings of a value that is not there."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column (n,) and what is wrong with some of its rows."""

    values: NDArray[Any]
    faults: tuple[Fault, ...] = ()


def missing_in(text: Text) -> Mask:
    """Which cells say that there is no value."""
    out = np.zeros(len(text), np.bool_)
    for spelling in MISSING:
        out |= text == spelling
    return out


def first_faults(size: int, faults: Iterable[Fault]) -> dict[int, str]:
    """The first reason against each faulty row."""
    reasons: list[str] = []
    code = np.full(size, -1, np.int32)
    for mask, reason in faults:
        code[mask & (code < 0)] = len(reasons)
        reasons.append(reason)
    return {int(row): reasons[code[row]] for row in np.flatnonzero(code >= 0)}


def encode(cells: Sequence[str], column: str, *, limit: int = TEXT_BYTES) -> Parsed:
    """The cells as UTF-8 (n,) 'S', blanks around them gone; a NUL or more than `limit` bytes is a fault."""
    faults = []
    if cells and max(map(len, cells)) > limit // 4:
        long = np.fromiter((len(cell.encode()) > limit for cell in cells), np.bool_, len(cells))
        if long.any():
            faults.append((long, f"{column} is longer than {limit} bytes"))
            cells = ["" if bad else cell for cell, bad in zip(cells, long.tolist(), strict=True)]
    if "\0" in "".join(cells):
        faults.append((np.array(["\0" in cell for cell in cells]), f"{column} has a NUL character"))
    try:
        text = np.array(cells, dtype=np.bytes_)
    except UnicodeEncodeError:
        text = np.array([cell.encode() for cell in cells], dtype=np.bytes_)
    return Parsed(np.strings.strip(text), tuple(faults))


def narrow(text: Text) -> Text:
    """The same strings in the narrowest 'S' array that holds them."""
    width = int(np.strings.str_len(text).max(initial=1))
    return text.astype(f"S{width}") if width < text.dtype.itemsize else text


def keys(cells: Sequence[str], column: str, *, integer: bool = False, required: bool = True) -> Parsed:
    """Ids as 'S'. With `integer`, "12.0" is the id 12: what a float column makes of whole numbers."""
    parsed = encode(cells, column, limit=KEY_BYTES)
    text, faults = parsed.values, list(parsed.faults)
    if required:
        # A cell already at fault is not missing: its own reason stands first.
        faults.append((text == b"", f"{column} is missing"))
    if (text.view(np.uint8) == SEP[0]).any():
        faults.append((np.strings.find(text, SEP) >= 0, f"{column} has a separator character (0x1f)"))
    if integer:
        text = without_fraction(text)
    return Parsed(text, tuple(faults))


def without_fraction(text: Text) -> Text:
    """ "12.0" as "12"; whatever is no whole number with a fraction of zeros stays."""
    tail = np.strings.rstrip(text, b"0")
    floats = np.strings.endswith(tail, b".") & np.strings.isdigit(np.strings.rstrip(tail, b"."))
    return np.where(floats, np.strings.rstrip(tail, b"."), text)


def numbers(cells: Sequence[str], column: str, *, decimal: str = ".", required: bool = False) -> Parsed:
    """float64; what is missing is NaN, and a fault where a value is `required`. Infinity is a fault."""
    parsed = encode(cells, column)
    text = np.strings.replace(parsed.values, decimal.encode(), b".") if decimal != "." else parsed.values
    values, broken, missing = floats(text)
    faults = [*parsed.faults, (broken, f"{column} is not a number"), (np.isinf(values), f"{column} is infinite")]
    if required:
        faults.append((missing, f"{column} is missing"))
    return Parsed(values, tuple(faults))


def floats(text: Text) -> tuple[NDArray[np.float64], Mask, Mask]:
    """Numbers, a mask of what is none, a mask of what is missing (both NaN)."""
    missing = text == b""
    if missing.any():
        text = np.where(missing, b"nan", text)
    values, good = convert(text, np.dtype(np.float64))
    missing |= np.isnan(values) & missing_in(text) if not np.isfinite(values).all() else False
    # Python's float, which NumPy calls, takes 1_000 for a thousand.
    good &= np.strings.find(text, b"_") < 0
    return values, ~good & ~missing, missing


def convert(text: Text, dtype: np.dtype[Any]) -> tuple[NDArray[Any], Mask]:
    """The cells as `dtype` and which of them could be; NaN, NaT or 0 where not.

    NumPy refuses a whole array for one bad cell. Halving what it refused finds b bad cells of n in
    about b log2 n conversions.
    """
    blank = np.zeros(1, dtype) if dtype.kind == "i" else np.array(["nan" if dtype.kind == "f" else "NaT"]).astype(dtype)
    out, good = np.repeat(blank, len(text)), np.ones(len(text), np.bool_)
    parts = [(0, len(text))]
    while parts:
        start, stop = parts.pop()
        try:
            out[start:stop] = text[start:stop].astype(dtype)
        except (ValueError, OverflowError):
            if stop - start == 1:
                good[start] = False
            else:
                middle = (start + stop) // 2
                parts += [(start, middle), (middle, stop)]
    return out, good


def categories(cells: Sequence[str], column: str, *, split: str | None = None) -> Parsed:
    """Text as it stands; with `split`, the members stand apart by SEP."""
    parsed = encode(cells, column)
    text = parsed.values
    if split:
        text = np.strings.replace(text, split.encode(), SEP)
    return Parsed(text, parsed.faults)
