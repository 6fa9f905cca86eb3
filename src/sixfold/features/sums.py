"""The columns that are made of sums: which accumulators a table reads, each once, and all columns of a kind joined at once.

A request of one row spends its time on calls and not on numbers, so they are few: one gather for all that is kept by the same,
one division for all rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..types import Floats
from .source import Asker, Doubles, Source, Wanted, by_member
from .spec import Accumulating, Count, Feature, Rate, is_summed, rates

_BLOCK = 8192
"""Rows joined at a time: of a whole log the four sums of all rates would not fit in memory beside each other."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What is read of every row, `own`, and of who asks only, `shared`; and of which of these each column is made.

    Places count through own and then shared. counts: columns (c,) and places (c,); rates: columns (r,), places (4, r) as
    `spec.rates` takes them, and priors (r, 1); others: a feature, its column and places.
    """

    own: Wanted
    shared: Wanted
    counts: tuple[NDArray[np.intp], NDArray[np.intp]]
    rates: tuple[NDArray[np.intp], NDArray[np.intp], Doubles]
    others: tuple[tuple[Accumulating, int, NDArray[np.intp]], ...]

    @classmethod
    def of(cls, features: Mapping[int, Feature], member: str | None) -> Self:
        """The sums of features by the column that each fills; `member` is who asks, if anybody does."""
        made = {column: one for column, one in features.items() if is_summed(one)}
        reads = {column: one.accumulators() for column, one in made.items()}
        every = tuple(dict.fromkeys(one for read in reads.values() for one in read))
        shared = tuple(one for one in every if member is not None and by_member(one.by, member))
        own = tuple(one for one in every if one not in shared)
        place = {one: at for at, one in enumerate((*own, *shared))}
        places = {column: np.array([place[one] for one in read], np.intp) for column, read in reads.items()}
        counts = [column for column, one in made.items() if isinstance(one, Count)]
        all_rates = {column: one for column, one in made.items() if isinstance(one, Rate)}
        return cls(
            Wanted(own),
            Wanted(shared),
            (np.array(counts, np.intp), np.array([places[column][0] for column in counts], np.intp)),
            (
                np.array(list(all_rates), np.intp),
                np.array([places[column] for column in all_rates], np.intp).reshape(-1, 4).T,
                np.array([one.prior for one in all_rates.values()]).reshape(-1, 1),
            ),
            tuple((one, column, places[column]) for column, one in made.items() if not isinstance(one, Count | Rate)),
        )

    def fill(self, out: Floats, source: Source, asker: Asker) -> None:
        """Write all columns of a table (n, columns)."""
        if not self.own.accumulators and not self.shared.accumulators:
            return
        own, shared = source.totals(self.own, asker.rows), source.totals(self.shared, asker.alone)
        for start in range(0, len(out), _BLOCK):
            rows = slice(start, start + _BLOCK)
            totals = np.concatenate([own[:, rows], asker.spread(shared, rows)])
            columns, places = self.counts
            out[rows, columns] = totals.take(places, axis=0).T
            columns, of_rates, priors = self.rates
            num, den, all_num, all_den = (totals.take(of, axis=0) for of in of_rates)
            out[rows, columns] = rates(num, den, all_num, all_den, priors).T
            for feature, column, of in self.others:
                out[rows, column] = feature.combine(list(totals.take(of, axis=0)))
