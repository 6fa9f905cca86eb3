from __future__ import annotations

import numpy as np

from sixfold.retrieval.popular import Popular, Recent
from sixfold.types import DAY, Interactions, Queries

RNG = np.random.default_rng(0)
ALWAYS = np.iinfo(np.int64).min


def asked(ts: int, born: list[int], exclude: list[int]) -> Queries:
    none = np.empty((1, 0), np.int32)
    out = np.array([exclude], np.int32).reshape(1, -1)
    born_ts = np.array(born, np.int64)
    return Queries(np.array([ts]), np.array([-1], np.int32), none, none.astype(np.int64), out, born_ts)


def interactions(rows: list[tuple[int, int, float]]) -> Interactions:
    item, days, weight = zip(*rows, strict=True)
    ts = np.array(days, np.int64) * DAY
    member = np.zeros(len(rows), np.int32)
    return Interactions(member, np.array(item, np.int32), ts, np.array(weight, np.float32), 1, 4)


SEEN = interactions([(0, 0, 1), (0, 0, 1), (0, 0, 1), (2, 13, 1), (1, 14, 0.75), (2, 14, 0.5)])


def test_popular_sums_weights():
    fitted = Popular().fit(SEEN, np.zeros(4, np.int64), RNG)
    answer = fitted.retrieve(asked(DAY, [0] * 4, []), 4)
    assert answer.ids.tolist() == [[0, 2, 1, 3]]
    assert answer.scores.tolist() == [[3, 1.5, 0.75, 0]]


def test_popular_forgets_by_its_half_life():
    fitted = Popular(half_life="7d").fit(SEEN, np.zeros(4, np.int64), RNG)
    np.testing.assert_allclose(fitted.counts, [3 / 4, 0.75, 0.5 + 2 ** (-1 / 7), 0], rtol=1e-6)
    assert fitted.retrieve(asked(DAY, [0] * 4, [2]), 2).ids.tolist() == [[0, 1]]


def test_recent_knows_what_was_born_after_the_fit_and_what_was_always_there():
    fitted = Recent().fit(SEEN, np.zeros(4, np.int64), RNG)
    answer = fitted.retrieve(asked(10 * DAY, [ALWAYS, 3 * DAY, 9 * DAY, 10 * DAY, 9 * DAY, 8 * DAY], [5]), 5)
    assert answer.ids.tolist() == [[2, 4, 1, 0, -1]]
    assert answer.scores[0, :3].tolist() == [-1, -1, -7]
