import pytest
from tests.designs import WATCHED, edited

from sixfold.language import ALS, EASE, Amount, Happens, Popular, Split, mean, outcome, positive_rate, rate, recall
from sixfold.lint import lint


@pytest.mark.parametrize(
    ("value", "part"),
    [("watch * second", "did you mean 'seconds'"), ("1 + 1", "uses no column"), ("watch *", "cannot be read"),
     ("__import__('os')", "__import__")],
)  # fmt: skip
def test_a_formula_is_of_the_heads(value, part):
    (finding,) = lint(edited("learning", value=value))
    assert (finding.level, finding.path) == ("error", "learning.value")
    assert part in finding.message


LIKED = {"watch": Happens(WATCHED), "like": Happens(outcome("like"))}


@pytest.mark.parametrize("guardrail", [rate("watch") >= 0.01, mean("watch") >= 5, positive_rate() >= 0.01])
def test_a_guardrail_on_the_label_allows_other_heads(guardrail):
    design = edited("learning", heads=LIKED, value="watch + like")
    assert [finding.path for finding in lint(design)] == ["metrics.guardrails"]
    assert lint(edited("metrics", of=design, guardrails=(guardrail,))) == []
    elsewhere = edited("metrics", of=design, guardrails=(rate("like") >= 0.01,))
    assert [finding.path for finding in lint(elsewhere)] == ["metrics.guardrails"]


def test_a_head_of_the_labels_own_amount_needs_none():
    assert lint(edited("learning", heads={"watch": Happens(WATCHED), "s": Amount(WATCHED)}, value="watch * s")) == []


def test_a_head_that_the_formula_leaves_out_needs_none():
    assert lint(edited("learning", heads=LIKED, value="watch")) == []


def test_one_retriever_fills_a_slate():
    design = edited("metrics", of=edited("learning", candidates=19), offline=(recall(at=10) >= 0.1,))
    (finding,) = lint(design)
    assert (finding.level, finding.path) == ("error", "learning.candidates")
    assert "19" in finding.message and "20" in finding.message


def test_quotas_can_be_filled():
    (finding,) = lint(edited("scale", items=299))
    assert (finding.level, finding.path) == ("warning", "learning.candidates")
    (finding,) = lint(edited("learning", retrievers=(Popular(), ALS(8), EASE(items=299))))
    assert (finding.level, finding.path) == ("warning", "learning.retrievers[2]")


def test_a_part_of_time_is_no_sliver():
    assert lint(edited("learning", split=Split(retrievers=5, ranker=3, calibration=1, test=1))) == []
    found = lint(edited("learning", split=Split(retrievers=0.9, ranker=0.04, calibration=0.03, test=0.06)))
    assert [finding.path for finding in found] == ["learning.split.ranker", "learning.split.calibration"]
    assert {finding.level for finding in found} == {"warning"}
    assert "3.9 %" in found[0].message
