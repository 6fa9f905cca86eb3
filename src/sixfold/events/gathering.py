"""Event objects gathered into the log's tables, each with the rows that could not be.

Every function gives tables with a row for each object, and faults: (mask, reason) pairs. A row under a fault means
nothing; the caller leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from ..types import Table
from . import decoded
from .objects import Decision, Entity, Outcome
from .parsing import KEY_BYTES, TEXT_BYTES, Fault, Mask, Parsed
from .schema import ALWAYS, DECISION_COLUMNS, ENTITY_COLUMNS, ESTIMATE, OUTCOME_COLUMNS, Events

COLUMNS = 256
"""The most names of values, of keys or of context in a table of a batch; fewer in a batch of more than 8 000 events."""

CELLS = 2 << 20
"""The most cells of a table in a batch, so that a small body of many names cannot ask for hours."""

BATCH_BYTES = 256 << 20
"""The most memory that the columns of a batch may take. A column is as wide as its widest cell: one long cell costs as
much as the batch has events, so the more of them, the shorter a cell must be (with 10 columns, 2 KiB up to 13 000 events)."""

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f.]{1,64}")
_FORECAST = re.compile(r"[^\x00-\x1f\x7f-\x9f@.]{1,64}(@0\.[0-9]{1,6})?")
NAME_RULE = "a name is 1 to 64 characters without dots or control characters"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A table (n rows), the items shown where it is of decisions, and what is wrong with some of its rows."""

    table: Table
    faults: list[Fault]
    shown: Table | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What the tables of one batch share: its time (us), how many events it has, the forms that the log's columns have."""

    now: int
    events: int
    known: Mapping[str, str]

    @property
    def columns(self) -> int:
        """The names that a table may have."""
        return min(COLUMNS, max(CELLS // self.events, 16))

    def limit(self, columns: int, most: int = TEXT_BYTES) -> int:
        """The bytes that a cell of a table with so many columns may take."""
        return min(most, max(BATCH_BYTES // (self.events * columns), 8))


def is_name(name: str) -> bool:
    """Whether an entity type, an outcome, a key or a value may be called so."""
    return _NAME.fullmatch(name) is not None


def entities(of: str, rows: Sequence[Entity], scope: Scope) -> Gathered:
    """One type of entity: its values become columns of their names."""
    values = [row.values for row in rows]
    names, faults = _names(values, ENTITY_COLUMNS, "values", scope.columns)
    narrow = scope.limit(3 + len(names), KEY_BYTES)
    columns = {
        "id": decoded.ids([row.id for row in rows], "id", limit=narrow),
        "ts": decoded.stamps([row.ts for row in rows], now=scope.now, absent=int(ALWAYS)),
        "key": decoded.ids([row.key for row in rows], "key", limit=narrow),
    }
    wide = scope.limit(3 + len(names))
    for name in names:
        cells = [value.get(name) for value in values]
        column = decoded.attribute(cells, f"values.{name}", limit=wide, known=scope.known.get(f"{of}.{name}"))
        if column is not None:
            columns[name] = column
    return _gathered(columns, faults)


def outcomes(rows: Sequence[Outcome], scope: Scope) -> Gathered:
    """The outcomes of one name."""
    keys = [row.keys for row in rows]
    names, faults = _names(keys, OUTCOME_COLUMNS, "keys", scope.columns)
    narrow = scope.limit(4 + len(names), KEY_BYTES)
    columns = {
        "id": decoded.ids([row.id for row in rows], "id", limit=narrow),
        "ts": decoded.stamps([row.ts for row in rows], now=scope.now, absent=scope.now),
        "decision": decoded.ids([row.decision or None for row in rows], "decision", limit=narrow),
        "value": Parsed(np.array([row.value for row in rows], np.float64)),
    }
    columns |= {name: decoded.ids([key.get(name) for key in keys], f"keys.{name}", limit=narrow) for name in names}
    return _gathered(columns, faults)


def decisions(rows: Sequence[Decision], scope: Scope) -> Gathered:
    """Decisions with their slates: an item that cannot be takes its whole decision with it."""
    keys, contexts = [row.keys for row in rows], [row.context for row in rows]
    names, faults = _names(keys, DECISION_COLUMNS, "keys", scope.columns)
    said, more = _names(contexts, (), "context", scope.columns)
    narrow, wide = (scope.limit(3 + len(names) + len(said), most) for most in (KEY_BYTES, TEXT_BYTES))
    columns = {
        "id": decoded.ids([row.id for row in rows], "id", limit=narrow),
        "ts": decoded.stamps([row.ts for row in rows], now=scope.now, absent=scope.now),
        "release": decoded.ids([row.release or None for row in rows], "release", limit=narrow),
    }
    columns |= {name: decoded.ids([key.get(name) for key in keys], f"keys.{name}", limit=narrow) for name in names}
    for name in (f"context.{name}" for name in said):
        cells = [context.get(name.removeprefix("context.")) for context in contexts]
        column = decoded.attribute(cells, name, limit=wide, known=scope.known.get(name))
        if column is not None:
            columns[name] = column
    told, wrong = _forecasts(rows, scope.columns)
    shown = _shown(rows)
    return _gathered(columns | told, [*faults, *more, *wrong, *shown.faults], shown.table)


def _forecasts(rows: Sequence[Decision], most: int) -> tuple[dict[str, Parsed], list[Fault]]:
    """What was forecast, a column each; names may have a level, as in done@0.05."""
    told = [row.estimate for row in rows]
    found = list(dict.fromkeys(chain.from_iterable(told)))
    names = [name for name in found if _FORECAST.fullmatch(name)][:most]
    faults: list[Fault] = []
    if len(names) < len(found):
        reason = "estimate has a name that cannot be, or too many; give some such as done@0.05 and promised_s"
        faults.append((_touching(told, set(found) - set(names)), reason))
    cells = {name: np.array([one.get(name, np.nan) for one in told], np.float64) for name in names}
    return {ESTIMATE + name: Parsed(column) for name, column in cells.items()}, faults


def _shown(rows: Sequence[Decision]) -> Gathered:
    flat = list(chain.from_iterable(row.shown for row in rows))
    counts = np.fromiter((len(row.shown) for row in rows), np.int64, len(rows))
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    item = decoded.ids(
        [one.item for one in flat], "shown[...].item", limit=min(KEY_BYTES, BATCH_BYTES // max(len(flat), 1))
    )
    position = np.array([one.position or 0 for one in flat], np.int64)
    faults = []
    for mask, reason in item.faults:
        slates = np.zeros(len(rows), np.bool_)
        slates[owner[mask]] = True
        faults.append((slates, reason))
    table: Table = {
        "decision": owner,
        "item": item.values,
        "position": np.where(position > 0, position, place).astype(np.int16),
        "score": np.array([one.score for one in flat], np.float64).astype(np.float32),
        "propensity": np.array([one.propensity for one in flat], np.float64).astype(np.float32),
    }
    return Gathered(table, faults)


def _gathered(columns: Mapping[str, Parsed], faults: list[Fault], shown: Table | None = None) -> Gathered:
    table = {name: column.values for name, column in columns.items()}
    return Gathered(table, faults + [fault for column in columns.values() for fault in column.faults], shown)


def _names(
    maps: Sequence[Mapping[str, Any]], taken: Collection[str], what: str, most: int
) -> tuple[list[str], list[Fault]]:
    """The names that the maps have, and the rows whose map has one that may not be."""
    names = dict.fromkeys(chain.from_iterable(maps))
    fit = [name for name in names if name not in taken and is_name(name)]
    if len(fit) == len(names) and len(fit) <= most:
        return fit, []
    faults = []
    unfit, many = names.keys() - set(fit), set(fit[most:])
    but = f", and none of {', '.join(taken)}, which the log keeps for itself" if taken else ""
    if unfit:
        faults.append((_touching(maps, unfit), f"{what} has a name that cannot be: {NAME_RULE}{but}"))
    if many:
        faults.append((_touching(maps, many), f"{what} has a name beyond the first {most} of the batch; send fewer"))
    return fit[:most], faults


def _touching(maps: Sequence[Mapping[str, Any]], names: set[str]) -> Mask:
    return np.array([not names.isdisjoint(one) for one in maps])


def forms(events: Events) -> dict[str, str]:
    """Which of number, text or vector each column of values and of context is: the `known` of `Scope`."""
    out: dict[str, str] = {}
    for of, table in events.entities.items():
        out |= {f"{of}.{name}": decoded.form_of(table[name]) for name in table if name not in ENTITY_COLUMNS}
    context = (name for name in events.decisions if name.startswith("context."))
    return out | {name: decoded.form_of(events.decisions[name]) for name in context}
