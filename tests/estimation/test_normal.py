import numpy as np
from scipy.stats import norm

from sixfold.estimation.normal import FARTHEST, normal_below, normal_score


def test_probabilities_equal_scipys():
    z = np.linspace(-8, 8, 20_001)
    np.testing.assert_allclose(normal_below(z), norm.cdf(z), atol=5e-7)


def test_scores_equal_scipys_and_are_held_at_the_ends():
    u = np.r_[np.geomspace(1e-6, 0.5, 5000), 1 - np.geomspace(1e-6, 0.5, 5000)]
    np.testing.assert_allclose(normal_score(u), norm.ppf(u), atol=1e-4)
    assert normal_score(np.array([0.0, 1.0])).tolist() == [-FARTHEST, FARTHEST]
