"""Heads: which rows train them, what undoes the sampling, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.designs import edited
from tests.training.logs import design, log, made_ready

from sixfold.errors import DataError
from sixfold.language import Amount, Downsample, Forest, Happens, Identity, KeepAll, Linear, Recent, Reweight, outcome
from sixfold.ranking.calibration import FittedIdentity, FittedIsotonic
from sixfold.retrieval.popular import RecentFitted
from sixfold.training import heads
from sixfold.training.examples import Examples, examples
from sixfold.training.heads import Rows
from sixfold.training.material import Material

LOG = log(decisions=2000)
WATCHED = outcome("watch", at_least=30)
TWO = {"watch": Happens(WATCHED), "seconds": Amount(WATCHED)}


def material(**learning) -> Material:
    wanted = edited(
        "learning", of=design(retrievers=(Recent(),)), **{"heads": TWO, "value": "watch * seconds", **learning}
    )
    return made_ready(LOG, wanted)


def rows_of(material: Material, start: int, stop: int) -> Examples:
    return examples(material, {"recent": RecentFitted()}, start, stop, np.random.default_rng(0), share=1.0)


def with_table(material: Material, rows: Examples, *, leak: bool = False) -> Rows:
    """The label's own noise as one column, or (leak) the label itself."""
    label = rows.labels["watch"]
    column = label if leak else np.random.default_rng(1).normal(size=len(rows)) + label
    return Rows(rows, np.stack([column, np.ones(len(rows))], axis=1).astype(np.float32))


def parts(material: Material) -> tuple[Rows, Rows]:
    cuts = material.cuts
    spans = ((cuts.first, cuts.second), (cuts.second, cuts.third))
    return tuple(with_table(material, rows_of(material, *span)) for span in spans)


def test_sampling_drops_negatives_alone():
    made = material(negatives=Downsample(0.25))
    rows = rows_of(made, made.cuts.first, made.cuts.second)
    kept = heads.sampled(made, rows)
    label = rows.labels["watch"]
    assert kept.labels["watch"].sum() == label.sum(), "every positive, so every row with an amount"
    negatives = (kept.labels["watch"] == 0).sum() / (label == 0).sum()
    assert abs(negatives - 0.25) < 0.06
    assert len(kept.pool.asks) == len(rows.pool.asks)


def test_without_sampling_all_rows_stay():
    made = material(negatives=KeepAll())
    rows = rows_of(made, made.cuts.first, made.cuts.second)
    assert heads.sampled(made, rows) is rows


@pytest.mark.parametrize("ranker", [Linear(), Forest(trees=20, depth=3, learning_rate=0.2)], ids=["linear", "forest"])
def test_down_sampling_is_undone(ranker):
    """Calibration fitted or not, the mean prediction is the rate of all rows and not of those kept."""
    made = material(negatives=Downsample(0.25), calibration=Identity())
    training, calibrating = parts(made)
    kept = heads.sampled(made, training.examples)
    fitted = heads.fit(made, ranker, with_table(made, kept), calibrating)
    predicted = fitted.columns(calibrating.table)["watch"]
    rate = calibrating.examples.labels["watch"].mean()
    assert abs(predicted.mean() / rate - 1) < 0.1
    assert kept.labels["watch"].mean() > 1.5 * rate, "what it was trained on"


@pytest.mark.parametrize("sampling", [Downsample(0.2), Reweight(10.0)], ids=["downsample", "reweight"])
@pytest.mark.parametrize("ranker", [Linear(), Forest(trees=20, depth=3, learning_rate=0.2)], ids=["linear", "forest"])
def test_what_was_done_to_the_odds_is_undone_for_each_head(ranker, sampling):
    """A row that is kept as a positive of one head is no more a negative of the other than its lot says."""
    two = {"long": Happens(outcome("watch", at_least=80)), "any": Happens(outcome("watch"))}
    made = material(heads=two, value="long * any", negatives=sampling, calibration=Identity())
    cuts = made.cuts
    rows = heads.sampled(made, rows_of(made, cuts.first, cuts.second))
    noise = np.random.default_rng(1).normal(size=(len(rows), 2)).astype(np.float32)
    later = rows_of(made, cuts.second, cuts.third)
    test = Rows(later, np.random.default_rng(2).normal(size=(len(later), 2)).astype(np.float32))
    predicted = heads.fit(made, ranker, Rows(rows, noise), test).columns(test.table)
    for name in two:
        assert abs(predicted[name].mean() / later.labels[name].mean() - 1) < 0.35, name


def test_each_head_is_of_its_own_kind():
    made = material()
    training, calibrating = parts(made)
    fitted = heads.fit(made, Linear(), training, calibrating)
    assert list(fitted.heads) == ["watch", "seconds"]
    assert isinstance(fitted.heads["watch"].calibrator, FittedIsotonic)
    assert isinstance(fitted.heads["seconds"].calibrator, FittedIdentity)
    assert isinstance(fitted.heads["seconds"].sampling, KeepAll)
    columns = fitted.columns(calibrating.table)
    assert ((columns["watch"] >= 0) & (columns["watch"] <= 1)).all()
    seconds = calibrating.examples.labels["seconds"]
    assert abs(columns["seconds"].mean() - np.nanmean(seconds)) < 5, "an amount is fitted where it came"
    np.testing.assert_allclose(fitted.score(calibrating.table), columns["watch"] * columns["seconds"], rtol=1e-6)


def test_calibration_is_fitted_on_later_rows_only():
    made = material()
    training, calibrating = parts(made)
    turned = Rows(calibrating.examples, calibrating.table[::-1].copy())
    one, other = (heads.fit(made, Linear(), training, part) for part in (calibrating, turned))
    for array, same in zip(
        one.heads["watch"].scorer.to_arrays().values(), other.heads["watch"].scorer.to_arrays().values(), strict=True
    ):
        np.testing.assert_array_equal(array, same)
    assert one.columns(calibrating.table)["watch"].tolist() != other.columns(calibrating.table)["watch"].tolist()


def test_same_seed_same_heads():
    made = material()
    training, calibrating = parts(made)
    ranker = Forest(trees=15, depth=3, learning_rate=0.2)
    one, other = (heads.fit(made, ranker, training, calibrating).score(calibrating.table) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_head_without_both_kinds_is_refused():
    made = material(negatives=KeepAll())
    training, calibrating = parts(made)
    label = training.examples.labels["watch"]
    only = training.examples.take(label == 0)
    with pytest.raises(DataError, match=rf"head 'watch': {len(only)} rows .* 0 of them positive; it needs both kinds"):
        heads.fit(made, Linear(), with_table(made, only), calibrating)


def test_calibrating_rows_of_one_kind_leave_scores_as_they_are():
    made = material()
    training, calibrating = parts(made)
    negatives = calibrating.examples.take(calibrating.examples.labels["watch"] == 0)
    fitted = heads.fit(made, Linear(), training, with_table(made, negatives))
    assert isinstance(fitted.heads["watch"].calibrator, FittedIdentity)
