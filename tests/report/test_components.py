import msgspec
from tests.report.reading import Page
from tests.report.sample import DESIGN, EVALUATION, reviewed

from sixfold.report import components
from sixfold.steps import Components, Service


def with_ranking(ms):
    held = Components(ranking=Service(deadline_ms=ms, fallback="retrieval order"))
    return reviewed(msgspec.structs.replace(DESIGN, components=held))


def test_the_way_of_a_request_names_services_deadlines_and_fallbacks():
    page = Page(components.section(reviewed()))
    assert "request a member asks" in page.text and "candidates within 25 ms popular" in page.text
    assert "880 candidates" in page.text and "slate 20 × video" in page.text
    assert len(page.of("path", "dashed")) == 2 and len(page.of("rect", "box")) == 4
    assert (
        page.of("svg", "flow")[0]["aria-label"]
        == "The way of a request: request, then candidates, then ranking, then slate"
    )


def test_deadlines_follow_each_other_within_the_budget():
    bars = Page(components.section(reviewed())).of("rect", "bar")
    assert [(at["x"], at["width"]) for at in bars] == [("0.00%", "25.00%"), ("25.00%", "40.00%"), ("65.00%", "35.00%")]
    assert components.summary(reviewed()) == "65 of 100 ms in deadlines"


def test_deadlines_that_break_the_budget_say_so_and_stay_on_the_strip():
    page = Page(components.section(with_ranking(90)))
    assert "−15 ms" in page.text and "break the budget" in page.text
    ends = [float(at["x"].rstrip("%")) + float(at["width"].rstrip("%")) for at in page.of("rect", "bar")]
    assert max(ends) <= 100


def test_without_a_funnel_the_diagram_has_no_numbers():
    found = reviewed(evaluation=msgspec.structs.replace(EVALUATION, funnel=[]))
    assert "880" not in Page(components.section(found)).text
