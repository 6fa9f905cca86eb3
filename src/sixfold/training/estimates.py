"""Rows that say how long something took, and the estimator that is fitted on them.

A row is a decision whose label became known within the window. What was cancelled has no label; what has not ended yet is
censored; what ended before it was asked for cannot be: all are left out, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..design import Design
from ..errors import DataError
from ..estimate import Estimator
from ..estimation import Estimator as Spec
from ..estimation import FittedEstimator, law
from ..estimation.legs import Legs
from ..estimation.quantiles import FittedQuantiles, Quantiles
from ..events.hashing import Hashes
from ..features.indexed import Frame, Indexed
from ..features.spec import CONTEXT
from ..ranking.examples import Examples
from ..types import Arrays, Floats
from .cache import Cache
from .evidence import known_before
from .material import Material
from .run import Stages

WARM = 0.1
"""The share of the first span that is not learned from: as of its decisions hardly anything was known yet."""
HELD_OUT = 0.1
"""The share of training rows, the last ones, by which the number of trees is chosen."""


@dataclass(frozen=True, slots=True)
class Timed:
    """n decisions that ended: the hashes of their ids, their frame and table.

    seconds (n,) that each part took, by the name of its outcome, the label's first; NaN where a leg is not known. lost counts
    the decisions that were left out, by why.
    """

    decision: Hashes
    frame: Frame
    table: Floats
    seconds: Mapping[str, Floats]
    lost: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def label(self) -> Floats:
        """Seconds (n,) of the whole."""
        return next(iter(self.seconds.values()))


@dataclass(frozen=True, slots=True)
class Spans:
    """The rows to learn from, to make cover and to judge."""

    training: Timed
    calibrating: Timed
    test: Timed


def spans(material: Material, cache: Cache, stages: Stages) -> Spans:
    """The rows of the three spans, each kept by content."""
    cuts = material.cuts
    warm = cuts.start + int(WARM * (cuts.first - cuts.start))
    bounds = {"training": (warm, cuts.second), "calibrating": (cuts.second, cuts.third), "test": (cuts.third, cuts.end)}
    made = {}
    for name, (start, stop) in bounds.items():
        with stages.stage(f"rows for {name}"):
            made[name] = _kept(material, name, start, stop, cache)
            if not len(made[name]):
                raise DataError(
                    f"no {material.design.estimate.of} of the span for {name} has an outcome "
                    f"{material.design.requirements.label.name!r} within {material.design.requirements.window}; "
                    "ingest a longer log, or lengthen requirements.window"
                )
    return Spans(made["training"], made["calibrating"], made["test"])


def rows(material: Material, start: int, stop: int) -> Timed:
    """The decisions with start <= ts < stop that ended, in the order of their time."""
    design, log = material.design, material.log
    ts = log.decisions["ts"]
    chosen = np.flatnonzero((ts >= start) & (ts < stop))
    chosen = chosen[np.argsort(ts[chosen], kind="stable")]
    took = {name: _took(log, name, chosen, design) for name in parts(design)}
    label = next(iter(took.values()))
    # As of such a decision its own outcome is known already: a row of it would teach to look there.
    before = known_before(log, chosen, tuple(took))
    ended = ~np.isnan(label) & ~before
    void = np.zeros(len(chosen), bool)
    for name in design.estimate.void:
        if name in log.outcomes:
            void |= np.isin(log.decisions["id"][chosen], log.outcomes[name]["decision"])
    void &= ~ended & ~before
    lost = {"void": int(void.sum()), "dated before the ask": int(before.sum())}
    lost["censored"] = int((~ended & ~before & ~void).sum())
    ids = log.decisions["id"][chosen[ended]]
    frame = frame_of(material, ids)
    table = material.features.matrix(material.known, frame)
    return Timed(ids, frame, table, {name: seconds[ended] for name, seconds in took.items()}, lost)


def frame_of(material: Material, ids: Hashes) -> Frame:
    """Decisions of a log by the hashes of their ids (n,), as features want them."""
    held = material.log.decisions
    order = np.argsort(held["id"], kind="stable")
    at = order[np.searchsorted(held["id"][order], ids)]
    keys = {name: held[name][at] for name in material.ids.types if name in held}
    context = {name: column[at] for name, column in held.items() if name.startswith(CONTEXT)}
    return Frame(held["ts"][at], keys, context, np.ones(len(at), np.int16))


def parts(design: Design) -> tuple[str, ...]:
    """The outcomes that say how long it took: of the whole, then of each leg."""
    return (design.requirements.label.name, *design.estimate.legs)


def fit(
    material: Material,
    made: Spans,
    spec: Spec,
    stages: Stages,
    *,
    whole: bool = False,
    columns: tuple[str, ...] | None = None,
) -> Estimator:
    """The estimator of a design, on its spans: each leg by `spec`, then how legs go together, then coverage.

    With `whole` the sum is estimated at once. columns: of the tables, where they are not the features' alone.
    """
    design = material.design
    columns = columns or material.features.columns
    names = () if whole else design.estimate.legs
    names = names or (design.requirements.label.name,)
    kind = str(spec.__struct_config__.tag)
    legs = {}
    for name in names:
        with stages.stage(f"{kind} of {name}"):
            legs[name] = _fit_leg(material, made.training, name, spec, stages, columns)
    later = made.calibrating
    levels = np.asarray(spec.levels, np.float64)
    forecast = np.stack([leg.quantiles(later.table) for leg in legs.values()], axis=1)
    pits = np.stack(
        [
            law.below(levels, forecast[:, k].astype(np.float64), later.seconds[name].astype(np.float64)[:, None])[:, 0]
            for k, name in enumerate(legs)
        ],
        axis=1,
    )
    joint = Legs().fit(np.where(np.stack([np.isnan(later.seconds[name]) for name in legs], axis=1), np.nan, pits))
    total = forecast[:, 0] if len(legs) == 1 else joint.total(levels, forecast)
    coverage = design.learning.coverage.fit(levels, total, later.label)
    if design.learning.refit:
        for name, leg in legs.items():
            with stages.stage(f"{kind} of {name}, again on all before the test"):
                legs[name] = _refit(material, made, name, spec, leg, columns)
    return Estimator(design, material.features, legs, joint, coverage)


def _fit_leg(
    material: Material, training: Timed, name: str, spec: Spec, stages: Stages, columns: tuple[str, ...]
) -> FittedEstimator:
    rng = np.random.default_rng([material.design.learning.seed, *name.encode()])
    seconds = training.seconds[name]
    known = np.flatnonzero(~np.isnan(seconds))
    if spec.__struct_config__.tag != "quantiles":
        return spec.fit(Examples.of(training.table[known], seconds[known]), rng, columns=columns)
    cut = int(len(known) * (1 - HELD_OUT))
    early, late = known[:cut], known[cut:]
    return spec.fit(  # type: ignore[call-arg]
        Examples.of(training.table[early], seconds[early]), rng, columns=columns,
        validation=Examples.of(training.table[late], seconds[late]),
        progress=partial(stages.tell, f"{spec.__struct_config__.tag} of {name}"),
    )  # fmt: skip


def _refit(
    material: Material, made: Spans, name: str, spec: Spec, leg: FittedEstimator, columns: tuple[str, ...]
) -> FittedEstimator:
    """A leg learned from the calibration rows too: what its quantiles lack was measured on them, by the leg as it was before."""
    table = np.concatenate([made.training.table, made.calibrating.table])
    seconds = np.concatenate([made.training.seconds[name], made.calibrating.seconds[name]])
    known = np.flatnonzero(~np.isnan(seconds))
    if isinstance(spec, Quantiles) and isinstance(leg, FittedQuantiles):
        spec = msgspec.structs.replace(spec, trees=max(len(leg.forest.features), 1))
    rng = np.random.default_rng([material.design.learning.seed, *name.encode()])
    return spec.fit(Examples.of(table[known], seconds[known]), rng, columns=columns)


def _took(log: Indexed, name: str, decisions: NDArray[np.intp], design: Design) -> Floats:
    """The value (n,) of the last outcome of a name that each decision has within the window, by (ts, id); NaN without."""
    out = np.full(len(decisions), np.nan, np.float32)
    table = log.outcomes.get(name)
    if table is None or not len(out):
        return out
    ids, ts = log.decisions["id"][decisions], log.decisions["ts"][decisions]
    order = np.argsort(ids, kind="stable")
    at = order[np.minimum(np.searchsorted(ids[order], table["decision"]), len(out) - 1)]
    found = (ids[at] == table["decision"]) & (table["decision"] != 0)
    found &= (table["ts"] - ts[at] < durations.parse(design.requirements.window)) & (table["value"] >= 0)
    last = np.flatnonzero(found)
    last = last[np.lexsort((table["id"][last], table["ts"][last]))]
    out[at[last]] = table["value"][last]
    return out


def _kept(material: Material, name: str, start: int, stop: int, cache: Cache) -> Timed:
    design = material.design
    parts_ = [design.problem.decides, design.requirements.label, design.requirements.window, material.features,
              material.digest, material.cuts, start, stop]  # fmt: skip
    return _from_arrays(
        cache.through(f"timed.{name}", parts_, lambda: _to_arrays(rows(material, start, stop))), parts(design)
    )


def _to_arrays(timed: Timed) -> Arrays:
    groups: dict[str, Mapping[str, NDArray[Any]]] = {
        "key": timed.frame.keys, "context": timed.frame.context, "seconds": timed.seconds,
        "lost": {name: np.array(count) for name, count in timed.lost.items()},
    }  # fmt: skip
    arrays: Arrays = {
        "decision": timed.decision,
        "ts": timed.frame.ts,
        "position": timed.frame.position,
        "table": timed.table,
    }
    return arrays | {f"{group}:{name}": column for group, named in groups.items() for name, column in named.items()}


def _from_arrays(arrays: Arrays, names: tuple[str, ...]) -> Timed:
    def group(prefix: str) -> Arrays:
        return {
            name.removeprefix(f"{prefix}:"): column for name, column in arrays.items() if name.startswith(f"{prefix}:")
        }

    frame = Frame(arrays["ts"], group("key"), group("context"), arrays["position"])
    seconds = group("seconds")
    lost = {name: int(count) for name, count in group("lost").items()}
    return Timed(arrays["decision"], frame, arrays["table"], {name: seconds[name] for name in names}, lost)
