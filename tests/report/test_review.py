from tests.report.reading import Page
from tests.report.sample import AUC, DESIGN, EVALUATION, FINDINGS, measure, reviewed

from sixfold.report import review
from sixfold.report.review import Standing


def standing(status, path="metrics.offline[0]", verdict=None):
    return Standing(path, status, "", verdict)


def test_the_verdict_counts_each_status_and_leaves_assumptions_out():
    statuses = ["met"] * 7 + ["short", "not measured"]
    assert review.verdict_line([standing(s) for s in statuses]) == "7 of 9 requirements met, 1 short, 1 not measured"
    found = reviewed()
    assert len(found.requirements) == 8
    assert review.verdict_line(found.requirements) == "2 of 8 requirements met, 2 short, 4 not measured"


def test_what_only_a_service_meets_is_not_measured_until_a_verdict_says_so():
    assert reviewed().standing("requirements.p99_ms").status == "not measured"
    verdict = (AUC >= 0.5).judge(measure(AUC, 0.7).interval)
    found = review.review(DESIGN, EVALUATION, verdicts=[("requirements.p99_ms", verdict)], manifest=None, findings=())
    assert found.standing("requirements.p99_ms").status == "met"
    assert sum(one.path == "requirements.p99_ms" for one in found.standings) == 1


def test_what_is_not_measured_is_not_passed_off_as_met():
    verdict = (AUC >= 0.5).not_measured("needs load")
    found = review.review(DESIGN, EVALUATION, verdicts=[("scale.users", verdict)], manifest=None, findings=())
    assert (found.standing("scale.users").status, found.standing("scale.users").note) == ("not measured", "needs load")


def test_assumptions_are_confirmed_or_contradicted():
    assert "confirmed" in standing("met", "problem.assumes[0]").chip
    assert "contradicted" in standing("short", "problem.assumes[0]").chip
    assert "short" in standing("short").chip


def test_a_verdict_that_another_sample_could_turn_says_so_but_a_value_without_interval_does_not():
    measures = [measure(AUC, 0.7), measure(AUC, 0.501), measure(AUC, 0.7, None)]
    chips = [standing("met", verdict=(AUC >= 0.5).judge(each.interval)).chip for each in measures]
    assert ["crosses" in chip for chip in chips] == [False, True, False]


def test_findings_stand_at_their_step():
    found = reviewed()
    assert "too few of them" in review.findings_of(found, "scale")
    assert review.findings_of(found, "problem") == ""
    page = Page(review.findings_list(FINDINGS))
    assert len(page.of("li")) == 2 and len(page.of("span", "short")) == 1
