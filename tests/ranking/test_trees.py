import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError, ReleaseError
from sixfold.ranking.trees import BLOCK, FittedForest, constant


def random_forest(rng, *, trees=7, depth=3, columns=4, heads=1, logistic=False):
    return FittedForest(
        features=rng.integers(columns, size=(trees, depth)).astype(np.int32),
        borders=rng.integers(-2, 3, size=(trees, depth)).astype(np.float32),
        leaves=rng.normal(size=(heads, trees, 2**depth)),
        bias=rng.normal(size=heads),
        logistic=np.array(logistic),
        importance=np.zeros(columns, np.float32),
    )


def walked(forest, row):
    """The sum of one row by walking every tree: the definition, slowly."""
    total = forest.bias.copy()
    for tree in range(len(forest.features)):
        answers = [
            row[column] > border for column, border in zip(forest.features[tree], forest.borders[tree], strict=True)
        ]
        total += forest.leaves[:, tree, sum(int(answer) << level for level, answer in enumerate(answers))]
    return total


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), depth=st.integers(1, 8), trees=st.integers(1, 9), heads=st.integers(1, 3))
def test_the_kernel_equals_a_walk_down_every_tree(seed, depth, trees, heads):
    rng = np.random.default_rng(seed)
    forest = random_forest(rng, depth=depth, trees=trees, heads=heads)
    rows = rng.choice([-np.inf, -2, -1, 0, 0.5, 1, 2, np.inf, np.nan], size=(9, 4)).astype(np.float32)
    expected = np.sort([walked(forest, row) for row in rows], axis=1)
    np.testing.assert_allclose(forest.quantiles(rows), expected, rtol=1e-5, atol=1e-6)


def test_rows_score_alike_in_any_company():
    rng = np.random.default_rng(0)
    forest = random_forest(rng, logistic=True)
    rows = rng.normal(size=(2 * BLOCK + 3, 4)).astype(np.float32)
    alone = np.concatenate([forest.score(rows[at : at + 1]) for at in (0, BLOCK - 1, BLOCK, 2 * BLOCK + 2)])
    assert forest.score(rows)[[0, BLOCK - 1, BLOCK, 2 * BLOCK + 2]].tolist() == alone.tolist()
    assert forest.score(np.asfortranarray(rows)).tolist() == forest.score(rows).tolist()


def test_no_rows_and_no_trees():
    forest = constant(np.array([0.0]), 3, logistic=True)
    assert forest.score(np.full((2, 3), np.nan, np.float32)).tolist() == [0.5, 0.5]
    assert forest.score(np.zeros((0, 3), np.float32)).shape == (0,)
    again = FittedForest.from_arrays(forest.to_arrays())
    assert again.score(np.zeros((1, 3), np.float32)).tolist() == [0.5]


def test_the_wrong_number_of_columns_or_heads_is_refused():
    forest = random_forest(np.random.default_rng(0), heads=2)
    with pytest.raises(DataError, match=r"features has shape \(1, 3\); this forest expects \(n, 4\)"):
        forest.quantiles(np.zeros((1, 3), np.float32))
    with pytest.raises(DataError, match="2 heads"):
        forest.score(np.zeros((1, 4), np.float32))


def test_arrays_round_trip_through_a_file(tmp_path):
    forest = random_forest(np.random.default_rng(0))
    np.savez(tmp_path / "forest.npz", **forest.to_arrays())
    again = FittedForest.from_arrays(dict(np.load(tmp_path / "forest.npz", allow_pickle=False)))
    rows = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    assert again.score(rows).tolist() == forest.score(rows).tolist()


def damaged(name, index, value):
    arrays = {key: array.copy() for key, array in random_forest(np.random.default_rng(0)).to_arrays().items()}
    arrays[name][index] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (damaged("features", (2, 1), 4), r"features\[2, 1\] is 4, expected a column below 4"),
        (damaged("features", (0, 0), -1), r"features\[0, 0\] is -1"),
        (damaged("leaves", (0, 3, 5), np.inf), r"leaves\[0, 3, 5\] is inf, expected a finite number"),
        (damaged("borders", (1, 1), np.nan), "borders holds 1 NaN"),
        (damaged("bias", 0, np.inf), r"bias\[0\] is inf"),
    ],
)
def test_a_damaged_number_is_refused_by_name_and_place(arrays, message):
    with pytest.raises(ReleaseError, match=message):
        FittedForest.from_arrays(arrays)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(FittedForest)])
def test_a_missing_or_truncated_array_is_refused(name):
    arrays = random_forest(np.random.default_rng(0)).to_arrays()
    with pytest.raises(ReleaseError, match=f"array {name} is missing"):
        FittedForest.from_arrays({key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ReleaseError):
        FittedForest.from_arrays(arrays | {name: np.atleast_1d(arrays[name])[:0]})
