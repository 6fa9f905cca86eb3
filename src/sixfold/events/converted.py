"""What a batch of rows became: events, rejections, and which row went into which event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .hashing import Hashes, combine, hash_strings
from .parsing import Fault, Mask, Parsed, Text, first_faults
from .rows import RawBatch, Rejected
from .schema import Events


@dataclass(frozen=True, slots=True)
class Converted:
    """Events of a batch of rows, and the rows that gave none.

    origins, by table of the events, is (rows of the batch,) int64: the event that each row went into, or -1. unknown counts
    the values of rows, rejected or not, that are taken as unknown by why, such as places that are none.
    """

    events: Events
    rejected: Rejected
    batch: RawBatch
    origins: Mapping[str, NDArray[np.int64]]
    unknown: Mapping[str, int] = field(default_factory=dict)

    def conflicting(self, masks: Mapping[str, Mask]) -> Rejected:
        """The rows of the events under `masks`, which the log refused: it knows their ids with other content."""
        refused = np.zeros(len(self.batch), np.bool_)
        for name, mask in masks.items():
            # One more at the end is what -1 picks.
            refused |= np.append(mask, False)[self.origins[name]]
        return reject(self.batch, dict.fromkeys(np.flatnonzero(refused).tolist(), "id is known with other content"))


def reject(batch: RawBatch, reasons: Mapping[int, str]) -> Rejected:
    """The rows of the batch that have a reason against them."""
    rows = list(reasons)
    picked = zip(*([column[row] for row in rows] for column in batch.columns.values()), strict=True)
    raw = tuple(dict(zip(batch.columns, cells, strict=True)) for cells in picked)
    return Rejected(tuple(batch.rows[rows].tolist()), tuple(reasons.values()), raw)


def sort_out(batch: RawBatch, parts: Iterable[Parsed]) -> tuple[NDArray[np.int64], Rejected]:
    """The rows without a fault, and the others rejected."""
    faults = [fault for part in parts for fault in part.faults]
    reasons = first_faults(len(batch), faults)
    good = np.ones(len(batch), np.bool_)
    good[list(reasons)] = False
    return np.flatnonzero(good), reject(batch, reasons)


def counted(faults: Iterable[Fault]) -> dict[str, int]:
    """How many rows each reason is against, where there are some."""
    found = {reason: int(mask.sum()) for mask, reason in faults}
    return {reason: count for reason, count in found.items() if count}


def origin_of(batch: RawBatch, good: NDArray[np.int64]) -> NDArray[np.int64]:
    """The event of each row of the batch where row `good[i]` became event i; -1 where a row became none."""
    origin = np.full(len(batch), -1)
    origin[good] = np.arange(len(good))
    return origin


def content_ids(name: str, events: Events) -> Text:
    """An id (n,) S16 for every row of table `name`: the hash of all it says, so that equal rows are one event."""
    hashes = combine(hash_strings(np.array([name.encode()])), events.content()[name])
    return hexadecimal(hashes)


def hexadecimal(hashes: Hashes) -> Text:
    """Sixteen digits (n,) S16 of each hash."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    octets = hashes.astype(">u8").view(np.uint8).reshape(len(hashes), 8)
    return np.stack([digits[octets >> 4], digits[octets & 15]], axis=2).reshape(len(hashes), 16).view("S16")[:, 0]
