from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from sixfold.errors import DesignError
from sixfold.events.schema import Events, concat
from sixfold.types import DAY, SECOND
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_population import DEVICES
from sixfold.worlds.video_truth import WATCHED_S, Truth
from sixfold.worlds.video_visits import HOUR

SMALL = VideoWorld(members=50, days=3, videos=300, new_videos=10, withdrawn=0.3)
WORLD = VideoWorld(members=1500, days=8, videos=400, new_videos=10, withdrawn=0.2, late=0.1)
FORGETFUL = VideoWorld(members=2500, days=5, videos=300, new_videos=4, withdrawn=0.0, rewatch=1.0, organic=0.0)

Column = NDArray[Any]


@dataclass(frozen=True)
class Log:
    """The joined log: one row for each shown place. seconds is 0 where the place was not begun."""

    truth: Truth
    events: Events
    member: Column
    video: Column
    device: Column
    ts: Column
    position: Column
    propensity: Column
    seconds: Column

    @property
    def watched(self) -> Column:
        return self.seconds >= WATCHED_S


def number(ids: Column) -> Column:
    """The row in an id such as b"m17"."""
    return np.strings.lstrip(ids, b"dmv").astype(np.int64)


@cache
def joined(world: VideoWorld) -> Log:
    events = concat(world.events())
    decisions, shown, watches = events.decisions, events.shown, events.outcomes["watch"]
    decision, video = shown["decision"], number(shown["item"])
    on_page = watches["decision"] != b""
    key = number(watches["decision"][on_page]) * 1_000_000 + number(watches["video"][on_page])
    order = np.argsort(key)
    place = number(decisions["id"])[decision] * 1_000_000 + video
    at = np.minimum(np.searchsorted(key[order], place), len(key) - 1)
    found = key[order][at] == place
    assert found.sum() == len(key)
    return Log(
        world.truth(),
        events,
        number(decisions["member"])[decision],
        video,
        np.searchsorted(DEVICES, decisions["context.device"])[decision],
        decisions["ts"][decision],
        shown["position"],
        shown["propensity"].astype(np.float64),
        np.where(found, watches["value"][on_page][order][at], 0.0),
    )


def digest(world: VideoWorld) -> str:
    out = hashlib.sha256()
    for batch in world.events():
        tables = {**dict(batch.tables()), "shown": batch.shown}
        for table, columns in tables.items():
            for name, column in columns.items():
                out.update(f"{table} {name} {column.dtype} {column.shape}".encode() + column.tobytes())
    return out.hexdigest()


def within(estimate: float, truth: float, values: Column, *, errors: float = 4.0) -> bool:
    return bool(abs(estimate - truth) < errors * values.std() / np.sqrt(len(values)))


def test_same_knobs_give_same_bytes_whatever_the_global_state():
    first = digest(SMALL)
    np.random.seed(7)  # noqa: NPY002
    assert digest(SMALL) == first
    assert digest(VideoWorld(members=50, days=3, videos=300, new_videos=10, withdrawn=0.3, seed=1)) != first


def test_truth_is_that_of_the_log():
    """Where neither memory nor search interferes, the log's rates are the truth's, by decile of the truth."""
    log = joined(FORGETFUL)
    pairs = log.truth.pairs(log.member, log.video, log.ts, log.device)
    chance = pairs["watch"] * log.truth.examination[log.position - 1]
    for part in np.array_split(np.argsort(chance), 10):
        assert within(log.watched[part].mean(), chance[part].mean(), log.watched[part])
    watched = log.seconds[log.watched] - pairs["seconds"][log.watched]
    assert within(watched.mean(), 0.0, watched)


@pytest.mark.parametrize("difficulty", ["easy", "middle", "hard"])
def test_two_percent_of_what_is_shown_is_watched(difficulty):
    log = joined(VideoWorld(members=1500, days=8, videos=1000, difficulty=difficulty))
    assert log.watched.mean() == pytest.approx(0.02, abs=0.003)


def test_the_best_possible_ranking_of_logged_rows_is_good_and_not_perfect():
    log = joined(VideoWorld(members=1500, days=8, videos=1000, difficulty="middle"))
    pairs = log.truth.pairs(log.member, log.video, log.ts, log.device)
    auc = roc_auc_score(log.watched, pairs["watch"] * log.truth.examination[log.position - 1])
    assert 0.80 < auc < 0.88


def test_importance_weights_recover_the_value_of_a_uniform_policy():
    """Law: IPS over the first slot is what uniformly drawn videos would get there; the log's own mean is not."""
    log = joined(FORGETFUL)
    first = np.flatnonzero(log.position == 1)
    hour, request = np.unique(log.ts[first] // HOUR * HOUR, return_inverse=True)
    alive = np.array([log.truth.alive(int(ts)) for ts in hour])
    weighted = log.watched[first] / (log.propensity[first] * alive.sum(axis=1)[request])
    some = np.random.default_rng(0).choice(len(first), 2000)
    heads = log.truth.heads(log.member[first[some]], log.ts[first[some]], device=log.device[first[some]])
    uniform = np.mean(heads["watch"], axis=1, where=alive[request[some]])
    noise = np.hypot(weighted.std() / np.sqrt(len(weighted)), uniform.std() / np.sqrt(len(uniform)))
    assert abs(weighted.mean() - uniform.mean()) < 3 * noise
    assert abs(log.watched[first].mean() - uniform.mean()) > 10 * noise


def test_examination_is_recovered_from_the_slots_left_to_chance():
    log = joined(FORGETFUL)
    weight = 1 / log.propensity
    rates = np.array([(weight * log.watched)[log.position == k].mean() for k in range(1, 21)])
    slope = np.polyfit(np.log(np.arange(1, 21)), np.log(rates), 1)[0]
    assert slope == pytest.approx(-FORGETFUL.eta, abs=0.06)
    np.testing.assert_allclose(log.truth.examination, np.arange(1, 21) ** -0.6)


def test_what_is_shown_is_alive_and_members_have_signed_up():
    log = joined(WORLD)
    catalogue, people = log.truth.catalogue, log.truth.people
    assert (catalogue.published[log.video] < log.ts).all()
    assert (log.ts < catalogue.withdrawn[log.video]).all()
    assert (people.signup[log.member] < log.ts).all()
    entities = log.events.entities["video"]
    gone = entities["available"] == 0.0
    assert gone.sum() > 20
    withdrawn = catalogue.withdrawn[catalogue.withdrawn < WORLD.stop]
    np.testing.assert_array_equal(entities["ts"][gone], np.sort(withdrawn))
    for video, ts in zip(number(entities["key"][gone]), entities["ts"][gone], strict=True):
        assert log.truth.alive(int(ts) - 1)[video]
        assert not log.truth.alive(int(ts))[video]


def test_outcomes_come_after_their_decisions_and_ids_are_unique():
    log = joined(WORLD)
    decisions, watches = log.events.decisions, log.events.outcomes["watch"]
    on_page = watches["decision"] != b""
    row = number(watches["decision"][on_page])
    np.testing.assert_array_equal(decisions["id"][row], watches["decision"][on_page])
    np.testing.assert_array_equal(decisions["member"][row], watches["member"][on_page])
    assert (watches["ts"][on_page] > decisions["ts"][row] + SECOND * watches["value"][on_page]).all()
    assert (~on_page).sum() / on_page.sum() == pytest.approx(WORLD.organic, abs=0.01)
    ids = np.concatenate([table["id"].astype("S20") for _, table in log.events.tables()])
    assert len(np.unique(ids)) == len(ids)


def test_each_day_is_a_batch_ordered_by_ts_and_late_outcomes_come_with_the_next():
    first, *days = WORLD.events()
    assert not len(first.decisions["ts"])
    assert max(table["ts"].max() for table in first.entities.values()) < WORLD.start
    late = total = 0
    for day, batch in enumerate(days):
        midnight = WORLD.start + day * DAY
        for name, table in batch.tables():
            assert (np.diff(table["ts"]) >= 0).all()
            assert (table["ts"] < midnight + DAY).all() or day == WORLD.days
            assert (table["ts"] >= midnight).all() or name == "outcome watch"
        late += (batch.outcomes["watch"]["ts"] < midnight).sum()
        total += len(batch.outcomes["watch"]["ts"])
    assert late / total == pytest.approx(WORLD.late, abs=0.02)


def test_nothing_is_begun_twice_where_nothing_is_watched_again():
    log = joined(VideoWorld(members=500, days=8, videos=80, new_videos=1, rewatch=0.0, organic=0.0, rewatch_days=4.0))
    begun = np.flatnonzero(log.seconds)
    begun = begun[np.lexsort((log.ts[begun], log.video[begun], log.member[begun]))]
    same = (np.diff(log.member[begun]) == 0) & (np.diff(log.video[begun]) == 0)
    # Memory is brought up to date on the hour.
    gap = np.diff(log.ts[begun] // HOUR)[same]
    assert ((gap == 0) | (gap >= 4 * 24)).all()
    assert (gap >= 4 * 24).sum() > 20


@pytest.mark.parametrize("difficulty", ["easy", "middle", "hard"])
def test_who_knows_tastes_beats_popularity_which_beats_chance(difficulty):
    world = VideoWorld(members=400, days=6, videos=2000, difficulty=difficulty)
    truth, ts = world.truth(), world.stop - DAY
    alive = truth.alive(ts)
    real = truth.heads(np.arange(200), ts)["watch"][:, alive]
    stale = truth.heads(np.arange(200), world.start)["watch"][:, alive]

    def relevance(scores: Column) -> float:
        best = np.argpartition(-scores, 20, axis=1)[:, :20]
        return float(np.take_along_axis(real, best, axis=1).mean())

    popular = np.broadcast_to(truth.catalogue.quality[alive], real.shape)
    assert relevance(real) > 1.05 * relevance(stale) > 1.2 * relevance(popular) > 2 * real.mean()


def test_decisions_grow_with_members_and_days():
    def decided(members: int, days: int) -> int:
        world = VideoWorld(members=members, days=days, videos=100, new_videos=1, joining=0.0)
        return sum(len(batch.decisions["ts"]) for batch in world.events())

    one = decided(800, 2)
    assert decided(2400, 2) == pytest.approx(3 * one, rel=0.15)
    assert decided(800, 6) == pytest.approx(3 * one, rel=0.15)
    assert one == pytest.approx(800 * 2 * 1.7, rel=0.15)


def test_a_world_of_one_idle_member_has_no_decisions():
    batches = list(VideoWorld(members=1, days=2, videos=80, visits=0.0).events())
    assert len(batches) == 3
    assert not sum(len(batch.decisions["ts"]) for batch in batches)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"members": 0}, "members is 0; expected at least 1"),
        ({"late": 1.5}, "late is 1.5; expected a share between 0 and 1"),
        ({"withdrawn": 0.6}, "withdrawn is 0.6; expected a share between 0 and 0.5"),
        ({"difficulty": "midle"}, "did you mean 'middle'"),
        ({"videos": 10}, "videos is 10; expected at least four slates, 80"),
        ({"start": 1}, "start is 1 us; expected a midnight UTC"),
    ],
)
def test_a_wrong_knob_is_named(knobs, message):
    with pytest.raises(DesignError, match=message):
        VideoWorld(**knobs)
