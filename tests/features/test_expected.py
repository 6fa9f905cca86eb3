"""What a row alone tells of a time, and formulas of a request's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError
from sixfold.features import expected, table, words
from sixfold.features.decided import over
from sixfold.features.indexed import Frame, Occurrences
from sixfold.features.spec import Stream


class Nothing:
    memory = None


def rows(n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A number, a flag and a number that is often missing; the log of the time is a sum of what each says."""
    rng = np.random.default_rng(seed)
    x = np.stack([rng.uniform(0, 10, n), rng.integers(2, size=n), rng.uniform(0, 1, n)], axis=1)
    x[rng.uniform(size=n) < 0.3, 2] = np.nan
    return x.astype(np.float32), 6 + 0.1 * x[:, 0] + 0.5 * x[:, 1] + np.where(np.isnan(x[:, 2]), 1.0, 0.0)


def test_a_sum_of_effects_is_found():
    x, true = rows()
    found = expected.fit(x, np.exp(true + np.random.default_rng(1).normal(0, 0.3, len(true))))
    x, true = rows(seed=2)
    # A straight line in 16 steps of 0.06 is off by 0.02 in the mean.
    assert np.abs(found.logs(x) - true).mean() < 0.03
    assert len(found.borders[1]) == 1, "a flag has two values"


def test_a_row_is_the_same_alone_and_among_others():
    x, true = rows(500)
    found = expected.fit(x, np.exp(true))
    whole = found.logs(x)
    assert [found.logs(x[i : i + 1])[0] for i in range(len(x))] == whole.tolist()


def test_nothing_seen_expects_nothing():
    found = expected.fit(np.empty((0, 2), np.float32), np.empty(0))
    assert found == expected.NOTHING and found.logs(np.zeros((3, 2), np.float32)).tolist() == [0, 0, 0]


def test_events_over_what_was_expected():
    happened = Occurrences(
        np.array([1, 2, 3]), np.array([10.0, 20.0, np.nan]), {"store": np.array([4, 5, 6], np.int32)},
        np.array([7, 8, 9], np.uint64),
    )  # fmt: skip
    got = over(happened, np.array([np.log(5.0), np.nan, 0.0]))
    assert got.value.tolist() == pytest.approx([np.log(2.0)])
    assert (got.ts.tolist(), got.keys["store"].tolist(), got.decision.tolist()) == ([1], [4], [7])


def test_an_expression_of_a_request():
    feature = words.expression("waiting / (helpers + 1)")
    features = table.Fitted((feature,), {}, {}, {}, {}, {})
    assert features.columns == ("expression(waiting / (helpers + 1))",)
    assert features.contexts == ("waiting", "helpers") and features.numbers == {"waiting", "helpers"}
    asked = {"context.waiting": np.array([3.0, np.nan, 1.0]), "context.helpers": np.array([2.0, 0.0, -1.0])}
    got = features.matrix(Nothing(), Frame(np.zeros(3, np.int64), {}, asked, np.ones(3, np.int16)))
    np.testing.assert_array_equal(got[:, 0], np.array([1, np.nan, np.inf], np.float32))
    text = asked | {"context.helpers": np.array([1, 2, 3], np.uint64)}
    assert np.isnan(features.matrix(Nothing(), Frame(np.zeros(3, np.int64), {}, text, np.ones(3, np.int16)))).all()


@pytest.mark.parametrize("text", ["__import__('os')", "waiting.real", "1 + 1", "waiting +"])
def test_what_is_no_formula_is_refused_where_it_is_written(text):
    with pytest.raises(DesignError, match="formula"):
        words.expression(text)


def test_what_is_counted_is_no_ground_to_expect_anything():
    with pytest.raises(DesignError, match=r"expected\('done'\) is of 1 features; give one at least"):
        words.expected("done", words.count("done", window="1d"))
    with pytest.raises(DesignError, match="of 0 features"):
        words.expected("done")
    with pytest.raises(DesignError, match="both at least 5 and over what is expected"):
        Stream("done", 5, words.expected("done", words.hour()))
