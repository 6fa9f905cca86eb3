import numpy as np

from sixfold.formula import parse
from sixfold.ranking.calibration import FittedIdentity, Isotonic
from sixfold.ranking.examples import Examples
from sixfold.ranking.forest import Forest
from sixfold.ranking.heads import FittedHead, FittedHeads
from sixfold.ranking.linear import Linear
from sixfold.ranking.sampling import Downsample, KeepAll
from sixfold.ranking.trees import constant


def test_heads_are_corrected_calibrated_and_joined():
    half = constant(np.array([0.0]), 1, logistic=True)
    nine = constant(np.array([9.0]), 1, logistic=False)
    heads = FittedHeads(
        {
            "click": FittedHead(half, Downsample(0.25), FittedIdentity()),
            "value": FittedHead(nine, KeepAll(), FittedIdentity()),
        },
        parse("click * value", ["click", "value"]),
    )
    rows = np.zeros((3, 1), np.float32)
    np.testing.assert_allclose(heads.columns(rows)["click"], 0.2, rtol=1e-6)
    np.testing.assert_allclose(heads.score(rows), 1.8, rtol=1e-6)


def test_a_down_sampled_forest_with_calibration_predicts_what_is_observed():
    def rows(n, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 3)).astype(np.float32)
        return Examples.of(x, rng.random(n) < 1 / (1 + np.exp(3.5 - x[:, 0] - (x[:, 1] > 1))))

    train, later, test = rows(30_000, 0), rows(30_000, 1), rows(30_000, 2)
    sampling = Downsample(0.2)
    for spec in (Forest(trees=40, depth=4, learning_rate=0.15), Linear()):
        scorer = spec.fit(sampling.sample(train, np.random.default_rng(3)), np.random.default_rng(4))
        calibrator = Isotonic().fit(sampling.correct(scorer.score(later.features)), later.labels)
        p = FittedHead(scorer, sampling, calibrator).score(test.features)
        for part in np.array_split(np.argsort(p), 4)[1:]:
            assert abs(p[part].mean() / test.labels[part].mean() - 1) < 0.2
