"""Features that know too much: columns that give the label away, attributes that are written when it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..features.attributes import said
from ..features.fit import paths
from ..features.spec import entity_field
from ..lint.finding import Finding, error, warning
from ..metrics.binary import auc
from ..types import Floats, Rows, Times
from .evidence import Evidence

SUSPICIOUS = 0.98
"""AUC of one column alone beyond which it is a leak: no honest feature of what people choose comes near."""

ROWS = 100_000
"""Rows that are looked at, spread evenly: of an AUC of 0.98, with 2 % positives, the standard error is then 0.002."""

WRITTEN_WITH = 0.5
"""Share of an attribute's changes at the very instants of the label beyond which the label writes it."""


def suspicious(table: Floats, columns: Sequence[str], label: ArrayLike) -> list[Finding]:
    """The columns of table (n, columns) that alone order the label (n,) of 0 and 1 almost perfectly, either way round.

    A missing value counts as the lowest: that it is missing may be the leak.

    >>> label = np.array([0, 0, 1, 1])
    >>> table = np.array([[1, 5], [2, 6], [8, 5], [9, 6]], np.float32)
    >>> [finding.path for finding in suspicious(table, ["seconds watched", "hour"], label)]
    ['learning.features: seconds watched']
    """
    rows = np.linspace(0, len(table) - 1, min(len(table), ROWS)).astype(np.int64)
    labels = np.asarray(label, np.float64)[rows]
    found = []
    for name, column in zip(columns, table[rows].T, strict=True):
        area = auc(labels, _filled(column))
        if max(area, 1 - area) > SUSPICIOUS:
            message = (
                f"{name} alone orders the label with an AUC of {max(area, 1 - area):.3f}, above {SUSPICIOUS}, so it "
                "holds what came after; drop it, or give its entities the ts at which its value became known"
            )
            found.append(error(f"learning.features: {name}", message))
    return found


def _filled(column: Floats) -> NDArray[np.float64]:
    wide = column.astype(np.float64)
    missing = np.isnan(wide)
    lowest = wide[~missing].min(initial=0.0) - 1
    return np.where(missing, lowest, wide)


def written_by_label(evidence: Evidence) -> Iterator[Finding]:
    """An attribute that changes when the label comes is made of it: one event dated early, and it gives it away."""
    log, label = evidence.material.log, evidence.happened(evidence.design.requirements.label)
    for path in paths(evidence.design.learning.features):
        entity, field = entity_field(path)
        table = log.entities.get(entity, {})
        if field not in table or entity not in label:
            continue
        told = said(table[field])
        row, ts = _later(table["row"][told], table["ts"][told])
        same = int(_among(row, ts, label[entity], label["ts"]).sum())
        if len(row) and same / len(row) > WRITTEN_WITH:
            yield warning(
                f"log.entities.{entity}.{field}",
                f"{same} of the {len(row)} changes of {path!r} are at the ts of a label of the same {entity}, so it "
                "may be made of the label; use count or rate of the outcome in its place, which see only the past",
            )


def _later(row: Rows, ts: Times) -> tuple[Rows, Times]:
    """All events but the first of each row: a first value is no change."""
    order = np.lexsort((ts, row))
    again = order[1:][row[order][1:] == row[order][:-1]]
    return row[again], ts[again]


def _among(row: Rows, ts: Times, rows: Rows, times: Times) -> NDArray[np.bool_]:
    """(n,) which (row, ts) are among (rows, times)."""
    instants, rank = np.unique(np.concatenate([ts, times]), return_inverse=True)
    keys = np.concatenate([row, rows]).astype(np.int64) * len(instants) + rank
    return np.isin(keys[: len(ts)], keys[len(ts) :])
