from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.errors import DesignError
from sixfold.retrieval.merge import blend, fuse, merge
from sixfold.types import Retrieved


def answer(*rows: list[int]) -> Retrieved:
    ids = np.array(rows, np.int32)
    return Retrieved(ids, np.where(ids >= 0, np.float32(0), np.float32(-np.inf)))


def test_sources_take_turns_and_every_rank_is_kept():
    merged = merge({"als": answer([5, 3, 9], [1, -1, -1]), "popular": answer([3, 7, 2], [2, 1, -1])})
    assert merged.sources == ("als", "popular")
    assert merged.ids.tolist() == [[5, 3, 7, 9, 2], [1, 2, -1, -1, -1]]
    nan = np.nan
    np.testing.assert_array_equal(merged.ranks[0], [[0, nan], [1, 0], [nan, 1], [2, nan], [nan, 2]])
    np.testing.assert_array_equal(merged.ranks[1, :2], [[0, 1], [nan, 0]])
    assert np.isnan(merged.ranks[1, 2:]).all()


def test_a_quota_cuts_a_source():
    merged = merge({"als": answer([5, 3, 9]), "popular": answer([3, 7, 2])}, quotas=[1, 2])
    assert merged.ids.tolist() == [[5, 3, 7]]


def test_candidates_of_one_query_have_no_fillers():
    merged = merge({"als": answer([4, 6], [1, -1])})
    one = merged.candidates(1)
    assert one.ids.tolist() == [1] and one.ranks.tolist() == [[0.0]] and one.removed == {}


def test_bad_quotas_and_no_sources_are_refused():
    with pytest.raises(DesignError, match="no source"):
        merge({})
    with pytest.raises(DesignError, match="quotas"):
        merge({"als": answer([1])}, quotas=[1, 2])


@st.composite
def answers(draw):
    n, items = draw(st.integers(1, 4)), 12
    out = {}
    for source in range(draw(st.integers(1, 3))):
        k = draw(st.integers(0, 6))
        rows = [draw(st.lists(st.integers(0, items - 1), max_size=k, unique=True)) for _ in range(n)]
        ids = np.array([row + [-1] * (k - len(row)) for row in rows], np.int32).reshape(n, k)
        out[f"s{source}"] = Retrieved(ids, np.zeros(ids.shape, np.float32))
    return out


@given(answers())
def test_merging_is_a_union_that_loses_and_invents_nothing(given_answers):
    merged = merge(given_answers)
    for query in range(len(merged)):
        one = merged.candidates(query)
        expected = {
            (int(item), s, place)
            for s, a in enumerate(given_answers.values())
            for place, item in enumerate(a.ids[query])
            if item >= 0
        }
        rows, sources = np.nonzero(~np.isnan(one.ranks))
        assert {(int(one.ids[r]), int(s), int(one.ranks[r, s])) for r, s in zip(rows, sources, strict=True)} == expected
        assert len(set(one.ids)) == len(one.ids)


def test_fusion_is_the_sum_of_reciprocal_ranks():
    ranks = np.array([[0, np.nan], [1, 0], [np.nan, np.nan]], np.float32)
    np.testing.assert_allclose(fuse(ranks, [1, 2]), [1 / 61, 1 / 62 + 2 / 61, 0], rtol=1e-6)


def test_a_blend_prefers_what_several_sources_name():
    answers = {"als": answer([5, 3, 9], [1, -1, -1]), "popular": answer([7, 3, 2], [-1, -1, -1])}
    blended = blend(answers, [1, 2], 4)
    assert blended.ids.tolist() == [[3, 7, 2, 5], [1, -1, -1, -1]]
    np.testing.assert_allclose(blended.scores[0, 0], 1 / 62 + 2 / 62, rtol=1e-6)
    assert np.isneginf(blended.scores[1, 1:]).all()
