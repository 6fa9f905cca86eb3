import msgspec
from tests.report.reading import Page
from tests.report.sample import DESIGN, reviewed

from sixfold.report import problem


def test_assumptions_stand_beside_what_the_data_says():
    text = Page(problem.section(reviewed())).text
    assert "one in fifty is watched confirmed" in text
    assert "the order is easy contradicted AUC >= 0.90 0.735 [0.725, 0.745]" in text
    assert "members come back assumed" in text


def test_every_row_has_every_column():
    page = Page(problem.section(reviewed()))
    assert len(page.of("td")) == 4 * 3


def test_the_decision_is_spelled_out():
    text = Page(problem.section(reviewed())).text
    assert "a ranked slate of 20 items of type video" in text and "after 7 days" in text


def test_the_line_counts_what_was_contradicted():
    assert problem.summary(reviewed()) == "1 of 3 assumptions contradicted"
    bare = msgspec.structs.replace(DESIGN.problem, assumes=())
    found = reviewed(msgspec.structs.replace(DESIGN, problem=bare))
    assert problem.summary(found) == "no assumptions"
    assert "names no assumptions" in Page(problem.section(found)).text
