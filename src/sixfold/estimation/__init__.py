"""How long will it take, and what is said of it?

A time is a distribution, told by its quantiles. Estimators (`Quantiles`, and `Overall`, `ByKey`, `LinearQuantiles` to be
beaten) are fitted on `ranking.examples.Examples` whose labels are seconds, and have `quantiles` and `mean`; what is fitted is
arrays, which NumPy alone scores. Nothing here knows orders or places: it sees columns of float32.

Read next: law.py (what quantiles mean between and beyond them), quantiles.py and baselines.py (the estimators),
conformal.py (they cover what they say), adaptive.py and layered.py (and go on to, after a shock), legs.py (several legs in a
row, and the time left while they run), promise.py (what is told, by what late and early minutes cost).
"""

from __future__ import annotations

from typing import TypeAlias

from .baselines import ByKey, FittedByKey, FittedLinearQuantiles, LinearQuantiles, Overall
from .quantiles import FittedQuantiles, Quantiles

__all__ = ["Estimator", "FittedEstimator"]

Estimator: TypeAlias = Quantiles | Overall | ByKey | LinearQuantiles
FittedEstimator: TypeAlias = FittedQuantiles | FittedByKey | FittedLinearQuantiles
