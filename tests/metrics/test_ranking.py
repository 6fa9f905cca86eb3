from collections import defaultdict

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.metrics import ranking
from sixfold.metrics.kernel import mean

law = settings(max_examples=60, deadline=None)
PLACES, ITEMS = 6, 9
slate = st.permutations(range(ITEMS)).flatmap(
    lambda items: st.integers(0, PLACES).map(lambda shown: [*items[:shown], *[-1] * (PLACES - shown)])
)
gains_by_item = st.dictionaries(st.integers(0, ITEMS + 2), st.integers(0, 4), max_size=8)


def judged_of(slates, relevant):
    triples = [(row, item, gain) for row, own in enumerate(relevant) for item, gain in own.items()]
    request, item, gain = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    return ranking.judge(np.array(slates, dtype=np.int32), request=request, item=item, gain=gain)


def trec(measure, slates, relevant):
    """The value of each request by ir-measures, NaN where nothing is relevant."""
    qrels = {str(row): {str(item): gain for item, gain in own.items()} for row, own in enumerate(relevant)}
    run = {
        str(row): {str(item): float(-place) for place, item in enumerate(own) if item >= 0}
        for row, own in enumerate(slates)
    }
    found = defaultdict(float)  # ir-measures leaves out a request with an empty slate
    found.update({value.query_id: value.value for value in ir_measures.iter_calc([measure], qrels, run)})
    return [found[str(row)] if any(own.values()) else np.nan for row, own in enumerate(relevant)]


@law
@given(st.lists(st.tuples(slate, gains_by_item), min_size=1, max_size=5), st.integers(1, PLACES))
def test_every_metric_equals_ir_measures(requests, at):
    slates, relevant = zip(*requests, strict=True)
    judged = judged_of(slates, relevant)
    for ours, theirs in (
        (ranking.ndcg, ir_measures.nDCG @ at),
        (ranking.average_precision, ir_measures.AP @ at),
        (ranking.reciprocal_rank, ir_measures.RR @ at),
        (ranking.recall, ir_measures.R @ at),
        (ranking.precision, ir_measures.P @ at),
        (ranking.hit_rate, ir_measures.Success @ at),
    ):
        np.testing.assert_allclose(ours(judged, at=at), trec(theirs, slates, relevant), atol=1e-9, err_msg=str(theirs))


@law
@given(slate, gains_by_item, st.integers(1, PLACES))
def test_exponential_gain_equals_its_definition(items, gains, at):
    judged = judged_of([items], [gains])
    worth = sorted((2**gain - 1 for gain in gains.values()), reverse=True)
    got = sum((2 ** gains.get(item, 0) - 1) / np.log2(2 + place) for place, item in enumerate(items[:at]))
    best = sum(gain / np.log2(2 + place) for place, gain in enumerate(worth[:at]))
    expected = got / best if best else np.nan
    np.testing.assert_allclose(ranking.ndcg(judged, at=at, gain="exponential"), [expected], atol=1e-9)


@pytest.mark.parametrize("gain", ["linear", "exponential"])
@pytest.mark.parametrize("at", [1, 3, 5, None])
def test_the_ideal_slate_scores_exactly_1(gain, at):
    judged = judged_of([[0, 1, 2, 3, 4]], [{0: 3, 1: 3, 2: 2, 3: 1, 4: 0}])
    assert ranking.ndcg(judged, at=at, gain=gain).tolist() == [1.0]


def test_a_mixed_form_would_not_score_the_ideal_slate_1():
    gains = np.array([[3.0, 3, 2, 1, 0]])
    mixed = ranking.Judged(gains, np.exp2(gains) - 1, np.array([4]))
    assert ranking.ndcg(mixed).round(3).tolist() == [0.474]


def test_average_precision_of_a_full_slate_is_1_only_by_the_reachable_divisor():
    judged = judged_of([[0, 1]], [{0: 1, 1: 1, 2: 1, 3: 1}])
    assert ranking.average_precision(judged).tolist() == [0.5]
    assert ranking.average_precision(judged, over="reachable").tolist() == [1.0]


def test_a_request_without_relevant_items_does_not_count():
    judged = judged_of([[0, 1], [0, 1]], [{0: 1, 5: 1}, {0: 0}])
    for metric in (ranking.ndcg, ranking.average_precision, ranking.reciprocal_rank, ranking.recall, ranking.hit_rate):
        values = metric(judged)
        assert np.isnan(values).tolist() == [False, True]
        assert mean(values) == values[0]


def test_an_item_named_twice_counts_once_with_its_greatest_gain():
    judged = ranking.judge(np.array([[4, 2]]), request=[0, 0, 0], item=[4, 2, 4], gain=[1, 2, 3])
    assert judged.gains.tolist() == [[3.0, 2.0]]
    assert judged.relevant.tolist() == [2]


def test_the_filler_is_no_item_of_the_request_before():
    judged = ranking.judge(np.array([[-1, -1], [-1, 0]]), request=[0, 1], item=[1, 1])
    assert not judged.gains.any()


def test_no_requests_and_no_relevant_items_are_no_errors():
    assert ranking.ndcg(ranking.judge(np.empty((0, 3), dtype=np.int32), request=[], item=[])).shape == (0,)
    assert np.isnan(ranking.ndcg(ranking.judge(np.array([[1, 2]]), request=[], item=[]))).all()


@pytest.mark.parametrize(
    ("ids", "request_row", "item", "message"),
    [
        ([[1, 1]], [0], [1], "item 1 in 2 places of row 0"),
        ([[1, 2]], [1], [1], "request is 1 in a row; expected 0 to 0"),
        ([[1, 2]], [0], [-1], "item is -1"),
        ([[1, -2]], [0], [1], "ids is -2"),
        ([1, 2], [0], [1], "ids has shape"),
        ([[1, 2]], [0, 0], [1], "request, item and gain have shapes"),
    ],
)
def test_what_does_not_fit_is_named(ids, request_row, item, message):
    with pytest.raises(DataError, match=message):
        ranking.judge(np.array(ids), request=request_row, item=item)


@pytest.mark.parametrize("at", [0, 3])
def test_more_places_than_the_slates_have_are_refused(at):
    with pytest.raises(DataError, match="slates have 2 places"):
        ranking.recall(judged_of([[0, 1]], [{0: 1}]), at=at)
