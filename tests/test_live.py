"""A live run at the smallest dial: a service, members who ask it, a training on what it wrote, a swap under traffic."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from sixfold import beginning, systems
from sixfold.errors import DataError, DesignError
from sixfold.events.schema import Events, concat
from sixfold.live.loop import given, requests
from sixfold.live.making import EDITS, first_midnight, made
from sixfold.live.results import FROZEN, LOOP, ORACLE, POPULARITY, Day, Report
from sixfold.live.rivals import worth
from sixfold.live.run import Wanted, run
from sixfold.live.running import train
from sixfold.policy.exploration import LIKELY
from sixfold.serving.messages import Placed, Slate
from sixfold.types import DAY
from sixfold.workspace import Workspace
from sixfold.worlds.kept import kept
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_live import VideoLive
from sixfold.worlds.visits import Visits
from tests.cli.calling import call

WORLD = VideoWorld(
    members=100, days=5, videos=200, new_videos=24, visits=1.2, rate=0.15, difficulty="easy", late=0.0
)  # fmt: skip
WARM_UP, DAYS, EXPLORE = 3, 2, 0.2
SMALL = """
design = replace(design, learning=replace(
    design.learning, retrievers=(Popular(half_life="2d"), Recent(), EASE()), candidates=110,
    ranker=Forest(trees=15, depth=4, learning_rate=0.2), negatives=Downsample(0.5),
    split=Split(retrievers=0.5, ranker=0.2, calibration=0.1, test=0.2),
))
"""


def workspace(folder: Path) -> Workspace:
    folder.mkdir()
    edits = EDITS.format(explore=EXPLORE, split="")
    (folder / "design.py").write_text(systems.source("video") + edits + SMALL)
    return Workspace(folder)


def wanted(folder: Path, **other: object) -> Wanted:
    plain = {"days": DAYS, "shift_day": None, "world": WORLD, "warm_up": WARM_UP, "explore": EXPLORE}
    return Wanted(folder=folder, name="video", **plain | other)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> tuple[Workspace, Report, list[Day]]:
    mine = workspace(tmp_path_factory.mktemp("live") / "mine")
    told: list[Day] = []
    return mine, run(wanted(mine.folder), day=told.append), told


@pytest.fixture(scope="module")
def log(lived) -> Events:
    return concat(lived[0].batches())


def test_every_ask_is_answered_and_the_report_is_what_was_told(lived):
    mine, report, told = lived
    assert report.days == told and report.last and [day.day for day in told] == [1, 2]
    assert msgspec.json.decode((mine.reports / "live.json").read_bytes(), type=Report) == report
    for day in told:
        assert day.requests > 50 and day.unanswered == 0 and day.outcomes > 20
        assert sum(day.releases.values()) == day.requests
        assert day.utility[ORACLE] > max(day.utility[name] for name in (LOOP, FROZEN, POPULARITY))
        assert day.closed(ORACLE) == 1 and day.closed(POPULARITY) == 0
        assert day.ahead[0] == pytest.approx(day.utility[LOOP] - day.utility[FROZEN])


def test_a_release_that_passes_the_gate_is_swapped_in_while_asks_go_on(lived):
    mine, report, (first, second) = lived
    assert set(first.releases) == {report.frozen} and first.training is None
    published = [one.release for one in (second.training, report.last) if one.passed]
    assert mine.current_id() == [report.frozen, *published][-1]
    assert set(second.releases) <= {report.frozen, second.training.release}
    assert (second.training.release in second.releases) == second.training.passed


def test_the_log_is_the_services_own(lived, log):
    """All asks are in it as decisions, at the world's time, and every watch names its decision."""
    _, report, days = lived
    start = WORLD.start + WARM_UP * DAY
    live = log.decisions["ts"] >= start
    assert live.sum() == sum(day.requests for day in days)
    assert log.decisions["ts"].max() < start + DAYS * DAY
    assert set(np.unique(log.decisions["release"][~live])) == {b"logging"}
    assert report.frozen.encode() in log.decisions["release"][live]
    watches = log.outcomes["watch"]
    mine = watches["ts"] >= start
    named = watches["decision"][mine] != b""
    assert np.isin(watches["decision"][mine][named], log.decisions["id"]).all() and named.sum() > 50
    published = log.entities["video"]["ts"]
    assert ((published >= start) & (published < start + DAYS * DAY)).sum() >= WORLD.new_videos


def test_decisions_carry_the_propensities_that_the_policy_used(lived, log):
    """At place i of m candidates the best that is left has 1 - e + e / (m - i), another e / (m - i): one m a slate."""
    live = log.decisions["ts"] >= WORLD.start + WARM_UP * DAY
    rows = live[log.shown["decision"]]
    propensity, place = (log.shown[name][rows].astype(np.float64) for name in ("propensity", "position"))
    explored = propensity < LIKELY
    left = EXPLORE / np.where(explored, propensity, propensity - (1 - EXPLORE)) + place - 1
    for one in np.unique(log.shown["decision"][rows]):
        found = left[log.shown["decision"][rows] == one]
        np.testing.assert_allclose(found, np.round(found[0]), rtol=1e-3)
    expected = EXPLORE * (1 - np.mean(1 / (left - place + 1)))
    assert abs(explored.mean() - expected) < 4 * np.sqrt(EXPLORE / rows.sum())
    assert 0.5 * EXPLORE < lived[2][0].explored < 1.5 * EXPLORE


# Pieces


def test_a_world_that_nobody_lives_in_is_refused(tmp_path):
    done = call("live", "vidoe", folder=tmp_path)
    assert done.code == 3 and "there is no world 'vidoe' that can be lived in; did you mean 'video'?" in done.err


def test_a_workspace_that_is_there_is_used_as_it_is(lived):
    mine = lived[0]
    before = (mine.release_ids(), len(list(mine.batches())))
    found = made(mine.folder, "video", WORLD, warm_up=9, explore=0.4, train=train, say=lambda text: None)
    assert found == WORLD == kept(mine.folder / "live")
    assert (mine.release_ids(), len(list(mine.batches()))) == before
    assert first_midnight(mine) == WORLD.start + (WARM_UP + DAYS) * DAY


def test_a_design_that_leaves_nothing_to_chance_is_refused(tmp_path):
    beginning.from_system("video", tmp_path / "mine")
    with pytest.raises(DataError, match="leaves no place to chance"):
        run(wanted(tmp_path / "mine", world=msgspec.structs.replace(WORLD, members=20)), day=lambda day: None)


def test_a_shift_after_the_last_day_is_refused(tmp_path):
    with pytest.raises(DesignError, match="the shift is on day 3 of 2; give one from 1 to 2"):
        wanted(tmp_path, shift_day=3)


def visits() -> Visits:
    ts = np.array([1_767_300_000_123_456, 1_767_300_001_000_000])
    return Visits(int(ts[0]), ts, np.array([b"m1", b"m20"]), {"device": np.array([b"tv", b"phone"])})


def test_requests_say_who_asks_when_and_where():
    assert requests(visits()) == [
        {"member": "m1", "ts": 1_767_300_000.123456, "context": {"device": "tv"}},
        {"member": "m20", "ts": 1_767_300_001.0, "context": {"device": "phone"}},
    ]


def test_a_place_that_is_empty_and_an_ask_without_an_answer_are_empty():
    items = [Placed(item=item, position=place, score=0.0) for place, item in enumerate(["v7", "v9"], 1)]
    slate = Slate(decision="d4", release="r", member="m1", known=True, items=items, degraded=[])
    decisions, shown = given([slate, None], 3)
    assert decisions.tolist() == [b"d4", b""]
    assert shown.tolist() == [[b"v7", b"v9", b""], [b"", b"", b""]]


def test_worth_is_the_sum_over_places_of_examination_times_value(tiny):
    """By hand for one slate, and the oracle is at least as good as every other."""
    release = tiny.trained.release
    live = VideoLive.of(WORLD)
    start = WORLD.start + 2 * DAY + 72_000_000_000
    asks = live.visits(start, start + 3_600_000_000)
    heads, alive = live.heads(asks), np.flatnonzero(live.alive(asks))
    rng = np.random.default_rng(0)
    shown = np.array([live.items[rng.permutation(alive)[:20]] for _ in range(len(asks))])
    shown[:, -1] = b""
    found = worth(live, release, asks, {"some": shown})
    rows = [int(item[1:]) for item in shown[0, :-1].tolist()]
    value = heads["watch"][0, rows] * np.log1p(heads["seconds"][0, rows])
    assert found["some"][0] == pytest.approx(float(value @ live.examination[:19]), rel=1e-5)
    best = np.sort(heads["watch"][0, alive] * np.log1p(heads["seconds"][0, alive]))[::-1][:20]
    assert found[ORACLE][0] == pytest.approx(float(best @ live.examination), rel=1e-5)
    assert (found[ORACLE] > found["some"]).all()
