"""What of posted events cannot be comes back with a sentence each; the rest is taken in as it was sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from sixfold.estimation.open import Open, Watched
from sixfold.events.incoming import Incoming, parse
from sixfold.events.schema import Events
from sixfold.features.store import Store
from sixfold.serving.intake import DRIFT, plausible
from sixfold.types import SECOND

NOW = 1_800_000_000 * SECOND
ASKED = NOW - 3_600 * SECOND
DRIFT_S = DRIFT // SECOND


@pytest.fixture
def under_way() -> Open:
    kept = Open(Watched(("promised_s",), ("done",)), Store())
    said = {"id": np.array([b"job-1"]), "ts": np.array([ASKED]), "release": np.array([b"r"])}
    kept.apply(Events(decisions={**said, "estimate.promised_s": np.array([600.0])}))
    return kept


def outcome(id: str, ts: float, value: float = 1.0, name: str = "done", decision: str = "job-1") -> dict[str, Any]:
    said = {"kind": "outcome", "id": id, "name": name, "ts": ts / SECOND, "value": value, "decision": decision}
    return said | {"keys": {"job": "j"}}


def sifted(events: list[dict[str, Any]], under_way: Open | None = None) -> Incoming:
    incoming = parse(json.dumps(events).encode(), now=NOW, lines=False)
    return plausible(incoming, now=NOW, under_way=under_way, times=("done",))


def kept(incoming: Incoming) -> list[bytes]:
    return [id for _, table in incoming.events.tables() for id in table["id"].tolist()]


def test_what_is_in_order_is_left_as_it_is(under_way: Open):
    events = [
        outcome("a", NOW + DRIFT),
        outcome("b", ASKED - DRIFT),
        outcome("c", NOW),
        outcome("d", 1e15, decision="job-9"),
    ]
    incoming = parse(json.dumps(events).encode(), now=NOW, lines=False)
    assert plausible(incoming, now=NOW, under_way=under_way, times=("done",)) is incoming
    assert kept(incoming) == [b"a", b"b", b"c", b"d"]


def test_each_that_cannot_be_is_named_with_its_line(under_way: Open):
    events = [
        outcome("fine", NOW), outcome("ahead", NOW + 2 * DRIFT), outcome("below", NOW, -5.0),
        {"kind": "outcome"}, outcome("behind", ASKED - 2 * DRIFT, name="half"), outcome("other", NOW, -5.0, name="half"),
        {"kind": "decision", "id": "tomorrow", "ts": NOW / SECOND + 80_000, "keys": {"who": "w"}, "shown": [{"item": "i"}]},
        {"kind": "decision", "id": "now", "ts": NOW / SECOND, "keys": {"who": "w"}, "shown": [{"item": "i"}, {"item": "j"}]},
        {"kind": "entity", "id": "e", "of": "thing", "key": "k", "ts": NOW / SECOND + 80_000, "values": {"a": 1}},
    ]  # fmt: skip
    found = sifted(events, under_way)
    assert sorted(kept(found)) == [b"e", b"fine", b"now", b"other"]
    assert found.events.shown["item"].tolist() == [b"i", b"j"] and found.events.shown["decision"].tolist() == [0, 0]
    assert [(one.line, one.id) for one in found.rejected] == [
        (2, "ahead"),
        (3, "below"),
        (4, ""),
        (5, "behind"),
        (7, "tomorrow"),
    ]
    why = {one.id: one.error for one in found.rejected}
    assert why["ahead"] == (
        f"ts is 2027-01-15T08:10:00Z, {2 * DRIFT_S} s ahead of the service's clock; "
        "set the clock of who sends it right, and send it again"
    )
    assert f"ts is 2027-01-15T06:50:00Z, {2 * DRIFT_S} s before the decision 'job-1' that it names" in why["behind"]
    assert why["below"] == "value is -5; it says how many seconds something took: send 0 or more"
    assert {name: lines.tolist() for name, lines in found.lines.items()} == {
        "outcome done": [1], "outcome half": [6], "decision": [8], "entity thing": [9],
    }  # fmt: skip


def test_nothing_is_before_a_decision_whose_time_is_not_known(under_way: Open):
    events = [outcome("a", ASKED - 100 * DRIFT, decision="job-2"), outcome("b", ASKED - 100 * DRIFT)]
    assert kept(sifted(events)) == [b"a", b"b"] and kept(sifted(events, under_way)) == [b"a"]
