import pytest
from tests.report.reading import Page
from tests.report.sample import AUC, measure

from sixfold.metrics.spec import auc
from sixfold.report import charts


def test_intervals_have_a_row_each_with_the_numbers_beside():
    rows = [charts.Row("a", measure(AUC, 0.7)), charts.Row("b", measure(AUC, 0.8), "chosen")]
    page = Page(charts.intervals("AUC by system", rows, unit="AUC", reference=0.5))
    assert len(page.of("circle")) == 2 and len(page.of("line", "mark")) == 2 and len(page.of("tr", "chosen")) == 1
    assert "0.700 [0.690, 0.710]" in page.text
    assert all(at.get("scope") in ("row", "col") for at in page.of("th"))


def test_the_longest_bar_takes_all_the_room():
    page = Page(charts.bars("Time", ("Stage", "", "Time"), [("a", 1.0, "1 s"), ("b", 4.0, "4 s")]))
    assert [at["width"] for at in page.of("rect")] == ["25.00%", "100.00%"]


def test_bars_of_nothing_are_empty():
    assert Page(charts.bars("Time", ("Stage", "", "Time"), [("a", 0.0, "0 s")])).of("rect")[0]["width"] == "0.00%"


@pytest.mark.parametrize(
    ("target", "starts", "ends"),
    [
        (auc() >= 0.5, False, True),
        (auc() <= 0.5, True, False),
        (auc().within(0.4, 0.6), False, False),
        (auc().about(0.5), False, False),
    ],
)
def test_the_shaded_range_is_open_where_the_target_is(target, starts, ends):
    (band,) = Page(charts.against(target.judge(measure(auc(), 0.5, 0.2).interval))).of("rect", "band")
    start, width = (float(band[key].rstrip("%")) for key in ("x", "width"))
    assert (start == 0, start + width == pytest.approx(100)) == (starts, ends)


def test_nothing_is_drawn_where_nothing_was_measured():
    assert charts.against((auc() >= 0.5).not_measured("why")) == ""
