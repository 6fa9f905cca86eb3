import doctest

from hypothesis import given
from hypothesis import strategies as st
from tests.report.reading import Page

from sixfold.report import markup
from sixfold.report.markup import Html, facts, figure, header_row, joined, tag


def test_doctests():
    assert doctest.testmod(markup).failed == 0


@given(st.text(), st.text())
def test_whatever_the_text_there_is_one_element_and_the_text_reads_back(text, title):
    page = Page(tag("p", text, at={"title": title}))
    assert [name for name, _ in page.elements] == ["p"]
    assert Page(tag("p", text.replace("\r", ""))).words in ([text.replace("\r", "")], [])


def test_markup_joined_with_a_string_is_escaped_again_rather_than_trusted():
    assert tag("p", tag("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"
    assert joined(tag("b", "x"), "<i>") == "<b>x</b>&lt;i&gt;"
    assert isinstance(joined(), Html)


def test_headers_name_their_columns():
    page = Page(header_row("a", "b", right=("b",)))
    assert page.of("th") == [{"scope": "col"}, {"class": "n", "scope": "col"}]


def test_a_figure_scrolls_by_keyboard_and_says_what_it_is():
    (scroller,) = Page(figure("Prices", tag("table"))).of("div", "scroll")
    assert scroller["tabindex"] == "0" and scroller["aria-label"] == "Prices"


def test_facts_are_pairs():
    assert Page(facts([("a", "1"), ("b", "2")])).text == "a 1 b 2"
