import msgspec
from tests.report.reading import Page
from tests.report.sample import DESIGN, EVALUATION, plain, reviewed

from sixfold.report import learning
from sixfold.steps import Amount, outcome


def headings(found):
    text = learning.section(found)
    return [part.split("</h3>")[0] for part in text.split("<h3>")[1:]]


def test_the_recipe_is_written_out():
    text = Page(learning.section(reviewed())).text
    assert "ease (l2 " in text and "forest (trees 300" in text and "watch = probability of watch>=30" in text
    assert "Features (3) video.genre, position, rate(watch per shown, by=video, 3d)" in text
    assert "33 members have no history" in text


def test_an_amount_is_told_from_a_probability():
    held = msgspec.structs.replace(DESIGN.learning, heads={"seconds": Amount(outcome("watch"))})
    found = reviewed(msgspec.structs.replace(DESIGN, learning=held))
    assert "seconds = value of watch where it comes" in Page(learning.section(found)).text


def test_without_impressions_calibration_is_not_applicable_and_slices_are_left_out():
    assert len(headings(reviewed())) == 6 and len(headings(reviewed(evaluation=plain()))) == 5
    assert "Not applicable: without logged impressions" in Page(learning.section(reviewed(evaluation=plain()))).text


def test_what_was_not_measured_has_no_heading():
    bare = msgspec.structs.replace(plain(), importance={}, seconds={}, funnel=[])
    assert len(headings(reviewed(evaluation=bare))) == 3


def test_the_line_is_that_of_the_comparison():
    assert learning.summary(reviewed()) == "forest behind 1 of 3 on nDCG@10"
    assert EVALUATION.chosen == "forest"
