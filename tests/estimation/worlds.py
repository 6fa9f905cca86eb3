"""Times whose true quantiles are known."""

import numpy as np
from scipy.stats import norm

from sixfold.ranking.examples import Examples

COLUMNS = ("size", "load", "store", "driving_s", "noise")


def orders(n, seed, *, slow=0.0):
    """Examples of n orders, and the median and the spread of the log of each one's time: a log-normal.

    Driving times are right but for a factor that depends on the load. slow is added to every log.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)).astype(np.float32)
    x[:, 2] = rng.integers(0, 20, n)
    x[:, 3] = np.exp(6.5 + 0.5 * x[:, 3])
    centre = np.log(x[:, 3]) + 0.3 * np.maximum(x[:, 1], 0) + 0.1 * x[:, 0] + 0.02 * x[:, 2] + slow
    spread = 0.15 + 0.1 * (x[:, 0] > 0)
    seconds = np.exp(centre + spread * rng.normal(size=n))
    return Examples.of(x, seconds), centre, spread


def true_quantiles(centre, spread, levels):
    return np.exp(centre[:, None] + spread[:, None] * norm.ppf(levels))
