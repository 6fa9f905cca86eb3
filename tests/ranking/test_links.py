import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from sixfold.ranking.links import logit, sigmoid


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20))
def test_sigmoid_is_scipys(values):
    x = np.array(values)
    np.testing.assert_allclose(sigmoid(x), expit(x), rtol=1e-14, atol=1e-300)


def test_logit_undoes_sigmoid_and_is_finite_at_the_ends():
    x = np.linspace(-20, 20, 41)
    np.testing.assert_allclose(logit(sigmoid(x)), x, rtol=1e-6)
    assert np.isfinite(logit([0.0, 1.0])).all()
