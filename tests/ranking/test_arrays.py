import numpy as np
import pytest

from sixfold.errors import ReleaseError
from sixfold.ranking.arrays import need, read

GOOD = {"a": np.zeros((2, 3), np.float32)}


def test_a_sound_array_is_read():
    assert read(GOOD, "a", np.float32, (None, 3)).shape == (2, 3)
    assert read({"a": np.array(True)}, "a", np.bool_, ()).shape == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "array a is missing"),
        ({"a": np.zeros((2, 3))}, "holds float64, expected float32"),
        ({"a": np.zeros((2, 4), np.float32)}, r"has shape \(2, 4\), expected \(any, 3\)"),
        ({"a": np.zeros(3, np.float32)}, r"has shape \(3,\)"),
        ({"a": np.full((2, 3), np.nan, np.float32)}, "holds 6 NaN"),
    ],
)
def test_a_damaged_array_is_refused_by_name(arrays, message):
    with pytest.raises(ReleaseError, match=message):
        read(arrays, "a", np.float32, (None, 3))


def test_need_names_the_number_and_its_place():
    values = np.array([[1, 2], [3, 99]])
    with pytest.raises(ReleaseError, match=r"array a\[1, 1\] is 99, expected a number below 9"):
        need(values < 9, values, "a", "a number below 9")
