import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.ranking.examples import Examples
from sixfold.ranking.linear import Linear
from sixfold.ranking.sampling import Downsample, KeepAll, Reweight, Sampling, scale_odds


def world(n, seed):
    """Rows of known logistic truth, 2 to 3 % positive."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)).astype(np.float32)
    truth = 1 / (1 + np.exp(-(x @ [1.0, -0.5] - 4.3)))
    return Examples.of(x, rng.random(n) < truth), truth


@pytest.mark.parametrize("sampling", [Downsample(0.1), Reweight(10)])
def test_the_correction_recovers_the_known_truth_and_nothing_else_does(sampling):
    examples, _ = world(120_000, seed=0)
    sample = sampling.sample(examples, np.random.default_rng(1))
    fitted = Linear(clip=0.0).fit(sample, np.random.default_rng(2))
    untouched, truth = world(60_000, seed=3)
    raw = fitted.score(untouched.features)
    corrected = sampling.correct(raw)
    assert corrected.mean() / truth.mean() == pytest.approx(1, abs=0.05)
    assert corrected.mean() / untouched.labels.mean() == pytest.approx(1, abs=0.08)
    assert raw.mean() / truth.mean() > 5
    tenths = np.array_split(np.argsort(truth), 10)
    ratios = [corrected[part].mean() / truth[part].mean() for part in tenths]
    np.testing.assert_allclose(ratios, 1, atol=0.15)


@given(st.floats(0, 1, width=32), st.floats(0.01, 1))
def test_the_correction_is_the_papers_and_exactly_invertible(p, keep):
    scores = np.array([p], np.float32)
    corrected = Downsample(keep).correct(scores)
    expected = p / (p + (1 - p) / keep)
    assert corrected[0] == pytest.approx(expected, rel=1e-6)
    if corrected[0] > 1e-30:
        assert scale_odds(corrected, 1 / keep)[0] == pytest.approx(p, rel=1e-4)


def test_all_positives_and_about_the_share_of_negatives_are_kept():
    examples, _ = world(50_000, seed=0)
    sample = Downsample(0.1).sample(examples, np.random.default_rng(0))
    negatives = (examples.labels == 0).sum()
    assert (sample.labels > 0).sum() == (examples.labels > 0).sum()
    assert (sample.labels == 0).sum() == pytest.approx(0.1 * negatives, abs=4 * np.sqrt(0.09 * negatives))


def test_a_smaller_share_is_a_subset_and_equal_generators_agree():
    labels = np.zeros(1000, np.float32)
    few, more, again = (Downsample(k).mask(labels, np.random.default_rng(4)) for k in (0.1, 0.3, 0.3))
    assert (more >= few).all()
    assert more.tolist() == again.tolist()
    assert Downsample(1.0).mask(labels, np.random.default_rng(4)).all()


def test_reweight_multiplies_the_weights_of_positives():
    examples = Examples.of([[1], [2], [3]], [0, 1, 1], [1, 1, 2])
    assert Reweight(5).sample(examples, np.random.default_rng(0)).weights.tolist() == [1, 5, 10]


def test_keep_all_changes_nothing():
    examples, _ = world(10, seed=0)
    scores = np.array([0.1], np.float32)
    assert KeepAll().sample(examples, np.random.default_rng(0)) is examples
    assert KeepAll().correct(scores) is scores


@pytest.mark.parametrize("spec", [KeepAll(), Downsample(0.2), Reweight(3)])
def test_the_specs_are_one_tagged_union(spec):
    assert msgspec.json.decode(msgspec.json.encode(spec), type=Sampling) == spec


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(msgspec.ValidationError, match="keep"):
        msgspec.convert({"type": "downsample", "keep": 0}, Sampling)
