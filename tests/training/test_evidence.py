import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.designs import WATCHED
from tests.training.logs import design, log, made_ready, without_decisions

from sixfold.events.hashing import hash_strings
from sixfold.retrieval import Popular
from sixfold.training import evidence
from sixfold.training.evidence import Evidence, in_seconds, rows_of
from sixfold.training.examples import shown
from sixfold.types import SECOND


def evidence_of(events):
    return Evidence(design(), made_ready(events))


def test_doctests():
    result = doctest.testmod(evidence)
    assert result.attempted and not result.failed


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 30)))
def test_rows_of_finds_what_is_there(known, wanted):
    at = rows_of(np.array(known, np.int64), np.array(wanted, np.int64)).tolist()
    assert [None if row < 0 else known[row] for row in at] == [value if value in known else None for value in wanted]


def test_outcomes_belong_to_the_impression_they_name():
    events = log(decisions=400)
    known = evidence_of(events)
    table = known.happened(WATCHED)
    at = known.attributed(table)
    raw = events.outcomes["watch"]
    liked = np.flatnonzero(raw["value"] >= 30)
    decisions, items = events.decisions["id"][events.shown["decision"]].tolist(), events.shown["item"].tolist()
    slate = {slot: row for row, slot in enumerate(zip(decisions, items, strict=True))}
    named = zip(raw["decision"][liked].tolist(), raw["video"][liked].tolist(), strict=True)
    assert at.shown.tolist() == [slate.get(slot, -1) for slot in named]
    assert at.organic.tolist() == (raw["decision"][liked] == b"").tolist()
    assert (hash_strings(raw["decision"][liked])[at.decision >= 0] == known.material.log.decisions["id"][
        at.decision[at.decision >= 0]
    ]).all()  # fmt: skip


def test_positives_are_what_training_takes_for_positive():
    """The labels of the evidence equal those that the ranker learns from."""
    known = evidence_of(log())
    cuts = known.material.cuts
    material, ts = known.material, known.material.log.decisions["ts"]
    popular = Popular().fit(material.interactions(WATCHED), material.known.born, np.random.default_rng(0))
    rows = shown(material, {"popular": popular}, np.flatnonzero((ts >= cuts.first) & (ts < cuts.second)))
    part = known.parts[0]
    assert (part.name, part.positives) == ("ranker", int(rows.labels["watch"].sum()))
    assert part.positives + part.negatives == len(rows)


def test_without_decisions_there_are_only_positives():
    known = evidence_of(without_decisions(log()))
    assert [part.negatives for part in known.parts] == [None] * 3
    ts = known.happened(WATCHED)["ts"]
    assert sum(part.positives for part in known.parts) == (ts >= known.material.cuts.first).sum() > 100


@pytest.mark.parametrize(("us", "text"), [(0.4 * SECOND, "0s"), (90.2 * SECOND, "90s"), (7200.4 * SECOND, "2h")])
def test_in_seconds(us, text):
    assert in_seconds(us) == text
