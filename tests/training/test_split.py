"""Time cut in four by the events' own quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from tests.designs import edited
from tests.training.logs import design, log, made_ready, without_decisions

from sixfold.errors import DataError
from sixfold.events.schema import Events
from sixfold.steps import Split, split_fractions
from sixfold.training.split import asked, cut

HOUR = 3_600_000_000
LOG = log(decisions=1000)


def indexed(events: Events):
    return made_ready(LOG).log if events is LOG else made_ready(events).log


def test_shares_are_of_the_decisions():
    cuts = cut(design(), indexed(LOG))
    ts = np.sort(LOG.decisions["ts"])
    assert cuts.start == ts[0]
    assert (cuts.first, cuts.second, cuts.third) == (ts[500], ts[700], ts[850])
    assert cuts.end == max(ts[-1], LOG.outcomes["watch"]["ts"].max()) + 1
    assert cuts.censored == cuts.end - 6 * HOUR


def test_shares_need_not_sum_to_one():
    assert np.allclose(split_fractions(Split(retrievers=2, ranker=1, calibration=1, test=4)), (0.25, 0.375, 0.5))


def test_without_decisions_the_outcomes_are_cut_and_none_is_censored():
    bare = indexed(without_decisions(LOG))
    cuts = cut(design(), bare)
    ts = np.sort(bare.stream(design().history).ts)
    assert sorted(asked(design(), bare).tolist()) == ts.tolist()
    assert (cuts.start, cuts.first, cuts.censored) == (ts[0], ts[len(ts) // 2], cuts.end)


def test_a_log_without_time_is_refused():
    once = {**LOG.decisions, "ts": np.full(1000, LOG.decisions["ts"][0])}
    with pytest.raises(DataError, match="with 1000 events, too little to cut time in four; ingest a longer log"):
        made_ready(Events(LOG.entities, once, LOG.shown, LOG.outcomes))


def test_a_test_part_shorter_than_the_window_is_refused():
    slow = edited("requirements", of=design(), window="3d")
    with pytest.raises(DataError, match="shorter than the attribution window of 3d, so no decision in it is complete"):
        cut(slow, indexed(LOG))
