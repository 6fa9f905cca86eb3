"""Why an item is in a slate: its sources, its heads, and which of its features set it apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pipeline import Decided, Model
from .types import Floats


@dataclass(frozen=True, slots=True)
class Reason:
    """One column of the ranker: the item's own number, and how much value it adds over the typical candidate's."""

    column: str
    value: float
    adds: float


@dataclass(frozen=True, slots=True)
class Explained:
    """One item of a slate."""

    place: int
    item: int
    value: float
    heads: dict[str, float]
    sources: dict[str, int]
    reasons: tuple[Reason, ...]


def explain(
    model: Model, decided: Decided, *, most: int = 3, rows: NDArray[np.integer] | None = None
) -> list[Explained]:
    """Every item of the first ask's slate, best first; or these rows of the pool, in their order.

    A column's part is the value lost when it is set to the median of the request's candidates, others untouched: cheap and
    exact for this one question, but parts do not add up to the value where columns interact.
    """
    pool, slate = decided.pool, decided.slate[0]
    if rows is None:
        row_of = {int(item): row for row, item in enumerate(pool.item.tolist()) if pool.ask[row] == 0}
        rows = np.array([row_of[int(item)] for item in slate[slate >= 0]], np.int64)
    ranked = decided.scored.table.shape[1] > 0
    parts = _parts(model, decided.scored.table, rows) if ranked else np.zeros((len(rows), 0), np.float32)
    columns = model.columns
    out = []
    for place, row in enumerate(rows.tolist()):
        best = np.argsort(-parts[place], kind="stable")[:most]
        reasons = tuple(
            Reason(columns[c], float(decided.scored.table[row, c]), float(parts[place, c]))
            for c in best
            if parts[place, c] > 0
        )
        given = {name: int(rank) + 1 for name, rank in zip(model.sources, pool.ranks[row], strict=True) if rank >= 0}
        heads = {name: float(column[row]) for name, column in decided.scored.heads.items()}
        out.append(Explained(place + 1, int(pool.item[row]), float(decided.scored.value[row]), heads, given, reasons))
    return out


def _parts(model: Model, table: Floats, rows: np.ndarray) -> Floats:
    """(rows, columns): the value lost when one column is made typical."""
    typical = np.nanmedian(np.where(np.isnan(table).all(axis=0), 0, table), axis=0)
    base = np.repeat(table[rows], table.shape[1], axis=0)
    at = np.arange(len(base))
    base[at, at % table.shape[1]] = np.tile(typical, len(rows))
    without = model.heads.score(base).reshape(len(rows), table.shape[1])
    return model.heads.score(table[rows])[:, None] - without
