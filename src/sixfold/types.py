"""The arrays that pass between the rooms of the house. Read this file first.

Everything here is a frozen bundle of NumPy arrays. Ids are strings only at the edges; inside,
an id is a *row*: an int32 that numbers the ids of one entity type from 0 (see `features.ids`).
Times are int64 microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Table: TypeAlias = "dict[str, NDArray[Any]]"
"""Columns by name, all of one length."""

Arrays: TypeAlias = "dict[str, NDArray[Any]]"
"""What a fitted value is made of: named arrays of any shape, without object dtypes."""

Times: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float32]

SECOND = 1_000_000
"""Microseconds in a second: the unit of every ts."""
DAY = 86_400 * SECOND

ID_BYTES = 256
"""An id, or a text of a request, in UTF-8 at most."""

NOWHERE = np.int32(-1)
"""The row of an id that is not known, and the filler where fewer than k candidates were found."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """What members did with items: the food of a retriever. One row per outcome, ordered by ts.

    member (n,) int32, item (n,) int32, ts (n,) int64 us, weight (n,) float32 (1 unless the
    outcome's value says more); `members` and `items` are the numbers of rows of each type.
    """

    member: Rows
    item: Rows
    ts: Times
    weight: Floats
    members: int
    items: int

    def __len__(self) -> int:
        return len(self.ts)

    def before(self, ts: int) -> Interactions:
        """Only what happened strictly before `ts`."""
        keep = self.ts < ts
        return Interactions(
            self.member[keep], self.item[keep], self.ts[keep], self.weight[keep], self.members, self.items
        )


@dataclass(frozen=True, slots=True)
class Asks:
    """Requests by rows, one or many: member (n,) int32 or -1, ts (n,) int64 us, and the context.

    A context value is a column (n,) by its `context.*` name: uint64 hashes of text, or float64.
    """

    member: Rows
    ts: Times
    context: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, rows: NDArray[Any] | slice) -> Asks:
        """Some of the asks, by mask, number or slice."""
        return Asks(self.member[rows], self.ts[rows], {name: column[rows] for name, column in self.context.items()})


@dataclass(frozen=True, slots=True)
class Queries:
    """Who asks, when, and what they did last: all that a retriever may look at.

    ts (n,) int64 us; member (n,) int32 row or -1; history (n, h) int32 item rows, newest first,
    filled with -1; history_ts (n, h) int64 us, when each was known; exclude (n, e) int32 item rows
    that may not be given (seen already), filled with -1; born (items,) int64 us, since when each
    item of the catalogue can be given, shared by all queries: an item is known to exist before it
    is known to a model.
    """

    ts: Times
    member: Rows
    history: Rows
    history_ts: Times
    exclude: Rows
    born: Times

    def __len__(self) -> int:
        return len(self.ts)

    def part(self, start: int, stop: int) -> Queries:
        """The queries [start, stop), as views."""
        cut = slice(start, stop)
        return Queries(
            self.ts[cut], self.member[cut], self.history[cut], self.history_ts[cut], self.exclude[cut], self.born
        )


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A retriever's answer to n queries, best first.

    ids (n, k) int32 item rows, filled with -1; scores (n, k) float32, -inf where filled.
    """

    ids: Rows
    scores: Floats


@dataclass(frozen=True, slots=True)
class Candidates:
    """The items under consideration for one request: the union of what the retrievers gave.

    ids (m,) int32; ranks (m, sources) float32, the place each source gave the item (0 is best),
    NaN where that source did not give it; removed maps a reason to the rows it took out.
    """

    ids: Rows
    sources: tuple[str, ...]
    ranks: Floats
    removed: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Time cut in four, int64 us: retrievers are fitted on [start, first), ranker rows come from [first, second),
    calibration from [second, third), the test is [third, end). What is asked at or after `censored` cannot have
    all its outcomes yet.
    """

    start: int
    first: int
    second: int
    third: int
    end: int
    censored: int
