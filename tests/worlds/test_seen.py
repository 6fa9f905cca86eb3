from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.worlds.seen import Seen

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 50)), max_size=12)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(st.lists(PAIRS, max_size=5), st.integers(0, 50), st.integers(0, 50))
def test_remembers_as_a_dict_would(batches, forget, ts):
    seen, model = Seen(), {}
    for pairs in batches:
        seen = seen.add(*columns(pairs))
        for key, until in pairs:
            model[key] = max(until, model.get(key, 0))
    asked = np.arange(10)
    expected = [ts < model.get(key, 0) for key in asked.tolist()]
    assert seen.has(asked, np.full(10, ts)).tolist() == expected
    later = max(forget, ts)
    assert seen.since(forget).has(asked, np.full(10, later)).tolist() == [
        later < model.get(k, 0) for k in asked.tolist()
    ]
    assert (np.diff(seen.keys) > 0).all()
