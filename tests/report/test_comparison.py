import msgspec
from tests.report.reading import Page
from tests.report.sample import EVALUATION, NDCG, measure, plain

from sixfold.evaluation.results import Truth
from sixfold.report import comparison


def test_a_difference_counts_only_where_its_interval_leaves_out_zero():
    found = comparison.split({
        "worse": measure(NDCG, -0.02), "same": measure(NDCG, -0.01), "better": measure(NDCG, 0.02),
        "alone": measure(NDCG, 0.5, None),
    })  # fmt: skip
    assert found == comparison.Split(("worse",), ("same", "alone"), ("better",))


def test_a_loss_to_a_baseline_is_said_first():
    text = Page(comparison.findings(EVALUATION)).text
    assert text.startswith(
        "On nDCG@10 over slates, a baseline wins: forest is behind popularity, "
        "level with ease (the interval includes 0), ahead of linear."
    )
    assert "On AUC over impressions: forest is ahead of popularity and linear." in text
    assert "warn" in comparison.findings(EVALUATION)


def test_the_truth_says_who_leads_and_what_the_yardstick_has_wrong():
    text = Page(comparison.findings(EVALUATION)).text
    assert "linear leads, not forest; forest closes 32 % of the gap" in text
    assert text.endswith("nDCG@10 says the opposite of the truth about popularity and linear.")


def test_where_the_truth_agrees_nothing_is_added():
    truth = Truth({"popularity": 9.0, "ease": 1.0, "linear": 2.0, "forest": 3.0, "oracle": 10.0}, float("nan"))
    ahead = {"popularity": measure(NDCG, -0.02)}
    found = msgspec.structs.replace(EVALUATION, truth=truth, ahead=ahead)
    assert "opposite" not in comparison.findings(found)
    assert "popularity leads, not forest" in comparison.findings(found)


def test_a_win_raises_no_alarm():
    found = msgspec.structs.replace(plain(), ahead={"linear": measure(NDCG, 0.02)})
    assert "warn" not in comparison.findings(found)
    assert comparison.summary(found) == "forest ahead of 1 of 1 on nDCG@10"


def test_the_line_counts_losses_before_wins():
    assert comparison.summary(EVALUATION) == "forest behind 1 of 3 on nDCG@10"
    assert comparison.summary(msgspec.structs.replace(EVALUATION, ahead={})) == "forest, compared with none"


def test_figures_leave_out_what_is_not_there():
    full, bare = Page(comparison.figures(EVALUATION)), Page(comparison.figures(plain()))
    assert len(full.of("figure")) == 6 and len(bare.of("figure")) == 2
    assert "33 members without history" in full.text and "oracle" in full.text


def test_the_systems_that_are_surely_better_stand_out_among_differences():
    assert len(Page(comparison.figures(EVALUATION)).of("tr", "behind")) == 1
