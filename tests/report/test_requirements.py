from tests.report.reading import Page
from tests.report.sample import AUC, DESIGN, EVALUATION, measure, reviewed

from sixfold.report import requirements
from sixfold.report.review import review


def test_each_requirement_is_named_with_its_unit():
    text = Page(requirements.section(reviewed())).text
    assert "100 ms not measured sixfold check --load measures it" in text
    assert "at most 43.2 minutes a month down 99.9 %" in text
    assert "watch>=30" in text and "UTC" in text


def test_a_measured_one_shows_its_value():
    verdict = (AUC <= 100).judge(measure(AUC, 63.0, 2.0).interval)
    found = review(DESIGN, EVALUATION, verdicts=[("requirements.p99_ms", verdict)], manifest=None, findings=())
    assert "100 ms met 63.0 [61.0, 65.0]" in Page(requirements.section(found)).text


def test_the_line_is_what_a_service_must_hold():
    assert requirements.summary(reviewed()) == "p99 100 ms at 100 requests/s"
