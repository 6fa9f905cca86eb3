import math

import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.metrics import binary
from sixfold.metrics.interval import interval, paired, sliced
from sixfold.metrics.kernel import mean, value


def width(found):
    return found.high - found.low


def clicks(rng, rows=4000):
    predicted = rng.beta(2, 8, rows)
    return (rng.random(rows) < predicted).astype(float), predicted


def test_it_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    covered = []
    for _ in range(400):
        values = rng.exponential(size=200)
        found = interval(mean.of(values), cluster=np.arange(200), rng=rng, level=0.9)
        covered.append(found.low <= 1 <= found.high)
    # Standard error 0.015 around a true coverage slightly under 0.9.
    assert 0.85 <= np.mean(covered) <= 0.93


def test_its_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(0).normal(size=3000)
    found = interval(mean.of(values), cluster=np.arange(3000), rng=np.random.default_rng(1), replicates=4000)
    assert width(found) == pytest.approx(2 * 1.96 * values.std() / math.sqrt(3000), rel=0.05)


def test_auc_interval_is_that_of_hanley_and_mcneil():
    rng = np.random.default_rng(3)
    label = np.repeat([1.0, 0.0], [400, 800])
    predicted = rng.exponential(1 + label)  # the distribution for which their formula is exact
    found = interval(binary.auc.of(label, predicted), cluster=np.arange(1200), rng=rng, replicates=1000)
    area = 2 / 3
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + 399 * (one - area**2) + 799 * (two - area**2)) / (400 * 800)
    assert width(found) == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.1)


def test_rows_alike_within_a_cluster_widen_it():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=100), 20) + 0.1 * rng.normal(size=2000)
    member = np.repeat(np.arange(100), 20)
    clustered = interval(mean.of(values), cluster=member, rng=np.random.default_rng(1))
    naive = interval(mean.of(values), cluster=np.arange(2000), rng=np.random.default_rng(1))
    # 20 almost equal rows are worth one: the true ratio is about the square root of 20.
    assert width(clustered) > 3 * width(naive)
    assert (clustered.clusters, naive.clusters) == (100, 2000)


def test_the_name_of_a_cluster_does_not_matter():
    label, predicted = clicks(np.random.default_rng(0))
    member = np.arange(4000) % 70
    by_number = interval(binary.auc.of(label, predicted), cluster=member, rng=np.random.default_rng(1))
    names = np.char.add("m", np.char.zfill(member.astype(str), 3))
    assert interval(binary.auc.of(label, predicted), cluster=names, rng=np.random.default_rng(1)) == by_number


def test_a_paired_interval_is_much_narrower_than_two_separate_ones():
    rng = np.random.default_rng(0)
    label, a = clicks(rng)
    b = np.clip(a + 0.01 * rng.normal(size=len(a)), 0, 1)
    member = np.arange(len(a)) % 500
    of_a, of_b = binary.auc.of(label, a), binary.auc.of(label, b)
    difference = paired(of_a, of_b, cluster=member, rng=rng)
    separate = [interval(each, cluster=member, rng=rng) for each in (of_a, of_b)]
    assert width(difference) < 0.5 * math.hypot(*map(width, separate))
    assert difference.value == value(of_a) - value(of_b)
    assert difference.low <= difference.value <= difference.high


def test_a_metric_against_itself_differs_by_exactly_nothing():
    label, predicted = clicks(np.random.default_rng(0), rows=200)
    same = binary.normalised_entropy.of(label, predicted)
    found = paired(same, same, cluster=np.arange(200), rng=np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_rows_that_do_not_count_change_nothing():
    values = np.random.default_rng(0).normal(size=100)
    member = np.arange(100) % 10
    alone = interval(mean.of(values), cluster=member, rng=np.random.default_rng(1))
    more = np.concatenate([values, np.full(50, np.nan)])
    padded = interval(mean.of(more), cluster=np.concatenate([member, np.arange(50)]), rng=np.random.default_rng(1))
    assert padded == alone
    assert (padded.n, padded.clusters) == (100, 10)


def test_a_pair_counts_the_rows_of_either():
    a, b = mean.of([1.0, 2.0, np.nan, 4.0]), mean.of([np.nan, 2.0, 3.0, 4.0])
    found = paired(a, b, cluster=[1, 2, 3, 3], rng=np.random.default_rng(0))
    assert (found.n, found.clusters) == (4, 3)


def test_one_cluster_has_a_value_but_no_interval():
    found = interval(mean.of([1.0, 3.0]), cluster=[5, 5], rng=np.random.default_rng(0))
    assert found.value == 2.0
    assert math.isnan(found.low) and math.isnan(found.high)


def test_an_undefined_metric_has_an_undefined_interval():
    found = interval(binary.auc.of([1, 1], [0.1, 0.2]), cluster=[1, 2], rng=np.random.default_rng(0))
    assert all(map(math.isnan, (found.value, found.low, found.high)))


def test_replicates_in_which_the_metric_is_undefined_are_left_out():
    label = np.array([1] + [0] * 9)  # a third of the replicates has no positive
    found = interval(binary.auc.of(label, np.arange(10)[::-1]), cluster=np.arange(10), rng=np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_same_seed_same_interval():
    label, predicted = clicks(np.random.default_rng(0), rows=300)
    one, two, three = (
        interval(binary.log_loss.of(label, predicted), cluster=np.arange(300), rng=np.random.default_rng(seed))
        for seed in (4, 4, 5)
    )
    assert one == two != three


def test_a_slice_is_the_metric_of_its_rows():
    label, predicted = clicks(np.random.default_rng(0))
    country = np.array(["de", "at", "ch", "de"] * 1000)
    found = sliced(
        lambda rows: binary.auc.of(label[rows], predicted[rows]),
        country,
        cluster=np.arange(4000),
        rng=np.random.default_rng(1),
        replicates=20,
    )
    assert list(found) == ["at", "ch", "de"]
    for name, own in found.items():
        assert own.value == binary.auc(label[country == name], predicted[country == name])
        assert own.n == (country == name).sum()
        assert own.low < own.value < own.high


def test_no_rows_have_no_slices():
    rng, empty = np.random.default_rng(0), np.empty(0)
    assert sliced(lambda rows: mean.of(empty[rows]), empty, cluster=empty, rng=rng) == {}


def test_lengths_that_differ_are_named():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="cluster has shape"):
        interval(mean.of([1.0, 2.0]), cluster=[1], rng=rng)
    with pytest.raises(DataError, match="a has 2 rows and b has 1"):
        paired(mean.of([1.0, 2.0]), mean.of([1.0]), cluster=[1, 2], rng=rng)
