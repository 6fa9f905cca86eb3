import msgspec
import pytest
from tests.report.reading import Page
from tests.report.sample import DESIGN, measure, plain, reviewed

from sixfold.metrics.spec import auc, calibration
from sixfold.report import targets
from sixfold.steps import Metrics


def test_each_target_has_its_value_interval_and_verdict():
    text = Page(targets.section(reviewed())).text
    assert "AUC met at least 0.7 0.735 [0.725, 0.745]" in text
    assert "nDCG@10 short at least 0.3 0.0120 [0.0020, 0.0220]" in text
    assert "Calibration met interval crosses the target 0.97 to 1.03 1.02 [0.97, 1.07]" in text
    assert "Coverage of video short at least 0.2 0.0600" in text


def test_without_impressions_what_needs_them_is_not_applicable():
    found = reviewed(evaluation=plain())
    text = Page(targets.section(found)).text
    assert "AUC not applicable the log has no impressions" in text
    assert targets.summary(found) == "0 of 4 met, 2 short, 2 not applicable"


def test_a_design_without_targets_says_so():
    found = reviewed(msgspec.structs.replace(DESIGN, metrics=Metrics()))
    assert "sets no targets" in Page(targets.section(found)).text
    assert targets.summary(found) == "no targets"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (auc() >= 0.75, "at least 0.75"), (auc() <= 0.5, "at most 0.5"), (auc().about(0.02), "about 0.02"),
        (calibration().within(0.97, 1.03), "0.97 to 1.03"),
    ],
)  # fmt: skip
def test_targets_in_words(target, text):
    assert targets.wanted_of(target) == text


def test_a_value_that_is_short_by_little_shows_by_how_much():
    text = Page(targets.figures((auc() >= 0.75).judge(measure(auc(), 0.7499, 0.02).interval))).text
    assert text == "0.7499 [0.7299, 0.7699]"
