import pytest
from tests.report.reading import Page
from tests.report.sample import reviewed

from sixfold.report import spans


def test_a_release_shows_its_spans_to_scale():
    page = Page(spans.section(reviewed()))
    assert [at["x"] for at in page.of("rect")] == ["0.00%", "50.00%", "70.00%", "86.67%"]
    assert "2024-01-01 00:00 to 2024-01-16 00:00" in page.text and "1 500" in page.text


def test_without_a_release_the_shares_of_the_design_stand_for_it():
    page = Page(spans.section(reviewed(manifest=None)))
    widths = [float(at["width"].rstrip("%")) for at in page.of("rect")]
    assert widths == pytest.approx([50, 20, 15, 15])
    assert "20 % of the events" in page.text
