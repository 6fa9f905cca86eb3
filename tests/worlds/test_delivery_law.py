"""The law of an order against draws of it."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.worlds.delivery_law import DELAY_S, FLOOR_S, LEGS, Law, Progress

LEVELS = np.array([0.05, 0.5, 0.95])
ONE = Law(
    grain=np.array([25.0]),
    mean=np.array([[45.0, 420.0, 150.0, 700.0, 150.0]]),
    trouble=np.array([[0.03, 0.025, 0.015]]),
    steady=np.array([20.0]),
)
NOT_YET = np.nan


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 5) seconds by stage and (n,) causes of as many orders of this law, made as its docstring says."""
    rng = np.random.default_rng(seed)
    cause = rng.choice(4, n, p=ONE.causes()[0])
    factor = 19.0 / rng.standard_gamma(20.0, n)
    shape = (ONE.mean + DELAY_S[cause]) / 25.0
    return FLOOR_S + 25.0 * factor[:, None] * rng.standard_gamma(shape), cause


SECONDS, CAUSE = drawn(400_000)


def near(found: np.ndarray, values: np.ndarray) -> None:
    """Quantiles of draws miss the law's by no more than four of their standard errors, in probability."""
    for level, quantile in zip(LEVELS, found[0], strict=True):
        error = np.sqrt(level * (1 - level) / len(values))
        assert abs(np.mean(values <= quantile) - level) < 4 * error + 0.002, level


def test_the_law_of_the_total_is_that_of_draws():
    total = SECONDS.sum(axis=1)
    near(ONE.total().quantiles(LEVELS), total)
    assert ONE.total().mean()[0] == pytest.approx(ONE.expected().sum()) == pytest.approx(total.mean(), rel=0.002)


@pytest.mark.parametrize("leg", LEGS)
def test_the_law_of_a_leg_is_that_of_draws(leg):
    near(ONE.total(LEGS[leg]).quantiles(LEVELS), SECONDS[:, LEGS[leg]].sum(axis=1))


def test_legs_of_an_order_go_slow_together():
    well = SECONDS[CAUSE == 0]
    legs = np.column_stack([well[:, stages].sum(axis=1) for stages in LEGS.values()])
    assert np.corrcoef(legs.T)[0, 1] > 0.3
    assert legs.sum(axis=1).var() > 1.2 * legs.var(axis=0).sum()


@pytest.mark.parametrize(
    ("done", "gone", "width"),
    [
        ((45.0, NOT_YET, NOT_YET, NOT_YET, NOT_YET), 0.0, 0.5),
        ((45.0, NOT_YET, NOT_YET, NOT_YET, NOT_YET), 700.0, 0.5),
        ((45.0, 540.0, 150.0, NOT_YET, NOT_YET), 900.0, 0.35),
        ((45.0, 540.0, 150.0, 700.0, NOT_YET), 250.0, 0.35),
    ],
    ids=["accepted", "cooking for long", "on the road for long", "at the door for long"],
)
def test_what_was_seen_changes_the_law_as_it_changes_the_draws(done, gone, width):
    done = np.array([done])
    stage = int((~np.isnan(done)).sum())
    alike = SECONDS[:, stage] > gone
    for seen, column in zip(done[0, :stage], SECONDS.T, strict=False):
        alike &= np.abs(np.log(column / seen)) < width
    [(rows, law)] = ONE.given(Progress(done, np.array([gone])))
    assert rows.tolist() == [0]
    left = SECONDS[alike, stage:].sum(axis=1)
    assert len(left) > 1500
    found = law.quantiles(LEVELS)[0] - done[0, :stage].sum()
    # Draws that were about as fast as what was seen stand for it: their mean pace is a little off.
    np.testing.assert_allclose(np.quantile(left, LEVELS), found, rtol=0.04)
    assert law.mean()[0] - done[0, :stage].sum() == pytest.approx(left.mean(), rel=0.02)


def test_before_anything_is_seen_it_is_the_law_of_the_total():
    [(_, law)] = ONE.given(Progress(np.full((1, 5), NOT_YET), np.zeros(1)))
    np.testing.assert_allclose(law.quantiles(LEVELS), ONE.total().quantiles(LEVELS), rtol=1e-6)


def test_a_slow_kitchen_makes_the_road_slow_and_a_very_slow_one_was_in_trouble():
    def left(cook: float) -> float:
        done = np.array([[45.0, cook, NOT_YET, NOT_YET, NOT_YET]])
        [(_, law)] = ONE.given(Progress(done, np.zeros(1)))
        return float(law.mean()[0] - np.nansum(done))

    assert left(300.0) < left(540.0) < left(800.0)
    # 30 minutes of cooking are better explained by an order forgotten than by one that goes three times as slow.
    assert left(1800.0) < left(800.0)


def test_a_kitchen_cannot_be_faster_than_its_floor():
    """That the first two minutes of cooking are over says nothing."""
    done = np.array([[45.0, NOT_YET, NOT_YET, NOT_YET, NOT_YET]])
    [(_, at_once)], [(_, later)] = (ONE.given(Progress(done, np.array([gone]))) for gone in (0.0, 120.0))
    np.testing.assert_allclose(at_once.quantiles(LEVELS), later.quantiles(LEVELS), rtol=1e-9)


def test_an_order_that_never_ends_still_has_a_law():
    done = np.array([[45.0, 540.0, 150.0, NOT_YET, NOT_YET]])
    [(_, day)], [(_, month)] = (ONE.given(Progress(done, np.array([gone]))) for gone in (86_400.0, 30 * 86_400.0))
    assert 86_400 < day.quantiles(np.array([0.5]))[0, 0] < day.mean()[0] < 2 * 86_400
    np.testing.assert_allclose(day.mean(), month.mean())


def test_orders_are_told_apart_by_what_was_seen_of_them():
    laws = Law.joined([ONE, ONE, ONE])
    elapsed = np.array([0.0, 300.0, 1500.0])
    progress = Progress.after(np.tile([[40.0, 500.0, 100.0, 800.0, 200.0]], (3, 1)), elapsed)
    np.testing.assert_array_equal(progress.done[2], [40.0, 500.0, 100.0, 800.0, NOT_YET])
    np.testing.assert_array_equal(progress.gone, [0.0, 260.0, 60.0])
    groups = laws.given(progress)
    assert [rows.tolist() for rows, _ in groups] == [[0, 2], [1]]
    assert all((law.mean() > elapsed[rows]).all() for rows, law in groups)


def test_a_delivered_order_has_no_law_left():
    with pytest.raises(DataError, match="was delivered; ask only for those with a stage unfinished"):
        ONE.given(Progress.after(SECONDS[:1], np.array([1e6])))
