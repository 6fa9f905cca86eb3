import re

from tests.report.reading import Page
from tests.report.sample import AUC, EVALUATION, NDCG

from sixfold.report import systems


def test_key_metrics_are_columns_impressions_first():
    page = Page(systems.overview(EVALUATION))
    assert [at["colspan"] for at in page.of("th", "group")] == ["2", "3"]
    names = re.findall(r'<th scope="col">([^<]*)</th>', systems.overview(EVALUATION))
    assert names == ["AUC", "Calibration", "nDCG@10", "Recall@300", "Coverage of video"]


def test_a_metric_that_is_asked_for_is_a_column_too():
    assert "Positive rate" not in systems.overview(EVALUATION)
    assert "Positive rate" in systems.overview(EVALUATION, also={"positive rate"})


def test_the_best_of_each_metric_is_bold_also_where_a_baseline_wins():
    bold = re.findall(r"<b>([^<]*)</b>", systems.overview(EVALUATION))
    assert sorted(bold) == sorted(["0.735", "1.00", "0.0300", "0.300", "0.3000"])


def test_the_released_system_stands_out():
    page = Page(systems.overview(EVALUATION, roles={"ease": "retriever alone"}))
    assert len(page.of("tr", "chosen")) == 1
    assert "forest released" in page.text and "ease retriever alone" in page.text


def test_a_metric_that_a_system_has_not_is_a_dash():
    page = Page(systems.overview(EVALUATION))
    assert len(page.of("td", "none")) == 3  # ease has neither AUC nor calibration, popularity has no calibration


def test_everything_has_every_metric_and_system():
    text = Page(systems.everything(EVALUATION)).text
    assert all(name in text for name in EVALUATION.systems)
    assert {"positive rate", str(AUC), str(NDCG)} <= set(systems.every(EVALUATION))
    assert "Positive rate" in text and "AUC higher is better" in text


def test_the_fragment_for_notebooks_stands_alone():
    text = systems.table(EVALUATION)
    page = Page(text)
    assert page.elements[0] == ("div", {"class": "sixfold"}) and len(page.of("style")) == 1
    assert isinstance(text, str) and not page.ids and "http" not in text
    rules = re.findall(r"([^{}@]+)\{", re.sub(r"@media[^{]*\{", "", systems.base_style()))
    assert all(part.strip().startswith(".sixfold") for rule in rules for part in rule.split(","))
