import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.sample import START, measure

from sixfold.metrics.spec import auc, calibration
from sixfold.ranking.sampling import Downsample, KeepAll
from sixfold.report import wording
from sixfold.retrieval import Popular


def test_doctests():
    assert doctest.testmod(wording).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0001, "−0.00010"), (0.0068, "0.0068"), (1.0228, "1.02"), (428.4, "428"), (12345, "12 345"),
        (33, "33"), (float("nan"), "–"), (None, "–"), (float("inf"), "∞"), (-20.5, "−20.5"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert wording.number(value).replace(wording.THIN, " ") == text


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_printed_number_reads_back_within_half_of_its_last_place(value, places):
    text = wording.number(value, places=places).replace(wording.THIN, "").replace(wording.MINUS, "-")
    assert float(text) == pytest.approx(value, abs=0.5 * 10**-places * (1 + 1e-9), rel=1e-14)
    assert float(text) or not text.startswith("-")


def test_an_interval_has_the_decimals_of_its_value():
    assert wording.measured(measure(auc(), 0.0274, 0.0074)) == "0.0274 [0.0200, 0.0348]"
    assert wording.measured(measure(calibration(), 1.0228, 0.06)) == "1.02 [0.96, 1.08]"
    assert wording.measured(measure(auc(), 0.5, None)) == "0.500"


def test_a_column_shares_decimals_but_a_tiny_value_does_not_rule_it():
    assert wording.shared_places([measure(auc(), 0.146), measure(auc(), 0.0595)]) == 4
    assert wording.shared_places([measure(auc(), 421.0), measure(auc(), 0.0001)]) == 1
    assert wording.shared_places([]) == 0


def test_a_value_just_short_of_its_target_does_not_look_like_it():
    assert wording.places_apart(0.7499, [0.75]) == 4
    assert wording.places_apart(0.97 - 1e-15, [0.97, 1.03]) == 9


@pytest.mark.parametrize(("value", "text"), [(0.317, "32 %"), (0.021, "2.1 %"), (1.0, "100 %"), (float("nan"), "–")])
def test_shares(value, text):
    assert wording.share(value).replace(wording.THIN, " ") == text


def test_a_time_is_read_to_the_minute_or_the_day():
    assert wording.minute(START + 90_000_000) == "2024-01-01 00:01"
    assert wording.day(START) == "2024-01-01"


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_lists(names, text):
    assert wording.listed(names) == text


def test_sentences_start_with_a_capital_unless_the_word_has_its_own():
    assert [wording.sentence(x) for x in ("recall@10", "nDCG@10", "AUC of x", "")] == [
        "Recall@10",
        "nDCG@10",
        "AUC of x",
        "",
    ]


def test_specs_are_described_by_their_settings():
    assert wording.described(Downsample(0.1)) == "downsample (keep 0.1)"
    assert wording.described(KeepAll()) == "keep all"
    assert wording.described(Popular("3d")) == "popular (half life 3d)"
