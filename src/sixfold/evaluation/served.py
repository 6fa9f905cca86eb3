"""Whether what was served is what the log says: the feature values of served slates against the log in bulk.

Two differences are told apart. *Lateness*: an event that belonged before a decision reached the log after it; computed from the
log as it stood then, the values agree. *Skew*: they do not agree even then, and one of the two is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..events.schema import Events
from ..features.indexed import Frame
from ..features.served import Served
from ..release import Release
from ..training.material import Material, prepare
from ..types import Floats
from .skew import TOLERANCE, Skew, compare

MOST = 20
"""Decisions that differ whose log is looked at as it stood then."""


@dataclass(frozen=True, slots=True)
class ServedSkew:
    """What a comparison found: decisions compared, those that late events explain, and the skew of the others."""

    decisions: int
    late: int
    skew: Skew

    def __bool__(self) -> bool:
        """True where what was served is wrong."""
        return bool(self.skew)


def verify(release: Release, batches: Sequence[tuple[int, Events]], served: Sequence[Served]) -> ServedSkew:
    """Recompute the features of served slates from the log; batches are (offset, events) in order."""
    mine = [one for one in served if one.release == release.id and one.offset >= 0]
    columns = release.features.columns
    if not mine:
        return ServedSkew(0, 0, Skew(0, len(columns), ()))
    now = recomputed(release, [events for _, events in batches], mine)
    wrong = [one for one, table in zip(mine, now, strict=True) if _differs(one.table, table)]
    then = {one.decision: _then(release, batches, one) for one in wrong[:MOST]}
    late = {name for name, (one, table) in then.items() if not _differs(one.table, table)}
    bad = [(one.table, table) for name, (one, table) in then.items() if name not in late]
    online, bulk = ([pair[side] for pair in bad] or [np.empty((0, len(columns)), np.float32)] for side in (0, 1))
    rows = sum(len(one.table) for one in mine)
    found = compare(np.concatenate(online), np.concatenate(bulk), columns)
    return ServedSkew(len(mine), len(late), Skew(rows, len(columns), found.differences))


def recomputed(release: Release, events: Sequence[Events], served: Sequence[Served]) -> list[Floats]:
    """The table of each served decision (n, f) by the batch schedule."""
    # The cuts are the release's: no part of this log is trained on, and it may be too short to be cut.
    material = prepare(release.design, events, cuts=release.manifest.cuts, features=release.features)
    return [release.features.matrix(material.known, _frame(release, material, one)) for one in served]


def _then(release: Release, batches: Sequence[tuple[int, Events]], one: Served) -> tuple[Served, Floats]:
    """The table by the log as it stood then."""
    known = [events for offset, events in batches if offset <= one.offset]
    return one, recomputed(release, known, [one])[0]


def _frame(release: Release, material: Material, one: Served) -> Frame:
    design, n = release.design, len(one.table)
    context = {name: np.repeat(column, n) for name, column in release.features.asked(one.context).items()}
    keys = {
        entity: np.repeat(material.ids[entity].rows(np.array([one.keys.get(entity, "").encode()])), n)
        for entity in release.features.entities(design.memory)
    }
    if one.items:
        keys[design.item] = material.ids[design.item].rows(np.array(one.items))
    return Frame(np.full(n, one.ts), keys, context, np.ones(n, np.int16))


def _differs(online: Floats, batch: Floats) -> bool:
    gap = np.abs(online.astype(np.float64) - batch) / np.maximum(np.abs(batch), 1.0)
    return bool(((gap > TOLERANCE) | (np.isnan(online) != np.isnan(batch))).any())
