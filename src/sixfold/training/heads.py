"""The ranker's heads: each sampled, trained, corrected for the sampling and calibrated on later rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..design import Amount, Happens, Head
from ..errors import DataError
from ..ranking import formula
from ..ranking.calibration import Calibration, Identity
from ..ranking.examples import Examples as Fitting
from ..ranking.forest import Forest
from ..ranking.heads import FittedHead, FittedHeads
from ..ranking.linear import Linear
from ..ranking.sampling import Downsample, KeepAll, Sampling
from ..types import Floats
from .examples import Examples
from .material import Material

VALIDATION = 0.15
"""The last share of the ranker's rows, by time, on which boosting is stopped."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with their table: what heads are fitted on."""

    examples: Examples
    table: Floats


def sampled(material: Material, rows: Examples, rng: np.random.Generator) -> Examples:
    """The rows that some head is trained on: features are computed for no others."""
    negatives = material.design.learning.negatives
    if not isinstance(negatives, Downsample):
        return rows
    keep = np.zeros(len(rows), bool)
    lot = rng.random(len(rows))
    for name, head in material.design.heads.items():
        label = rows.labels.get(name)
        if label is not None:
            keep |= ~np.isnan(label) if isinstance(head, Amount) else (label > 0) | (lot < negatives.keep)
    return rows.take(keep)


def fit(
    material: Material, ranker: Forest | Linear, training: Rows, calibrating: Rows, *, progress: Progress | None = None
) -> FittedHeads:
    """Every head of the design by this ranker, joined by the design's formula."""
    design = material.design
    heads = {
        name: _fit_head(name, head, ranker, material, training, calibrating, progress)
        for name, head in design.heads.items()
    }
    return FittedHeads(heads, formula.parse(design.value, list(heads)))


def _fit_head(
    name: str,
    head: Head,
    ranker: Forest | Linear,
    material: Material,
    training: Rows,
    calibrating: Rows,
    progress: Progress | None,
) -> FittedHead:
    learning = material.design.learning
    happens = isinstance(head, Happens)
    rng = np.random.default_rng([learning.seed, *name.encode()])
    label = training.examples.labels[name]
    usable = ~np.isnan(label)
    if not usable.any() or (happens and not 0 < label[usable].mean() < 1):
        raise DataError(
            f"head {name!r}: {int(usable.sum())} rows between the retrievers' and the calibration's part of the log, "
            f"{int((label[usable] > 0).sum())} of them positive; it needs both kinds, so ingest a longer log or change the label"
        )
    spec = msgspec.structs.replace(ranker, loss="logloss" if happens else "rmse")
    late = training.examples.ts >= np.quantile(training.examples.ts, 1 - VALIDATION)
    if isinstance(spec, Forest):
        held = Fitting.of(training.table[usable & late], label[usable & late]) if (usable & late).any() else None
        if held is not None and happens and not 0 < held.labels.mean() < 1:
            held = None
        used = usable & ~late if held is not None else usable
        scorer = spec.fit(Fitting.of(training.table[used], label[used]), rng, validation=held, progress=progress)
    else:
        scorer = spec.fit(Fitting.of(training.table[usable], label[usable]), rng)
    sampling: Sampling = learning.negatives if happens else KeepAll()
    uncalibrated = FittedHead(scorer, sampling, Identity().fit([0.5, 0.5], [0, 1]))
    wanted: Calibration = learning.calibration if happens else Identity()
    return FittedHead(
        scorer, sampling, _calibrate(wanted, uncalibrated, calibrating, calibrating.examples.labels[name])
    )


def _calibrate(calibration: Calibration, head: FittedHead, rows: Rows, label: NDArray[np.float32]) -> object:
    usable = ~np.isnan(label)
    if isinstance(calibration, Identity) or not 0 < label[usable].mean() < 1:
        return head.calibrator
    return calibration.fit(head.score(rows.table[usable]), label[usable])
