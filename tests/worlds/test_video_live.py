"""Members who meet a service: what they do is drawn from the world's truth, and from nothing else."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.events.schema import Events, concat
from sixfold.types import DAY
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_live import VideoLive
from sixfold.worlds.video_population import DEVICES
from sixfold.worlds.video_truth import WATCHED_S
from sixfold.worlds.video_visits import HOUR
from sixfold.worlds.visits import Visits

WORLD = VideoWorld(members=150, days=6, videos=120, new_videos=6, withdrawn=0.2, slate=8, visits=4.0, rate=0.2)
EVENING = WORLD.start + 3 * DAY + 20 * HOUR
TRUTH = WORLD.truth()
SEEDS = 200


def live(seed: int = 0) -> VideoLive:
    return VideoLive(msgspec.structs.replace(WORLD, seed=seed), TRUTH)


@pytest.fixture(scope="module")
def visits() -> Visits:
    found = live().visits(EVENING, EVENING + HOUR)
    assert len(found) > 20
    return found


@pytest.fixture(scope="module")
def rows(visits) -> np.ndarray:
    alive = np.flatnonzero(TRUTH.alive(EVENING))
    rng = np.random.default_rng(1)
    return np.array([rng.permutation(alive)[:8] for _ in range(len(visits))], np.int32)


def decisions(visits: Visits) -> np.ndarray:
    return np.array([f"d{row}".encode() for row in range(len(visits))])


def places(watches: Events, visits: Visits, rows: np.ndarray) -> np.ndarray:
    """(n, k) seconds watched of each place, 0 where not begun, as the events have it."""
    table = watches.outcomes["watch"]
    out = np.zeros(rows.shape)
    ask = np.strings.lstrip(table["decision"], b"d").astype(int)
    place = np.array([int(one.split(b"-")[1]) - 1 for one in table["id"].tolist()], int)
    assert (TRUTH.items[rows[ask, place]] == table["video"]).all() and (visits.member[ask] == table["member"]).all()
    out[ask, place] = table["value"]
    return out


def test_the_same_seed_gives_the_same_asks_and_the_same_watches(visits, rows):
    again = live().visits(EVENING, EVENING + HOUR)
    assert (again.ts == visits.ts).all() and (again.member == visits.member).all()
    assert (again.context["device"] == visits.context["device"]).all()
    one, two = (live().answer(visits, decisions(visits), TRUTH.items[rows]).outcomes["watch"] for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)
    assert len(live(1).visits(EVENING, EVENING + HOUR)) != len(visits)


def test_what_happens_at_one_place_does_not_depend_on_the_others(visits, rows):
    other = rows.copy()
    other[0, 0] = np.setdiff1d(np.flatnonzero(TRUTH.alive(EVENING)), rows[0])[0]
    one, two = (
        places(live().answer(visits, decisions(visits), TRUTH.items[shown]), visits, shown) for shown in (rows, other)
    )
    one[0, 0] = two[0, 0] = 0.0
    assert (one == two).all() and one.any()


def test_frequencies_are_the_truths_probabilities(visits, rows):
    """By tenth of the probability, over the draws of many seeds: begun, watched 30 s, and for how long."""
    device = np.searchsorted(DEVICES, visits.context["device"])
    member = np.strings.lstrip(visits.member, b"m").astype(int)
    flat = (np.repeat(member, 8), rows.ravel(), np.repeat(visits.ts, 8), np.repeat(device, 8))
    pairs, looked = TRUTH.pairs(*flat), np.tile(TRUTH.examination, len(visits))
    begins = live().chances(visits, rows)[0].ravel()
    np.testing.assert_allclose(begins, TRUTH.interest(*flat)[0] * looked, rtol=1e-6)
    drawn = [
        places(live(seed).answer(visits, decisions(visits), TRUTH.items[rows]), visits, rows).ravel()
        for seed in range(SEEDS)
    ]
    seconds = np.array(drawn)
    watched = seconds >= WATCHED_S
    for expected, happened in ((begins, seconds > 0), (pairs["watch"] * looked, watched)):
        for part in np.array_split(np.argsort(expected), 10):
            chance, n = expected[part].mean(), happened[:, part].size
            assert abs(happened[:, part].mean() - chance) < 4 * np.sqrt(chance / n), chance
    beyond = (seconds - pairs["seconds"])[watched]
    assert abs(beyond.mean()) < 4 * beyond.std() / np.sqrt(len(beyond))


def test_heads_are_the_truths_own(visits):
    heads = live().heads(visits)
    member = np.strings.lstrip(visits.member, b"m").astype(int)
    device = np.searchsorted(DEVICES, visits.context["device"])
    every = np.arange(len(TRUTH.items))
    pairs = TRUTH.pairs(np.repeat(member, len(every)), np.tile(every, len(visits)), np.repeat(visits.ts, len(every)),
                        np.repeat(device, len(every)))  # fmt: skip
    for name in ("watch", "seconds"):
        np.testing.assert_allclose(heads[name].ravel(), pairs[name], rtol=1e-4)


def test_what_was_watched_lately_is_hardly_begun_again(visits, rows):
    fresh, told = live(), live()
    told.remember(fresh.answer(visits, decisions(visits), TRUTH.items[rows]))
    watched = told._seen
    assert len(watched.keys)
    factor = told.heads(visits)["watch"] / live().heads(visits)["watch"]
    assert set(np.round(np.unique(factor), 4).tolist()) == {np.float32(WORLD.rewatch).round(4).item(), 1.0}
    told.forget(EVENING + 8 * DAY)
    assert (told.heads(visits)["watch"] == live().heads(visits)["watch"]).all()


def test_watches_end_in_order_after_the_ask(visits, rows):
    table = live().answer(visits, decisions(visits), TRUTH.items[rows]).outcomes["watch"]
    asked = dict(zip(decisions(visits).tolist(), visits.ts.tolist(), strict=True))
    assert all(ts > asked[id] for ts, id in zip(table["ts"].tolist(), table["decision"].tolist(), strict=True))


def test_an_empty_place_is_not_watched(visits, rows):
    shown = TRUTH.items[rows].copy()
    shown[:, 3:] = b""
    watches = live().answer(visits, decisions(visits), shown).outcomes["watch"]
    assert set(np.unique([one.split(b"-")[1] for one in watches["id"].tolist()])) <= {b"1", b"2", b"3"}


def test_a_video_of_another_world_is_refused(visits):
    with pytest.raises(DataError, match="'v99999' is not of this world"):
        live().answer(visits, decisions(visits), np.full((len(visits), 8), b"v99999"))


def test_a_days_news_are_those_of_the_worlds_own_log():
    batches = list(WORLD.events())
    logged = batches[4]
    midnight = WORLD.start + 3 * DAY
    told = concat([live().news(hour, hour + HOUR) for hour in range(midnight, midnight + DAY, HOUR)])
    for of, table in logged.entities.items():
        assert table["id"].tolist() == told.entities[of]["id"].tolist() and len(table["id"])


@pytest.mark.parametrize("day", [4, 30], ids=["within the world's days", "after them"])
def test_a_shift_gives_other_tastes_from_its_day_on_and_changes_nothing_before(day):
    def affinity(alive: VideoLive, ts: int) -> np.ndarray:
        members = np.arange(len(TRUTH.members))
        return alive.truth._tastes(members, np.full(len(members), ts)) @ TRUTH.catalogue.vector.T

    at = WORLD.start + day * DAY
    shifted = VideoLive.of(WORLD, shift_at=at)
    assert (affinity(shifted, at - 1) == affinity(live(), at - 1)).all()
    for after in (at, at + 5 * DAY):
        old, new = affinity(live(), after), affinity(shifted, after)
        assert abs(np.corrcoef(old.ravel(), new.ravel())[0, 1]) < 0.3
        assert new.std() == pytest.approx(old.std(), rel=0.3)
        # Half of what tells videos apart is the same for all members: the fashion.
        assert 0.3 < new.mean(axis=0).var() / new.var() < 0.7 and old.mean(axis=0).var() / old.var() < 0.2
    again = VideoLive.of(WORLD, shift_at=at)
    assert (again.truth.people.tastes == shifted.truth.people.tastes).all()
    assert (TRUTH.people.tastes == WORLD.truth().people.tastes).all()
