"""How to train where one row in fifty is positive, and how to get honest probabilities back.

Each spec says which rows are trained on and with what weight, and inverts exactly what that did to
the odds. Positives are labels above 0.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ..types import Floats
from .examples import Examples


class KeepAll(msgspec.Struct, frozen=True, tag="keep_all"):
    """Every row, as it is."""

    def sample(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """The examples themselves."""
        return examples

    def correct(self, scores: Floats) -> Floats:
        """The scores themselves."""
        return scores


class Downsample(msgspec.Struct, frozen=True, tag="downsample"):
    """All positives and the share `keep` of the negatives: training costs about that share.

    It gives up what the dropped negatives would have taught; `imbalance` among the design
    questions measures it.
    """

    keep: Annotated[float, Meta(gt=0, le=1)] = 0.1

    def sample(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """The rows kept. With equal generators, a smaller `keep` takes a subset."""
        return examples.take(self.mask(examples.labels, rng))

    def mask(self, labels: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
        """(n,) whether each row is kept."""
        return (labels > 0) | (rng.random(len(labels)) < self.keep)

    def correct(self, scores: Floats) -> Floats:
        """The probability before down-sampling, p / (p + (1 - p) / keep): He et al. 2014, section 6.3.

        "Practical Lessons from Predicting Clicks on Ads at Facebook".

        >>> Downsample(0.1).correct(np.array([0.0, 0.5, 1.0], np.float32)).astype(float).round(4).tolist()
        [0.0, 0.0909, 1.0]
        """
        return scale_odds(scores, self.keep)


class Reweight(msgspec.Struct, frozen=True, tag="reweight"):
    """Every row, each positive counted `positive` times."""

    positive: Annotated[float, Meta(gt=0)] = 10.0

    def sample(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """The same rows with heavier positives; nothing is drawn from `rng`."""
        heavier = np.where(examples.labels > 0, self.positive, 1.0)
        return Examples.of(examples.features, examples.labels, examples.weights * heavier)

    def correct(self, scores: Floats) -> Floats:
        """The probability before reweighting."""
        return scale_odds(scores, 1 / self.positive)


Sampling = KeepAll | Downsample | Reweight


def scale_odds(scores: Floats, factor: float) -> Floats:
    """Probabilities (n,) float32 whose odds are `factor` times those of `scores`; 1 / factor undoes it."""
    p = np.asarray(scores, dtype=np.float64)
    return (p * factor / (p * factor + (1 - p))).astype(np.float32)
