"""What every retriever promises, whatever it learns: the list at `RETRIEVERS` is the seam."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import ReleaseError
from sixfold.retrieval import ALS, EASE, ItemItem, Popular, Recent
from sixfold.types import DAY, Interactions, Queries

PERSONAL = [
    ItemItem(),
    ItemItem(similarity="jaccard", neighbours=16, half_life="7d"),
    ALS(factors=4),
    ALS(factors=4, half_life="7d"),
    EASE(l2=1.0),
    EASE(l2=1.0, half_life="7d"),
]
RETRIEVERS = [Popular(), Popular(half_life="7d"), Recent(), *PERSONAL]
FITTED_ON_MEMBERS = [spec for spec in RETRIEVERS if not isinstance(spec, Recent)]

MEMBERS, ITEMS = 40, 30
NOW = 100 * DAY


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def checkerboard() -> Interactions:
    """Even members like even items and odd members odd ones, all but the item next to their own number."""
    member, item = np.divmod(np.arange(MEMBERS * ITEMS), ITEMS)
    keep = (member % 2 == item % 2) & (item != member % ITEMS)
    member, item = member[keep].astype(np.int32), item[keep].astype(np.int32)
    ts = np.arange(len(member), dtype=np.int64) * DAY // 20
    return Interactions(member, item, ts, np.ones(len(member), np.float32), MEMBERS, ITEMS)


def scattered() -> Interactions:
    """Members who like what they like by chance: every score is another."""
    random = np.random.default_rng(11)
    n = 400
    member = random.integers(0, MEMBERS, n).astype(np.int32)
    item = (ITEMS * random.random(n) ** 2).astype(np.int32)
    ts = np.sort(random.integers(0, NOW, n))
    return Interactions(member, item, ts, np.ones(n, np.float32), MEMBERS, ITEMS)


def born(late: tuple[int, ...] = ()) -> np.ndarray:
    out = np.arange(ITEMS, dtype=np.int64) * 1_000 - DAY
    out[list(late)] = NOW + DAY
    return out


def ask(histories: list[list[int]], *, exclude: list[list[int]] | None = None, late: tuple[int, ...] = ()) -> Queries:
    n, width = len(histories), max([len(h) for h in histories] + [1])
    history = np.full((n, width), -1, np.int32)
    for row, items in enumerate(histories):
        history[row, : len(items)] = items
    exclude = exclude or [[] for _ in histories]
    out = np.full((n, max(len(e) for e in exclude)), -1, np.int32)
    for row, items in enumerate(exclude):
        out[row, : len(items)] = items
    ages = np.arange(1, width + 1) * DAY
    return Queries(
        ts=np.full(n, NOW, np.int64),
        member=np.full(n, -1, np.int32),
        history=history,
        history_ts=np.where(history >= 0, NOW - ages, 0),
        exclude=out,
        born=born(late),
    )


HISTORIES = [[0, 2, 4], [1, 3, 5, 7], [], [29], [0, 1, 2, 3, 4, 5, 6]]


@pytest.fixture(params=RETRIEVERS, ids=repr)
def spec(request):
    return request.param


@pytest.mark.parametrize("personal", PERSONAL, ids=repr)
def test_checkerboard_is_answered_with_ones_own_colour(personal):
    fitted = personal.fit(checkerboard(), born(), rng())
    seen = [list(range(colour, ITEMS - 4, 2)) for colour in (0, 1)]
    answer = fitted.retrieve(ask(seen, exclude=seen), 2)
    assert sorted(answer.ids[0]) == [26, 28]
    assert sorted(answer.ids[1]) == [27, 29]


def test_a_batch_is_answered_as_its_queries_one_by_one(spec):
    fitted = spec.fit(scattered(), born(), rng())
    queries = ask(HISTORIES, exclude=HISTORIES)
    whole = fitted.retrieve(queries, 10)
    for row in range(len(queries)):
        single = fitted.retrieve(queries.part(row, row + 1), 10)
        assert single.ids.tolist() == whole.ids[row : row + 1].tolist()
        assert single.scores.tobytes() == whole.scores[row : row + 1].tobytes()


def test_answers_are_the_head_of_a_longer_answer_best_first_and_without_repeats(spec):
    fitted = spec.fit(scattered(), born(), rng())
    short, full = (fitted.retrieve(ask(HISTORIES), k) for k in (5, ITEMS))
    assert short.ids.dtype == np.int32 and short.scores.dtype == np.float32
    assert short.ids.tolist() == full.ids[:, :5].tolist()
    assert (np.diff(np.where(full.ids >= 0, full.scores, np.finfo(np.float32).min)) <= 0).all()
    for ids in full.ids:
        assert len(set(ids[ids >= 0])) == (ids >= 0).sum()


def test_places_without_a_candidate_are_filled(spec):
    answer = spec.fit(scattered(), born(), rng()).retrieve(ask(HISTORIES), ITEMS + 5)
    assert answer.ids.shape == answer.scores.shape == (len(HISTORIES), ITEMS + 5)
    assert (answer.ids[:, ITEMS:] == -1).all()
    assert ((answer.ids == -1) == np.isneginf(answer.scores)).all()


def test_what_is_excluded_is_not_given(spec):
    fitted = spec.fit(scattered(), born(), rng())
    exclude = [[0, 1, 2], list(range(ITEMS)), [], [5, -1, 5], [29, ITEMS, 4000]]
    answer = fitted.retrieve(ask(HISTORIES, exclude=exclude), ITEMS)
    for ids, out in zip(answer.ids, exclude, strict=True):
        assert not set(ids[ids >= 0]) & set(out)
    assert (answer.ids[1] == -1).all()


def test_the_unborn_are_not_given(spec):
    queries = ask(HISTORIES, late=(0, 1, 2, 10))
    queries.born[3] = NOW  # as of ts means strictly before it
    answer = spec.fit(scattered(), born(), rng()).retrieve(queries, ITEMS)
    assert not set(answer.ids.ravel()) & {0, 1, 2, 3, 10}
    assert (answer.ids[:, 0] >= 0).all()


def test_unknown_rows_of_a_history_change_nothing(spec):
    fitted = spec.fit(scattered(), born(), rng())
    plain = fitted.retrieve(ask([[4, 2], []]), 10)
    noisy = ask([[4, 2, -1], [-1, -1, -1]])
    noisy.history[:, 2] = [ITEMS + 3, 2_000_000_000]
    answer = fitted.retrieve(noisy, 10)
    assert answer.ids.tolist() == plain.ids.tolist()
    np.testing.assert_allclose(answer.scores, plain.scores, rtol=1e-6)


def test_a_cold_member_gets_something(spec):
    answer = spec.fit(scattered(), born(), rng()).retrieve(ask([[], []], exclude=[[0], []]), 5)
    assert (answer.ids >= 0).all()


@pytest.mark.parametrize("learnt", FITTED_ON_MEMBERS, ids=repr)
def test_a_cold_member_gets_what_is_popular(learnt):
    answer = learnt.fit(scattered(), born(), rng()).retrieve(ask([[]]), 5)
    counts = np.bincount(scattered().item, minlength=ITEMS)
    assert counts[answer.ids[0]].mean() > np.sort(counts)[-10:].mean()


def test_a_query_without_columns_is_answered(spec):
    bare = ask([[]])
    none = np.empty((1, 0), np.int32)
    bare = Queries(bare.ts, bare.member, none, none.astype(np.int64), none, bare.born)
    assert (spec.fit(scattered(), born(), rng()).retrieve(bare, 3).ids >= 0).all()


def test_no_queries_give_no_answers(spec):
    fitted = spec.fit(scattered(), born(), rng())
    assert fitted.retrieve(ask([[1]]).part(0, 0), 3).ids.shape == (0, 3)


def test_an_item_of_the_catalogue_that_was_never_met_does_no_harm(spec):
    fitted = spec.fit(scattered(), born(), rng())
    queries = ask(HISTORIES)
    more = np.append(queries.born, [np.int64(-5), np.int64(NOW + 1)])
    fitted_answer = fitted.retrieve(
        Queries(queries.ts, queries.member, queries.history, queries.history_ts, queries.exclude, more), ITEMS + 2
    )
    assert ITEMS + 1 not in fitted_answer.ids


def test_arrays_give_the_same_answers_again(spec):
    fitted = spec.fit(scattered(), born(), rng())
    arrays = fitted.to_arrays()
    assert all(isinstance(a, np.ndarray) and a.dtype.kind in "iufb" for a in arrays.values())
    again = type(fitted).from_arrays({name: a.copy() for name, a in arrays.items()})
    queries = ask(HISTORIES, exclude=HISTORIES)
    one, two = fitted.retrieve(queries, 10), again.retrieve(queries, 10)
    assert one.ids.tobytes() == two.ids.tobytes() and one.scores.tobytes() == two.scores.tobytes()


def test_damaged_arrays_are_refused(spec):
    arrays = spec.fit(scattered(), born(), rng()).to_arrays()
    for name, array in arrays.items():
        for damaged in (array.astype(np.complex64), array[None]):
            with pytest.raises(ReleaseError, match=name):
                type(spec.fit(scattered(), born(), rng())).from_arrays({**arrays, name: damaged})


def test_same_seed_same_bytes(spec):
    one, two = (spec.fit(scattered(), born(), rng()).to_arrays() for _ in range(2))
    assert one.keys() == two.keys()
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


@pytest.mark.parametrize("items", [0, ITEMS])
def test_a_fit_on_nothing_answers(spec, items):
    none = np.empty(0, np.int32)
    nothing = Interactions(none, none, none.astype(np.int64), none.astype(np.float32), 0, items)
    queries = ask(HISTORIES, exclude=HISTORIES)
    if not items:
        queries = Queries(
            queries.ts, queries.member, queries.history, queries.history_ts, queries.exclude, np.empty(0, np.int64)
        )
    answer = spec.fit(nothing, queries.born, rng()).retrieve(queries, 4)
    assert answer.ids.shape == (len(HISTORIES), 4)
    assert ((answer.ids == -1) == np.isneginf(answer.scores)).all()
    assert not (answer.ids >= items).any()
