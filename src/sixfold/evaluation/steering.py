"""Estimates as they would have been served: outcomes steer those that are asked for after they are settled.

The test is gone through in the order of time with the arithmetic of the service (`estimation.layered`), from a state that knows
of no outcome, as when a release is published at the start of the test. What steers is, as there, the first that became known
of each estimate; decisions that are no rows of the test, for they have no label in the window, steer nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, nearest
from ..estimate import Estimated, Estimator
from ..estimation.adaptive import Adaptive, settled_at
from ..estimation.law import Doubles
from ..estimation.layered import NOBODY, Layered
from ..features.indexed import Frame
from ..following import steered
from ..training.estimates import Timed
from ..training.material import Material


def as_served(
    material: Material, timed: Timed, model: Estimator, given: Estimated, frame: Frame | None = None
) -> Estimated:
    """The estimates of `timed` steered as the model's design has it; as they were given where it has no `adaptive`.

    frame: the same rows as the model's own features know them, where it is of another design.
    """
    by = model.design.learning.adaptive
    if by is None or not len(timed):
        return given
    groups = _entities(timed.frame if frame is None else frame, by)
    return steered(
        model, given, offsets(material, timed, given, Layered.start(by, model.levels, groups=_most(groups)), groups)
    )


def offsets(material: Material, timed: Timed, given: Estimated, start: Layered, groups: NDArray[np.intp]) -> Doubles:
    """How far (n, q), in widths, each row's levels would have been moved when it was asked for; groups (n,) as in `start`."""
    table = material.log.outcomes[material.design.requirements.label.name]
    told = _first(table, timed)
    settled = settled_at(timed.frame.ts, table["ts"][told], given.quantiles)
    # Outcomes settled at once are folded in the order of their ids.
    order = np.argsort(table["id"][told], kind="stable")
    out = np.empty(given.quantiles.shape)
    out[order] = start.replay(
        given.quantiles[order], table["value"][told[order]],
        asked=timed.frame.ts[order], settled=settled[order], groups=groups[order],
    )  # fmt: skip
    return out


def _first(table: dict[str, NDArray[Any]], timed: Timed) -> NDArray[np.intp]:
    """The place (n,) in a table of outcomes of the first, by (ts, id), that each decision has: every row of a test has one."""
    usable = np.flatnonzero(np.isfinite(table["value"]))
    usable = usable[np.lexsort((table["id"][usable], table["ts"][usable], table["decision"][usable]))]
    found = table["decision"][usable]
    return np.asarray(usable[np.searchsorted(found, timed.decision, side="left")])


def _entities(frame: Frame, by: Adaptive) -> NDArray[np.intp]:
    """The entity (n,) that each row is steered by; all NOBODY where they are steered together. Raises DesignError."""
    if by.by is None:
        return np.full(len(frame), NOBODY, np.intp)
    if by.by not in frame.keys:
        raise DesignError(
            f"learning.adaptive.by is {by.by!r}, which is no entity that both decisions and features name; "
            f"{nearest(by.by, frame.keys)}"
        )
    return frame.keys[by.by].astype(np.intp)


def _most(groups: NDArray[np.intp]) -> int:
    return int(groups.max(initial=NOBODY)) + 1
