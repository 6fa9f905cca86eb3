"""Which entity events still say something: against a loop over events."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.events.newest import telling

EVENT = st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans(), st.booleans())


@given(events=st.lists(EVENT, max_size=20))
def test_as_a_loop_finds_it(events):
    rows = {
        "key": np.array([f"v{key}".encode() for key, *_ in events] or np.empty(0, "S1")),
        "ts": np.array([ts for _, ts, *_ in events], np.int64),
        "id": np.array([f"e{len(events) - at:02d}".encode() for at in range(len(events))] or np.empty(0, "S1")),
        "@offset": np.arange(len(events)) // 3, "@row": np.arange(len(events)) % 3,
    }  # fmt: skip
    said = {name: np.array([event[2 + at] for event in events], bool) for at, name in enumerate(("title", "price"))}
    expected = set()
    for key in {key for key, *_ in events}:
        mine = [at for at, event in enumerate(events) if event[0] == key]
        expected |= {min(mine), min(mine, key=lambda at: (events[at][1], rows["id"][at]))}
        for mask in said.values():
            if telling_ := [at for at in mine if mask[at]]:
                expected.add(max(telling_, key=lambda at: (events[at][1], rows["id"][at])))
    assert set(np.flatnonzero(telling(rows, said)).tolist()) == expected
