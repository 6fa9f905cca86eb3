"""The first release must beat popularity; a later one must not lose to the champion, nor to both."""

from __future__ import annotations

import pytest

from sixfold.evaluation.gate import gate
from sixfold.evaluation.results import Evaluation, Measure
from sixfold.language import auc, ndcg


def ahead(value: float | None, low: float | None, high: float | None, *, metric=None) -> Measure:
    return Measure(metric or auc(), value, low, high, 100, 50)


def evaluation(*, shown=None, slates=None, explored=None) -> Evaluation:
    return Evaluation(
        chosen="forest", systems={}, yardstick="nDCG@10", ahead=slates or {}, slices={}, cold={}, bins={}, funnel=[],
        importance={}, counts={}, notes=[], seconds={}, ahead_shown=shown or {},
        ahead_explored=explored or {},
    )  # fmt: skip


WON, EVEN, LOST = (0.1, 0.05, 0.2), (0.01, -0.02, 0.04), (-0.1, -0.2, -0.05)


@pytest.mark.parametrize(
    ("popularity", "champion", "passed"),
    [
        (WON, None, True),
        (EVEN, None, False),
        (LOST, None, False),
        (WON, WON, True),
        (WON, EVEN, True),
        (WON, LOST, False),
        (EVEN, EVEN, True),
        (EVEN, LOST, False),
        (LOST, EVEN, False),
        (LOST, WON, True),
    ],
)
def test_the_gate(popularity, champion, passed):
    given = {"popularity": ahead(*popularity)} | ({"champion": ahead(*champion)} if champion else {})
    for found in (evaluation(shown=given), evaluation(slates=given)):
        decision = gate(found)
        assert decision.passed == passed
        assert len(decision.reasons) == len(given)
        assert any(reason.startswith("failed: ") for reason in decision.reasons) != passed


def test_reasons_say_by_how_much():
    (reason,) = gate(evaluation(shown={"popularity": ahead(*LOST)})).reasons
    assert reason == "failed: behind popularity by 0.1000 AUC [-0.2000, -0.0500]"


def test_impressions_count_before_slates():
    both = evaluation(shown={"popularity": ahead(*WON)}, slates={"popularity": ahead(*LOST, metric=ndcg(at=10))})
    assert gate(both).passed


def test_what_was_left_to_chance_counts_before_what_was_chosen():
    """The champion's own choices may say what they will."""
    lost, won = {"champion": ahead(*LOST)}, {"champion": ahead(*WON)}
    assert gate(evaluation(shown=lost, explored=won)).passed
    decision = gate(evaluation(shown=won, explored=lost))
    assert decision.reasons == (
        "failed: behind champion by 0.1000 AUC over 100 explored impressions [-0.2000, -0.0500]",
    )
    assert not decision.passed
    assert not gate(evaluation(shown=lost, explored={"champion": ahead(None, None, None)})).passed


def test_where_impressions_say_nothing_slates_do():
    """A test of one class only has no AUC."""
    undefined = {"popularity": ahead(None, None, None)}
    assert not gate(evaluation(shown=undefined, slates={"popularity": ahead(*LOST, metric=ndcg(at=10))})).passed


def test_an_interval_that_is_not_known_wins_nothing():
    assert not gate(evaluation(shown={"popularity": ahead(0.5, None, None)})).passed


def test_nothing_to_compare_with():
    assert gate(evaluation()) == gate(evaluation(shown={"linear": ahead(*LOST)}))
    assert gate(evaluation()).reasons == ("passed: there was nothing to compare with",)
