"""Columns as JSON out: the inverse of `incoming`, for exports and for whoever plays a log against a service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..types import SECOND, Table
from .schema import ALWAYS, DECISION_COLUMNS, ENTITY_COLUMNS, ESTIMATE, OUTCOME_COLUMNS, SEP, Events

_CONTEXT = "context."
_SEP = SEP.decode()


def render(events: Events) -> bytes:
    """NDJSON of the events, which `incoming.parse` reads back: entities, decisions, outcomes, each in their order.

    What is missing is left out, and an infinite number with it: JSON has none.
    """
    return msgspec.json.Encoder().encode_lines(list(objects(events)))


def objects(events: Events) -> Iterator[dict[str, Any]]:
    """Each event as what its JSON object holds."""
    for of, table in events.entities.items():
        for head, values in _split(table, ENTITY_COLUMNS):
            yield {"kind": "entity", "of": of, **head, "values": values}
    table = events.decisions
    size = len(table["ts"])
    keys = {name: column for name, column in table.items() if not name.startswith((_CONTEXT, ESTIMATE))}
    said, told = (_dicts(_named(table, prefix), size) for prefix in (_CONTEXT, ESTIMATE))
    for (head, keyed), context, shown, estimate in zip(
        _split(keys, DECISION_COLUMNS), said, _slates(events), told, strict=True
    ):
        decided = {"kind": "decision", **head, "keys": keyed, "context": context, "shown": shown}
        yield decided | ({"estimate": estimate} if estimate else {})
    for name, table in events.outcomes.items():
        for head, keyed in _split(table, OUTCOME_COLUMNS):
            yield {"kind": "outcome", "name": name, **head, "keys": keyed}


def _named(table: Table, prefix: str) -> Table:
    """The columns that begin so, without it."""
    return {name.removeprefix(prefix): column for name, column in table.items() if name.startswith(prefix)}


def _slates(events: Events) -> Iterator[list[dict[str, Any]]]:
    """The items shown in each decision."""
    owner = events.shown["decision"]
    order = np.argsort(owner, kind="stable")
    shown = _dicts({name: column[order] for name, column in events.shown.items() if name != "decision"}, len(order))
    for count in np.bincount(owner, minlength=len(events.decisions["ts"])).tolist():
        yield list(islice(shown, count))


def _split(table: Table, fixed: Collection[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row as its fixed columns and its own."""
    own = {name: column for name, column in table.items() if name not in fixed}
    size = len(table["ts"])
    return zip(_dicts({name: table[name] for name in fixed}, size), _dicts(own, size), strict=True)


def _dicts(table: Table, size: int) -> Iterator[dict[str, Any]]:
    """The rows of a table, what is missing left out."""
    if not table:
        return ({} for _ in range(size))
    columns = [_cells(name, column) for name, column in table.items()]
    return (
        {name: cell for name, cell in zip(table, row, strict=True) if cell is not None}
        for row in zip(*columns, strict=True)
    )


def _cells(name: str, column: NDArray[Any]) -> list[Any]:
    """A column as JSON has it, None where it is missing."""
    if name == "ts":
        return [None if ts == ALWAYS else ts / SECOND for ts in column.tolist()]
    if column.dtype.kind == "S":
        return [_words(cell) if cell else None for cell in column.tolist()]
    cells: list[Any] = column.tolist()
    if column.dtype.kind != "f":
        return cells
    finite = np.isfinite(column).all(axis=tuple(range(1, column.ndim)))
    return [cell if good else None for cell, good in zip(cells, finite.tolist(), strict=True)]


def _words(cell: bytes) -> str | list[str]:
    text = cell.decode()
    return text.split(_SEP) if _SEP in text else text
