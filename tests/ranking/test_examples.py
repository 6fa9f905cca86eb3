import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.ranking.examples import Examples, need_both_classes


def test_examples_are_float32_with_weights_of_one():
    examples = Examples.of([[1, 2], [3, np.nan]], [0, 1])
    assert (examples.features.dtype, examples.labels.dtype, examples.weights.tolist()) == ("f4", "f4", [1.0, 1.0])
    assert len(examples) == 2


def test_take_keeps_rows_together():
    examples = Examples.of(np.arange(6).reshape(3, 2), [0, 1, 2], [1, 2, 3]).take(np.array([True, False, True]))
    assert (examples.features.tolist(), examples.labels.tolist()) == ([[0, 1], [4, 5]], [0, 2])
    assert examples.weights.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("features", "labels", "weights", "message"),
    [
        (np.zeros(3), [0, 1, 0], None, r"features has shape \(3,\)"),
        (np.zeros((0, 2)), [], None, r"features has shape \(0, 2\)"),
        (np.zeros((2, 1)), [0, 1, 1], None, r"labels has shape \(3,\)"),
        (np.zeros((2, 1)), [0, np.nan], None, r"labels\[1\] is nan"),
        (np.zeros((2, 1)), [0, 1], [1, -2], "weights run from -2.0"),
        (np.zeros((2, 1)), [0, 1], [0, 0], "weights run from 0.0 to 0.0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(features, labels, weights, message):
    with pytest.raises(DataError, match=message):
        Examples.of(features, labels, weights)


def test_a_class_that_only_weightless_rows_have_is_absent():
    labels, weights = np.array([0, 0, 1], np.float32), np.array([1, 1, 0], np.float32)
    with pytest.raises(DataError, match="0 positives in 2 weighted rows"):
        need_both_classes(labels, weights, "this test")


def test_labels_between_the_classes_are_refused():
    with pytest.raises(DataError, match=r"labels\[1\] is 0.5"):
        need_both_classes(np.array([0, 0.5, 1], np.float32), np.ones(3, np.float32), "this test")
