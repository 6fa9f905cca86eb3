"""The impressions that nobody chose for being good: what two models may be compared on when one of them made the log.

A model is flattered by the slates that it made: what it likes was shown, at the top, and what it overlooks never was. Where
the policy left places to chance and logged with what probability, those places are a fair sample, once each counts as much as
it was unlikely (inverse propensity weighting; Horvitz and Thompson 1952, for slates Schnabel et al. 2016, "Recommendations as
Treatments", section 3). Weights are cut off at some times their median (Ionides 2008, "Truncated Importance Sampling"), which
trades a little bias, towards what the policy shows more often, for much variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..metrics.kernel import Doubles
from ..policy.exploration import LIKELY
from ..training.examples import Examples
from ..training.material import Material
from ..types import Floats

MOST = 10.0
"""The most that one impression may weigh, in medians."""
LEAST = 20.0
"""Positives and negatives that the explored impressions must be worth, each, for anything to be told from them."""


def weights(propensity: NDArray[np.floating]) -> Doubles:
    """How much each impression (n,) counts: 0 where it was chosen or its propensity is not known, else about 1 / propensity.

    >>> weights(np.array([0.9, 0.01, 0.02, np.nan, 1e-9], np.float32)).round(0).tolist()
    [0.0, 100.0, 50.0, 0.0, 1000.0]
    """
    told = (propensity > 0) & (propensity < LIKELY)
    inverse = 1 / propensity[told].astype(np.float64)
    out = np.zeros(len(propensity))
    out[told] = np.minimum(inverse, MOST * np.median(inverse)) if len(inverse) else inverse
    return out


def enough(label: Floats, weight: Doubles) -> bool:
    """Whether the weighted impressions are worth `LEAST` of each class, by Kish's effective sample size."""
    return all(effective(weight[label == one]) >= LEAST for one in (0, 1))


def effective(weight: Doubles) -> float:
    """How many equal weights these are worth: (sum w)^2 / sum w^2 (Kish 1965, "Survey Sampling", 11.7).

    >>> effective(np.array([1.0, 1.0, 1.0, 0.0]))
    3.0
    """
    return float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0


def propensities(material: Material, rows: Examples) -> Floats:
    """The logged propensity (n,) of the rows of a test, which are the log's impressions of that span in their order."""
    shown, ts = material.log.shown, rows.ts
    span = (shown["ts"] >= ts.min(initial=material.cuts.end)) & (shown["ts"] <= ts.max(initial=material.cuts.start))
    found: Floats = shown["propensity"][span]
    if not np.array_equal(shown[material.design.item][span], rows.pool.item):
        raise ValueError("the rows are not the impressions of their span")
    return found
