import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.metrics.catalogue import coverage, new_share, novelty

SLATES = np.array([[0, 1, 2], [2, -1, -1], [-1, -1, -1]], dtype=np.int32)


def test_coverage_counts_distinct_items():
    assert coverage(SLATES, 5) == 0.6
    assert coverage(SLATES[2:], 5) == 0.0
    assert np.isnan(coverage(SLATES[2:], 0))


def test_novelty_is_self_information_with_one_added_to_every_count():
    share = np.array([8, 4, 1, 3]) / 16
    bits = -np.log2(share)
    np.testing.assert_allclose(novelty(SLATES, [7, 3, 0, 2]), [bits[:3].mean(), bits[2], np.nan])


def test_an_unknown_age_is_not_new_and_an_empty_place_does_not_count():
    age_s = np.array([[10.0, 100.0, np.nan], [99.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(new_share(SLATES, age_s, younger_than_s=100), [1 / 3, 1, np.nan])


def test_an_empty_catalogue_has_no_novelty():
    assert np.isnan(novelty(SLATES[2:], [])).all()


@pytest.mark.parametrize("call", [lambda: coverage(SLATES, 2), lambda: novelty(SLATES, [1, 1])])
def test_an_item_outside_the_catalogue_is_refused(call):
    with pytest.raises(DataError, match="item rows below 2"):
        call()


def test_ages_of_another_shape_are_refused():
    with pytest.raises(DataError, match="age_s has shape"):
        new_share(SLATES, np.zeros(3), younger_than_s=1)
