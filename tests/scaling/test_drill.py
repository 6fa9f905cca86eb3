"""`sixfold drill`: what is judged, and one drill through all parts as short as it can be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.cli.calling import call
from tests.tiny import Tiny

from sixfold.scaling import drill as drills
from sixfold.scaling import kept
from sixfold.scaling.drill import Drill, Trial
from sixfold.scaling.load import Load
from sixfold.workspace import Workspace


def loaded(latency_ms: list[float], *, status: list[int] | None = None, degraded: list[bool] | None = None) -> Load:
    """Ten requests a second, from the start."""
    due = np.arange(len(latency_ms)) / 10
    return Load(
        due, due, due, due + np.array(latency_ms) / 1e3, np.array(status or [200] * len(due), np.int16),
        np.array(degraded or [False] * len(due)),
    )  # fmt: skip


def judged(load: Load) -> Trial:
    """Of a fault from 1 s to 2 s, held against 200 ms."""
    return drills._judged("ranking", "down", load, 1.0, 200.0)


def test_only_what_was_due_in_the_trouble_is_counted():
    latency = [5.0] * 10 + [10.0] * 8 + [300.0, math.nan] + [5.0] * 10
    found = judged(loaded(latency, status=[200] * 19 + [0] + [200] * 10))
    assert (found.sent, found.answered, found.within) == (10, 0.9, 0.8)
    assert found.p99_ms == 300.0 and found.back_s == 0.0


def test_normal_again_is_when_half_a_second_was_as_designed():
    late = [False] * 20 + [True, False, False, True] + [False] * 6 + [True]
    assert judged(loaded([5.0] * 31, degraded=late)).back_s == pytest.approx(0.3)
    assert judged(loaded([5.0] * 30, degraded=[True] * 30)).back_s is None


def test_a_worker_is_not_promised():
    def trial(part: str, within: float) -> Trial:
        return Trial(part, "down", 1000, within, within, 0.0, {}, 5.0, 0.0)

    found = Drill("r", 50, 5, 200, 0.999, [trial("ranking", 1.0), trial("writer", 0.998), trial("worker", 0.5)])
    assert [one.part for one in found.short] == ["writer"]
    assert found.sent == 2000 and found.available == pytest.approx(0.999)


def test_it_is_read_again_for_the_release_it_was_of(tiny: Tiny, tmp_path):
    workspace = Workspace(tmp_path)
    assert kept.read(workspace, drills.FILE, Drill) is None
    kept.write(workspace, drills.FILE, Drill("r", 50, 5, 200, 0.999, []))
    assert kept.read(workspace, drills.FILE, Drill) is None, "of another release than the published one"
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "CURRENT").write_text("r\n")
    assert kept.read(workspace, drills.FILE, Drill) == Drill("r", 50, 5, 200, 0.999, [])


@pytest.mark.slow
@pytest.mark.parametrize(("of", "parts"), [("tiny", 4), ("timed", 2)])
def test_every_part_is_broken_in_every_way(request: pytest.FixtureRequest, of: str, parts: int):
    done = call("drill", "--rate", 20, "--seconds", 1, "--json", folder=request.getfixturevalue(of).workspace.folder)
    trials = [(one["part"], one["fault"]) for one in done.json["trials"]]
    assert trials[0] == ("-", "none") and len(trials) == 1 + 3 * parts and ("writer", "paused") in trials
    assert done.code in (0, 1)
