"""What an alternative costs: time to score, bytes of the model, bytes of state."""

from __future__ import annotations

import time

import numpy as np

from ..estimate import Estimator, estimated
from ..features.attributes import blank
from ..features.fit import paths
from ..features.record import Record
from ..features.table import Fitted
from ..types import Floats

_RUNS = 30


def scoring_us(model: Estimator, table: Floats) -> float:
    """Microseconds to estimate one row of a table (n, columns) once its features are read: the best of some runs."""
    one, best = table[:1], np.inf
    for _ in range(_RUNS):
        start = time.perf_counter()
        estimated(model, one)
        best = min(best, time.perf_counter() - start)
    return float(1e6 * best)


def model_bytes(model: Estimator) -> int:
    """All arrays that a release would hold of it."""
    parts = [*model.legs.values(), model.joint, model.coverage]
    return sum(array.nbytes for part in parts for array in part.to_arrays().values())


def state_bytes(fitted: Fitted) -> int:
    """What an online state keeps of one key of each kind by which features are kept, and of the attributes they read."""
    kept = fitted.accumulators()
    records = (Record.of(by, (one for one in kept if one.by == by)) for by in {one.by for one in kept} if by)
    known = (blank(fitted.kinds[path], fitted.widths[path]) for path in paths(fitted.features))
    return sum(record.blank.nbytes for record in records) + sum(one.nbytes for one in known)
