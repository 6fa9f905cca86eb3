"""Rows that say how long something took, against the log they were made of."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.designs import edited

from sixfold import durations
from sixfold.estimation.quantiles import Quantiles
from sixfold.ranking.examples import Examples
from sixfold.training import estimates
from sixfold.training.cache import Cache
from sixfold.training.material import prepare
from sixfold.training.run import Stages


@pytest.fixture(scope="module")
def material(timed):
    return prepare(timed.design, timed.workspace.batches())


@pytest.fixture(scope="module")
def made(material):
    return estimates.spans(material, Cache(), Stages())


def test_labels_are_what_the_log_says(material, made):
    """By a loop over the outcomes of each decision."""
    delivered = material.log.outcomes["delivered"]
    took = dict(zip(delivered["decision"].tolist(), delivered["value"].tolist(), strict=True))
    for timed in (made.training, made.calibrating, made.test):
        expected = [took[one] for one in timed.decision.tolist()]
        np.testing.assert_allclose(timed.label, expected, rtol=1e-6)


def test_legs_add_up_to_the_whole(made):
    legs = np.sum([made.test.seconds[name] for name in ("picked_up", "arrived", "dropoff")], axis=0)
    np.testing.assert_allclose(legs, made.test.label, atol=1.0)


def test_every_decision_is_a_row_or_counted_as_left_out(material, made):
    log, cuts = material.log, material.cuts
    ts = log.decisions["ts"]
    asked = int(((ts >= cuts.third) & (ts < cuts.end)).sum())
    assert asked == len(made.test) + sum(made.test.lost.values())
    assert made.test.lost["void"] + made.test.lost["censored"] > 0


def test_what_comes_after_the_window_is_no_label(material):
    short = msgspec.structs.replace(
        material.design, requirements=msgspec.structs.replace(material.design.requirements, window="20m")
    )
    rows = estimates.rows(estimates_of(material, short), material.cuts.third, material.cuts.end)
    assert len(rows) and rows.label.max() < durations.parse("20m") / 1e6
    assert rows.lost["censored"] > 0


@pytest.mark.parametrize("name", ["delivered", "picked_up"])
def test_what_was_known_before_it_was_asked_is_no_row(material, made, name):
    """Of a clock that runs behind: as of the order its own outcome is known already, and is a feature of it."""
    held = material.log.outcomes[name]
    ids = made.test.decision[:7]
    at = np.flatnonzero(np.isin(held["decision"], ids))
    ts = held["ts"].copy()
    ts[at] = material.log.decisions["ts"].min() - 1
    outcomes = dict(material.log.outcomes) | {name: dict(held) | {"ts": ts}}
    behind = replace(material, log=replace(material.log, outcomes=outcomes))
    rows = estimates.rows(behind, material.cuts.third, material.cuts.end)
    assert rows.lost["dated before the ask"] == 7 and not np.isin(ids, rows.decision).any()
    assert len(rows) == len(made.test) - 7 and rows.lost["censored"] == made.test.lost["censored"]


def estimates_of(material, design):
    return replace(material, design=design)


def test_a_kept_span_is_the_same(material, made, tmp_path):
    kept = [estimates.spans(material, Cache(tmp_path), Stages()).test for _ in range(2)]
    for one in kept:
        np.testing.assert_array_equal(one.table, made.test.table)
        np.testing.assert_array_equal(one.frame.ts, made.test.frame.ts)
        assert one.lost == made.test.lost and list(one.seconds) == list(made.test.seconds)


def test_estimators_are_learned_again_on_all_before_the_test(material, made):
    """With as many trees, and with the coverage that was measured on rows they had not seen."""
    spec = Quantiles(trees=12)
    again = estimates_of(material, edited("learning", of=material.design, refit=True))
    once, twice = (estimates.fit(one, made, spec, Stages(), whole=True) for one in (material, again))
    np.testing.assert_array_equal(once.coverage.shifts, twice.coverage.shifts)
    first, second = (model.legs["delivered"].forest for model in (once, twice))
    assert first.features.shape[0] == second.features.shape[0] > 0
    both = Examples.of(
        np.concatenate([made.training.table, made.calibrating.table]),
        np.concatenate([made.training.label, made.calibrating.label]),
    )
    rng = np.random.default_rng([material.design.learning.seed, *b"delivered"])
    alone = msgspec.structs.replace(spec, trees=first.features.shape[0]).fit(both, rng)
    np.testing.assert_array_equal(alone.forest.leaves, second.leaves)
    assert not np.array_equal(first.leaves, second.leaves)


def test_it_beats_the_mean_and_covers(timed):
    found = timed.trained.evaluation
    mae = {name: measures["MAE"].value for name, measures in found.systems.items()}
    assert mae["quantiles"] < 0.8 * mae["mean of all"]
    assert mae["the truth"] < mae["quantiles"]
    assert found.systems["quantiles"]["share covered"].value == pytest.approx(0.9, abs=0.12)
    assert timed.trained.gate.passed
