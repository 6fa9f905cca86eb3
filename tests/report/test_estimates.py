"""The page of a release that decides an estimate: what it has, what it leaves out, and pictures that say what is so."""

from __future__ import annotations

import doctest
import re

import msgspec
import pytest
from tests.report.reading import Page
from tests.report.times import ANSWER, DESIGN, EVALUATION, MANIFEST, PICTURE, reviewed

from sixfold.evaluation.check import check
from sixfold.evaluation.results import Cell, Map
from sixfold.report import answers, comparison, costs, learning, levels, page, places, plot, spans, tail


def render(evaluation=EVALUATION, manifest=MANIFEST):
    verdicts = check(DESIGN, evaluation)
    return page.render(DESIGN, evaluation, verdicts=verdicts, manifest=manifest, answers=(ANSWER,))


@pytest.mark.parametrize("module", [places, plot])
def test_doctests(module):
    found = doctest.testmod(module)
    assert found.failed == 0 and found.attempted > 0


def test_the_page_has_five_steps_and_nothing_of_slates():
    text = render()
    read = Page(text)
    assert re.findall(r'<h2 id="(\w+)">', text) == [
        "problem",
        "metrics",
        "requirements",
        "learning",
        "scale",
        "findings",
    ]
    assert len(read.of("a")) == 5 and len(read.ids) == len(set(read.ids))
    assert not {"slate", "funnel", "candidates", "retriever", "retrievers"} & set(re.findall(r"\w+", read.text.lower()))
    assert "://" not in text and len(text.encode()) < 200_000


def test_every_picture_has_its_question():
    heads = [part.split("</h3>")[0] for part in learning.section(reviewed()).split("<h3>")[1:]]
    assert heads == [
        "How it is trained", "Is it better than its baselines?", "Is the mean right?", "Do quantiles hold what they say?",
        "Where is it wrong?", "Who waits longest?", "What is a promise worth?",
        "What does it go by, and what did it cost?", "What else was tried?",
    ]  # fmt: skip


def test_an_older_release_without_pictures_is_still_drawn():
    bare = msgspec.structs.replace(EVALUATION, picture=None, bins={})
    assert "Where is it wrong?" not in render(bare) and "Is it better" in render(bare)
    nowhere = msgspec.structs.replace(EVALUATION, picture=msgspec.structs.replace(PICTURE, map=None))
    assert "Where is it wrong?" not in render(nowhere) and "Who waits longest?" in render(nowhere)


def test_pictures_survive_the_release():
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(EVALUATION)), type(EVALUATION))
    assert again == EVALUATION and render(again) == render()


def test_time_is_cut_in_three():
    assert [at["width"] for at in Page(spans.section(reviewed())).of("rect")] == ["70.00%", "16.67%", "13.33%"]
    assert "cut in three" in Page(spans.section(reviewed(manifest=None))).text


def test_the_truth_is_no_rival():
    text = Page(comparison.findings(EVALUATION)).text
    assert text.startswith("On MAE over estimates: quantiles is ahead of mean of all.") and "warn" not in text
    assert "who knows each distribution itself has 1.00 minutes less MAE" in text
    assert comparison.summary(EVALUATION) == "quantiles ahead of 1 of 1 on MAE"


def test_quantiles_say_which_one_is_off():
    assert levels.said(PICTURE.levels) == (
        "90\u202f% of the rows lie between the outermost quantiles, where 90\u202f% should. 1 of 3 quantiles are off by more "
        "than their interval; most so the one of 50\u202f%, which is too short: 42\u202f% of the rows are below it."
    )
    right = [PICTURE.levels[0], PICTURE.levels[2]]
    assert levels.said(right).endswith("No quantile is off by more than its interval.")
    drawn = Page(levels.section(PICTURE.levels))
    assert len(drawn.of("circle")) == len(drawn.of("line", "span")) == 3


def test_the_map_colours_what_is_sure_and_sizes_by_rows():
    found = Page(places.section(PICTURE.map))
    squares = [at for at in found.of("rect", "place") if "fill" not in at and float(at["width"]) != 13]
    kinds = [at["class"].split()[1] for at in squares]
    assert kinds == ["short4", "long2", "level", "level"]
    assert float(squares[0]["width"]) == pytest.approx(2 * float(squares[1]["width"]))
    assert "2 of 3 squares are off by more than their 95 % interval, where chance alone gives about 0" in found.text
    assert "most is lost in the north-west: −4.0 ± 1.0 minutes over 100 rows" in found.text
    assert "12 rows lie beyond the map" in found.text


def test_a_map_without_a_place_or_a_sure_square_is_drawn_all_the_same():
    assert places.section(Map("drop", 0, [], 5)) == ""
    one = Map("drop", 12, [Cell(0, 0, 3, 0.5, 2.0)], 0)
    assert "0 of 1 squares" in places.said(one) and len(Page(places.section(one)).of("rect", "level")) == 2


def test_the_tail_says_what_the_promise_does_for_it():
    said = tail.said(PICTURE.tail, DESIGN.estimate)
    assert (
        "it would be 9.0 minutes late in the mean; as late minutes cost 3 times early ones, it is 3.0 minutes" in said
    )
    assert "all others come 5.0 minutes early" in said
    assert len(Page(tail.section(PICTURE.tail, DESIGN.estimate)).of("tr")) == 11
    assert "75 % 3 : 1 8.00 11.00 5.00" in Page(tail.section(PICTURE.tail, DESIGN.estimate, PICTURE.told)).text


def test_the_cost_curve_marks_the_designs_own_price():
    found = Page(costs.section(PICTURE.costs))
    assert "With a late minute at 3 times the price of an early one, 25 % come late" in found.text
    assert "At 9 times, the mean promise is 8.0 minutes longer" in found.text
    (own,) = found.of("line", "own")
    larger = [at for at in found.of("circle") if at["r"] == "6"]
    assert larger[0]["cx"] == own["x1"] == own["x2"] and len(larger) == 2
    assert len(found.of("tr", "chosen")) == 1


def test_an_answer_is_shown_with_what_it_was_asked_of():
    found = Page(answers.section([ANSWER], "ab" * 32))
    assert "How should latitude and longitude enter? Recommended: 'distance'" in found.text
    assert (
        "On the test part it has 0.02 [-0.08, 0.12] minutes more MAE than the design as it is, which is no more"
        in found.text
    )
    assert "'sixfold ask geo' asks again" in found.text
    assert "asks again" not in Page(answers.section([ANSWER], ANSWER.digest)).text
    assert (
        len(found.of("tr", "chosen")) == 1 and "distance recommended" in found.text and "all as designed" in found.text
    )
