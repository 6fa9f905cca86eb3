"""Which column of ids is found in which table of entities, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from .naming import noun_of_column, noun_of_file, of_members, says_id, says_member, singular, words
from .profile import Column, FileProfile

LEAST_FIT = 1.2
"""Below this, a column that is not called an id is only numbers that happen to be in the table."""


@dataclass(frozen=True, slots=True)
class Join:
    """How the ids of a column of a log are found in the key column of a table, both ways.

    found is the share of the log's rows; unused counts the keys that no row has; `exact` is false
    where one of the files was too long to read whole.
    """

    log: str
    column: str
    table: str
    key: str
    found: float
    unused: int
    exact: bool

    def __str__(self) -> str:
        about = "" if self.exact else "about "
        return (
            f"{about}{100 * self.found:.4g} % of {self.log}.{self.column} found in {self.table}.{self.key}; "
            f"{self.unused} of {self.table} have no row in {self.log}"
        )


def join_of(log: FileProfile, column: Column, table: FileProfile, key: Column) -> Join:
    """The match rates of two columns."""
    known = np.isin(column.values, key.values, assume_unique=True)
    found = float(column.counts[known].sum() / max(column.filled, 1))
    unused = key.distinct - int(known.sum())
    return Join(log.path.name, column.name, table.path.name, key.name, found, unused, log.whole and table.whole)


def fit(log: FileProfile, column: Column, table: FileProfile, key: Column) -> float:
    """How far the two belong together, 0 to 4: rows found, how much of each other they are, and what names say.

    Small whole numbers are found in any table of small whole numbers, so that being found is not enough.
    """
    known = np.isin(column.values, key.values, assume_unique=True)
    found = float(column.counts[known].sum() / max(column.filled, 1))
    if found < 0.5:
        return 0.0
    both = int(known.sum())
    jaccard = both / (column.distinct + key.distinct - both)
    same = _same_noun(column, table, key)
    if not same and not says_id(column.name) and found + jaccard < LEAST_FIT:
        return 0.0
    return found + jaccard + 2.0 * same


def _same_noun(column: Column, table: FileProfile, key: Column) -> bool:
    noun = noun_of_column(column.name)
    if not noun:
        return False
    if says_member(column.name):
        return of_members(table.path) or says_member(key.name)
    return noun in (noun_of_file(table.path), noun_of_column(key.name), *map(singular, words(table.path.stem)))


def pair_up(
    log: FileProfile, ids: Sequence[Column], tables: Sequence[FileProfile]
) -> dict[str, tuple[FileProfile, Column]]:
    """For each column of ids at most one table with its key, the best fit of all together."""
    options: list[list[tuple[float, Column | None, Column | None]]] = []
    for table in tables:
        keys = [key for key in table.columns if key.unique and key.kind in ("integer", "text")]
        fits = [(fit(log, column, table, key), column, key) for column, key in product(ids, keys)]
        # A handful of columns and tables: the best two of each column keep the search small.
        best = sorted((one for one in fits if one[0] > 0), key=lambda one: -one[0])[:8]
        options.append([(0.0, None, None), *best])
    top = -1.0
    chosen: tuple[tuple[float, Column | None, Column | None], ...] = ()
    for choice in product(*options):
        used = [column.name for _, column, _ in choice if column is not None]
        total = sum(one[0] for one in choice)
        if len(used) == len(set(used)) and total > top:
            top, chosen = total, choice
    return {
        column.name: (table, key)
        for table, (_, column, key) in zip(tables, chosen, strict=False)
        if column is not None and key is not None
    }
