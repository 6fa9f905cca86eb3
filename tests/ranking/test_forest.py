import subprocess
import sys

import catboost
import msgspec
import numpy as np
import pytest
from scipy.special import expit

from sixfold.errors import DataError, DesignError
from sixfold.ranking.examples import Examples
from sixfold.ranking.forest import Forest, weighted_quantiles
from sixfold.ranking.trees import FittedForest

SMALL = Forest(trees=30, depth=4, learning_rate=0.2)


def table(n=1500, seed=0):
    """Features with gaps, infinities and a constant column, and labels of every kind."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[rng.random(x.shape) < 0.01] = np.inf
    x[rng.random(x.shape) < 0.01] = -np.inf
    x[:, 3] = np.round(np.nan_to_num(x[:, 3], posinf=0, neginf=0))
    x[:, 5] = 7
    signal = np.clip(np.nan_to_num(x[:, 0], posinf=2, neginf=-2), -2, 2)
    return x, (rng.random(n) < expit(2 * signal)).astype(np.float32), (signal + rng.normal(size=n)).astype(np.float32)


def trained(spec, examples, seed=0):
    """CatBoost's model and ours, of one training."""
    kept = []
    original = catboost.CatBoost.fit

    def fit(model, *args, **named):
        kept.append(model)
        return original(model, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catboost.CatBoost, "fit", fit)
        forest = spec.fit(examples, np.random.default_rng(seed))
    return kept[0], forest


def edges(forest, columns):
    """Rows that stand exactly on borders, and a float32 step to either side of them."""
    on = np.zeros((forest.features.size, columns), np.float32)
    on[np.arange(len(on)), forest.features.ravel()] = forest.borders.ravel()
    with np.errstate(over="ignore"):
        return np.concatenate([on, np.nextafter(on, np.float32(np.inf)), np.nextafter(on, np.float32(-np.inf))])


@pytest.mark.parametrize("loss", ["logloss", "rmse", "mae", (0.9,), (0.1, 0.5, 0.9)])
def test_scores_equal_catboosts_own(loss):
    x, clicked, seconds = table()
    labels = clicked if loss == "logloss" else seconds
    spec = msgspec.structs.replace(SMALL, loss=loss)
    model, forest = trained(spec, Examples.of(x, labels, np.linspace(0.5, 2, len(x))))
    special = np.array([[np.nan] * 8, [np.inf] * 8, [-np.inf] * 8, [3e38] * 8, [-3.4e38] * 8], np.float32)
    rows = np.concatenate([x, special, edges(forest, 8)])
    expected = model.predict(rows, prediction_type="Probability" if loss == "logloss" else "RawFormulaVal")
    expected = expected[:, 1:] if loss == "logloss" else expected.reshape(len(rows), -1)
    got = forest.score(rows)[:, None] if expected.shape[1] == 1 else forest.quantiles(rows)
    np.testing.assert_allclose(got, np.sort(expected, axis=1), rtol=0, atol=1e-5)


def test_trees_of_less_than_full_depth_equal_catboosts():
    flags = np.random.default_rng(0).integers(2, size=(400, 2)).astype(np.float32)
    labels = flags[:, 0] + 2 * flags[:, 1]
    model, forest = trained(Forest(trees=20, depth=6, loss="rmse"), Examples.of(flags, labels))
    padded = Forest(trees=20, depth=6, loss="rmse")
    assert forest.features.shape[1] < padded.depth or np.isinf(forest.borders).any()
    np.testing.assert_allclose(forest.score(flags), model.predict(flags), atol=1e-5)


def test_equal_seeds_give_equal_bytes_and_other_seeds_other_trees():
    x, clicked, _ = table()
    examples = Examples.of(x, clicked)
    first, again, other = (SMALL.fit(examples, np.random.default_rng(seed)).to_arrays() for seed in (5, 5, 6))
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert first["leaves"].tobytes() != other["leaves"].tobytes()


def test_a_share_of_the_columns_gives_other_trees_and_all_of_them_the_same():
    x, clicked, _ = table()
    examples = Examples.of(x, clicked)
    some, again, whole, plain = (
        msgspec.structs.replace(SMALL, column_share=share).fit(examples, np.random.default_rng(0))
        for share in (0.3, 0.3, 1.0, SMALL.column_share)
    )
    assert some.leaves.tobytes() == again.leaves.tobytes() and whole.leaves.tobytes() == plain.leaves.tobytes()
    assert some.leaves.tobytes() != plain.leaves.tobytes()


def test_trees_that_ask_nothing_equal_catboosts():
    """Of two columns of which one says nothing, a share of a half leaves some trees without a question."""
    x, clicked, _ = table()
    x = x[:, [0, 5]]
    spec = msgspec.structs.replace(SMALL, loss="rmse", column_share=0.5)
    model, forest = trained(spec, Examples.of(x, clicked))
    assert (np.isinf(forest.borders).all(axis=1)).any()
    most = np.finfo(np.float32).max
    np.testing.assert_allclose(forest.score(x), model.predict(np.clip(x, -most, most)), atol=1e-5)


def test_training_writes_no_files(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    x, clicked, _ = table(300)
    SMALL.fit(Examples.of(x, clicked), np.random.default_rng(0))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_the_forest_learns_and_knows_which_column_taught_it():
    x, clicked, _ = table(4000)
    forest = SMALL.fit(Examples.of(x, clicked), np.random.default_rng(0))
    x, clicked, _ = table(2000, seed=1)
    p = forest.score(x)
    assert p[clicked == 1].mean() > p[clicked == 0].mean() + 0.3
    assert forest.importance.argmax() == 0
    assert forest.importance[5] == 0
    assert forest.importance.sum() == pytest.approx(100, abs=1e-3)


def test_quantiles_cover_what_they_say():
    x, _, seconds = table(4000)
    forest = msgspec.structs.replace(SMALL, loss=(0.1, 0.9)).fit(Examples.of(x, seconds), np.random.default_rng(0))
    x, _, seconds = table(4000, seed=1)
    low, high = forest.quantiles(x).T
    assert (low <= high).all()
    assert ((low <= seconds) & (seconds <= high)).mean() == pytest.approx(0.8, abs=0.05)


def test_validation_stops_early_and_progress_is_told():
    x, _, _ = table(600)
    noise = np.random.default_rng(3).integers(2, size=600)
    told = []
    forest = Forest(trees=200, learning_rate=0.3, patience=5).fit(
        Examples.of(x[:300], noise[:300]),
        np.random.default_rng(0),
        validation=Examples.of(x[300:], noise[300:]),
        progress=lambda done, most: told.append((done, most)),
    )
    assert told == [(tree + 1, 200) for tree in range(len(told))]
    assert len(forest.features) <= len(told) < 200


def test_features_that_are_all_alike_give_the_best_constant():
    nothing = np.full((4, 2), np.nan)
    clicked = Forest().fit(Examples.of(nothing, [0, 0, 0, 1], [1, 1, 1, 3]), np.random.default_rng(0))
    assert clicked.score(np.zeros((1, 2), np.float32)).tolist() == [0.5]
    for loss, expected in (("rmse", 3.0), ("mae", 1.0), ((0.25, 0.75), [0.0, 2.0])):
        forest = Forest(loss=loss).fit(Examples.of(nothing, [0, 1, 2, 9]), np.random.default_rng(0))
        assert forest.quantiles(np.zeros((1, 2), np.float32))[0].tolist() == np.ravel(expected).tolist()


def test_labels_that_are_all_alike_are_the_constant_of_a_value_and_no_probability():
    x, _, _ = table(50)
    assert (
        Forest(loss="rmse").fit(Examples.of(x, np.full(50, 3)), np.random.default_rng(0)).score(x).tolist() == [3] * 50
    )
    with pytest.raises(DataError, match="0 positives in 50"):
        Forest().fit(Examples.of(x, np.zeros(50)), np.random.default_rng(0))


def test_weighted_quantiles_equal_repeating_rows():
    rng = np.random.default_rng(0)
    values, times = rng.normal(size=30).astype(np.float32), rng.integers(1, 9, size=30)
    levels = (0.05, 0.3, 0.5, 0.77)
    expected = np.quantile(np.repeat(values, times), levels, method="inverted_cdf")
    assert weighted_quantiles(values, times.astype(np.float32), levels).tolist() == expected.tolist()


def test_a_mistaken_design_is_refused():
    examples = Examples.of([[1.0], [2.0]], [0, 1])
    with pytest.raises(DesignError, match="rising quantile levels"):
        Forest(loss=(0.9, 0.1)).fit(examples, np.random.default_rng(0))
    with pytest.raises(DataError, match="validation has 2 features; expected the 1"):
        Forest().fit(examples, np.random.default_rng(0), validation=Examples.of([[1, 2]], [0]))
    with pytest.raises(msgspec.ValidationError, match=r"depth"):
        msgspec.convert({"type": "forest", "depth": 9}, Forest)


@pytest.mark.parametrize("spec", [Forest(), Forest(loss=(0.1, 0.9)), SMALL])
def test_a_spec_is_plain_data(spec):
    assert msgspec.json.decode(msgspec.json.encode(spec), type=Forest) == spec


def test_scoring_imports_nothing_that_trains():
    code = (
        "import sys, sixfold.ranking.forest, sixfold.ranking.linear, sixfold.ranking.calibration;"
        "import sixfold.ranking.heads;"
        "print(sorted({'catboost', 'scipy', 'polars', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "[]"


def test_arrays_of_a_trained_forest_are_accepted_back():
    x, clicked, _ = table(300)
    forest = SMALL.fit(Examples.of(x, clicked), np.random.default_rng(0))
    assert FittedForest.from_arrays(forest.to_arrays()).score(x).tolist() == forest.score(x).tolist()
