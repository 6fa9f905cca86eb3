from tests.report.reading import Page
from tests.report.sample import EVALUATION

from sixfold.report import shares


def test_the_funnel_shows_candidates_and_recall():
    page = Page(shares.funnel(EVALUATION.funnel))
    assert "all sources, filtered all sources, filtered: 880 candidates 880" in page.text
    assert [at["width"] for at in page.of("rect")][1::2] == ["20.00%", "40.00%", "10.00%"]
    assert shares.funnel([]) == ""


def test_importance_names_the_first_and_sums_the_rest():
    page = Page(shares.importance(EVALUATION.importance, "watch"))
    assert len(page.of("rect")) == shares.TOP + 1
    assert "6 others together" in page.text and "15 %" in page.text
    assert "position is 1 for every candidate" in page.text


def test_importance_is_a_share_of_its_sum():
    text = Page(shares.importance({"a": 3.0, "b": 1.0}, "watch")).text
    assert "75 %" in text and "others" not in text and "position" not in text
    assert shares.importance({}, "watch") == ""
    assert shares.importance({"a": 0.0}, "watch") == ""


def test_time_goes_from_the_longest_with_its_sum():
    text = Page(shares.seconds({"a": 1.0, "b": 26.0})).text
    assert "Where the 27.0 s" in text and text.index("b: 26.0 s") < text.index("a: 1.0 s")
    assert shares.seconds({}) == ""
