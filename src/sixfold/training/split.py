"""Time cut in four, so that nothing is judged on what it learned from (DESIGN of two stages without leaks).

Retrievers are fitted on [start, first), ranker rows come from [first, second), calibration from [second, third), the
test is [third, end). Cuts are quantiles of the events' times: shares of the data, not of the calendar.
"""

from __future__ import annotations

import numpy as np

from .. import durations
from ..design import Design
from ..errors import DataError
from ..features.indexed import Indexed
from ..steps import split_fractions
from ..types import Cuts, Times


def cut(design: Design, log: Indexed) -> Cuts:
    """Where this log is cut. Raises DataError where a part would be empty or all of the test censored."""
    ts = asked(design, log)
    if not len(ts):
        raise DataError("the log has no decisions and no outcomes of the label; ingest some before training")
    ts = np.sort(ts)
    fractions = split_fractions(design.learning.split)
    first, second, third = (int(ts[min(int(share * len(ts)), len(ts) - 1)]) for share in fractions)
    end = _end(log)
    window = durations.parse(design.requirements.window)
    censored = end - window if len(log.decisions["ts"]) else end
    cuts = Cuts(int(ts[0]), first, second, third, end, censored)
    if not cuts.start < cuts.first < cuts.second < cuts.third < cuts.end:
        raise DataError(
            f"the log spans {durations.text(max(end - cuts.start, 1))} with {len(ts)} events, too little to cut time in "
            "four; ingest a longer log or change learning.split"
        )
    if cuts.censored <= cuts.third:
        raise DataError(
            f"the test part is {durations.text(max(end - cuts.third, 1))} long, shorter than the attribution window of "
            f"{design.requirements.window}, so no decision in it is complete; ingest a longer log or shorten the window"
        )
    return cuts


def asked(design: Design, log: Indexed) -> Times:
    """The times the cut goes by: decisions where there are any, else the outcomes of the history."""
    if len(log.decisions["ts"]):
        return log.decisions["ts"]
    return log.stream(design.history).ts if log.has(design.history) else np.empty(0, np.int64)


def _end(log: Indexed) -> int:
    """Just after the last decision or outcome."""
    times = [t["ts"] for t in (log.decisions, *log.outcomes.values()) if len(t["ts"])]
    return int(max(ts.max() for ts in times)) + 1
