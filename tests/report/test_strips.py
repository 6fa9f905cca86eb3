from tests.report.reading import Page

from sixfold.report import strips
from sixfold.report.axis import Axis


def test_a_strip_says_in_words_what_it_shows():
    page = Page(strips.strip("a: 3", strips.block(25, 75)))
    (svg,) = page.of("svg")
    assert (svg["role"], svg["aria-label"], page.text) == ("img", "a: 3", "a: 3")
    assert page.of("rect")[0] | {"x": "25.00%", "width": "50.00%"} == page.of("rect")[0]


def test_a_value_lies_on_its_interval():
    page = Page(strips.span(Axis(0, 10), 5, 2, 9))
    assert (page.of("line")[0]["x1"], page.of("circle")[0]["cx"], page.of("line")[0]["x2"]) == (
        "20.00%",
        "50.00%",
        "90.00%",
    )


def test_without_an_interval_only_the_value_is_drawn_and_without_a_value_nothing():
    page = Page(strips.span(Axis(0, 10), 5, None, None))
    assert not page.of("line") and page.of("circle")
    assert strips.span(Axis(0, 10), None, None, None) == ""


def test_a_block_is_never_negative():
    assert Page(strips.block(80, 60)).of("rect")[0]["width"] == "0.00%"


def test_neighbouring_ticks_read_apart():
    assert Page(strips.scale(Axis(0.97, 1.03))).text == "0.98 1.00 1.02"
    assert Page(strips.scale(Axis(0, 400))).text == "0 100 200 300 400"
