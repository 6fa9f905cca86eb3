"""A home page of videos as events, from members whose tastes are known.

    world = VideoWorld(members=5000, days=30)
    for events in world.events(): ...      # what a system would see, a batch a day
    world.truth().heads(rows, ts)          # what is really so

Twelve thousand members over thirty days are 10.5 M shown places: 10 s on one core, 0.3 GB where all is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np

from ..errors import DesignError, nearest
from ..events.schema import Events, concat_tables, take
from ..types import DAY, SECOND, Table, Times
from .plackett import Slates
from .seen import Seen
from .video_earlier import Earlier, draw_earlier
from .video_pilot import solve_base
from .video_population import DIFFICULTIES, Rng, draw_genres, draw_members, draw_videos, names
from .video_truth import Truth
from .video_visits import HOUR, Requests, Watches, draw_requests, keys, search, watch

_NEVER = np.iinfo(np.int64).max
_POPULATION, _PILOT, _DAYS = range(3)


class VideoWorld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The knobs of the world; same knobs, same bytes."""

    members: int = 5000
    """Members at the end; `joining` of them sign up during the days."""
    days: int = 30
    difficulty: Literal["easy", "middle", "hard"] = "middle"
    seed: int = 0
    start: int = 1_767_225_600 * SECOND
    """The first midnight, us; 2026-01-01 UTC unless told."""
    videos: int = 4000
    """Videos at the start."""
    new_videos: int = 40
    """Videos published each day."""
    withdrawn: float = 0.05
    """Share of all videos that are withdrawn at some time after the start, if the days last that long."""
    slate: int = 20
    visits: float = 1.7
    """Requests a day of the mean member; few make many."""
    joining: float = 0.2
    rate: float = 0.02
    """Share of shown videos that are watched 30 s or more; the intercept is solved for it."""
    eta: float = 0.6
    """P(examined at position) = position ** -eta."""
    uniform: float = 0.1
    """Share of slots that the logging policy leaves to chance."""
    rewatch: float = 0.05
    """Factor on P(start) of a video that the member began within `rewatch_days`."""
    rewatch_days: float = 7.0
    late: float = 0.01
    """Share of outcomes that are delivered a day late, with their true ts."""
    organic: float = 0.03
    """Watches found by search, as a share of those that began on the page."""

    def __post_init__(self) -> None:
        for name, least in (("members", 1), ("days", 1), ("new_videos", 0), ("slate", 1), ("seed", 0), ("visits", 0)):
            if getattr(self, name) < least:
                raise DesignError(f"{name} is {getattr(self, name)}; expected at least {least}: raise it")
        shares = {"withdrawn": 0.5, "joining": 1, "uniform": 1, "rewatch": 1, "late": 1, "organic": 1}
        for name, most in shares.items():
            if not 0 <= getattr(self, name) <= most:
                raise DesignError(f"{name} is {getattr(self, name)}; expected a share between 0 and {most}")
        if self.difficulty not in DIFFICULTIES:
            raise DesignError(f"difficulty is {self.difficulty!r}; {nearest(self.difficulty, DIFFICULTIES)}")
        if self.videos < 4 * self.slate:
            raise DesignError(f"videos is {self.videos}; expected at least four slates, {4 * self.slate}: raise it")
        if self.start % DAY or self.start < 0:
            raise DesignError(f"start is {self.start} us; expected a midnight UTC since 1970, a multiple of {DAY}")

    @property
    def stop(self) -> int:
        """The midnight after the last day, us."""
        return self.start + self.days * DAY

    def truth(self) -> Truth:
        """What is really so in this world."""
        return _built(self)[0]

    def events(self) -> Iterator[Events]:
        """First what is known at the start, then a batch for each day, at last what was still to be delivered.

        Tables are ordered by ts. An outcome comes in the batch of the day in which it ends; a late one a day later.
        """
        truth, earlier = _built(self)
        yield entities(truth, -_NEVER, self.start)
        pending: list[Table] = []
        seen, decided, watched = Seen(), 0, 0
        for midnight in range(self.start, self.stop, DAY):
            rng = np.random.default_rng((self.seed, _DAYS, midnight // DAY))
            requests, slates, watches, seen = _day(self, truth, earlier, midnight, seen, rng)
            due = watches.ts + DAY * (rng.random(len(watches.ts)) < self.late)
            outcomes = concat_tables([*pending, _outcomes(watches, decided, watched, due)])
            ready = outcomes["due"] < midnight + DAY
            pending = [take(outcomes, ~ready)]
            known = entities(truth, midnight, midnight + DAY)
            delivered = _delivered(take(outcomes, ready))
            yield Events(known.entities, requests.table(decided), _shown(truth, slates), delivered)
            decided, watched = decided + len(requests), watched + len(watches.ts)
        if len(pending[0]["ts"]):
            yield Events(outcomes=_delivered(pending[0]))


def _built(world: VideoWorld) -> tuple[Truth, Earlier]:
    """The population and the system that logs, with the intercept that gives the wanted rate."""
    hard, rng = DIFFICULTIES[world.difficulty], np.random.default_rng((world.seed, _POPULATION))
    genres = draw_genres(hard, rng)
    published = _published(world, rng)
    truth = Truth(
        people=draw_members(hard, genres, _signups(world, rng), world.days, rng),
        catalogue=draw_videos(hard, genres, published, _withdrawn(world, published, rng), rng),
        start=world.start,
        taste=hard.taste,
        base=0.0,
        examination=np.arange(1.0, world.slate + 1) ** np.float64(-world.eta),
        rewatch=world.rewatch,
        rewatch_days=world.rewatch_days,
    )
    earlier = draw_earlier(truth, hard, world.uniform, rng)
    pilot = np.random.default_rng((world.seed, _PILOT))
    return truth.based(solve_base(truth, earlier, world.rate, world.visits, pilot)), earlier


def _signups(world: VideoWorld, rng: Rng) -> Times:
    """(members,) rising: most in the years before the start, `joining` of them evenly over the days."""
    new = round(world.joining * world.members)
    before = world.start - DAY * np.minimum(rng.exponential(200.0, world.members - new), 1000.0)
    return np.sort(np.concatenate([before, rng.integers(world.start + 1, world.stop, new)]).astype(np.int64))


def _published(world: VideoWorld, rng: Rng) -> Times:
    """(videos in all,) rising, on the hour: a back catalogue, and `new_videos` for each day."""
    before = -24 * np.minimum(rng.exponential(90.0, world.videos), 700.0)
    day = np.repeat(np.arange(world.days), world.new_videos)
    during = 24 * day + rng.integers(1, 24, len(day))
    return world.start + HOUR * np.sort(np.concatenate([before, during]).astype(np.int64))


def _withdrawn(world: VideoWorld, published: Times, rng: Rng) -> Times:
    """(videos in all,): on the hour, a day or more after they could first be seen; for most never."""
    first = np.maximum(published, world.start) + DAY
    at = first + (world.stop - first) * rng.random(len(published)) // HOUR * HOUR
    gone = (rng.random(len(published)) < world.withdrawn) & (first < world.stop)
    return np.where(gone, at.astype(np.int64), _NEVER)


def _day(
    world: VideoWorld, truth: Truth, earlier: Earlier, midnight: int, seen: Seen, rng: Rng
) -> tuple[Requests, Slates, Watches, Seen]:
    """What a day's requests were shown and what was watched, hour by hour, and what is remembered after it."""
    requests = draw_requests(truth, world.visits, midnight, rng)
    seen, shown, watched = seen.since(midnight), [], []
    hours = midnight + HOUR * np.arange(25)
    bounds = np.searchsorted(requests.ts, hours)
    for hour, first, stop in zip(hours[:-1], bounds[:-1], bounds[1:], strict=True):
        part = requests.part(slice(first, stop))
        slates = earlier.slates(truth, part.member, int(hour), world.slate, rng)
        watches = watch(truth, part, slates.items, seen, rng)
        searched = rng.integers(max(len(part), 1), size=rng.poisson(world.organic * len(watches.ts)))
        for some in (watches.shifted(int(first)), search(truth, part.part(searched), rng)):
            seen = seen.add(keys(truth, some.member, some.video), some.ts + int(world.rewatch_days * DAY))
            watched.append(some)
        shown.append(slates)
    return requests, Slates.joined(shown), Watches.joined(watched), seen


def entities(truth: Truth, first: int, stop: int) -> Events:
    """What came to be known of members and videos with first <= ts < stop, ordered by ts."""
    people, catalogue = truth.people, truth.catalogue
    new, old = (np.flatnonzero((first <= ts) & (ts < stop)) for ts in (catalogue.published, catalogue.withdrawn))
    videos = concat_tables([catalogue.entities(new, available=True), catalogue.entities(old, available=False)])
    members = people.entities(np.flatnonzero((first <= people.signup) & (people.signup < stop)))
    return Events({"member": members, "video": take(videos, np.argsort(videos["ts"], kind="stable"))})


def _shown(truth: Truth, slates: Slates) -> Table:
    n, size = slates.items.shape
    return {
        "decision": np.repeat(np.arange(n, dtype=np.int32), size),
        "item": truth.items[slates.items.ravel()],
        "position": np.tile(np.arange(1, size + 1, dtype=np.int16), n),
        "score": slates.score.ravel(),
        "propensity": slates.propensity.ravel(),
    }


def _outcomes(watches: Watches, decided: int, watched: int, due: Times) -> Table:
    """The watches as outcomes numbered from `watched`, of decisions numbered from `decided`; `due` to be taken out."""
    decision = names(b"d", decided + watches.request)
    return {
        "id": names(b"o", watched + np.arange(len(watches.ts))),
        "ts": watches.ts,
        "decision": np.where(watches.request >= 0, decision, b""),
        "value": watches.seconds,
        "member": names(b"m", watches.member),
        "video": names(b"v", watches.video),
        "due": due,
    }


def _delivered(outcomes: Table) -> dict[str, Table]:
    ordered = take(outcomes, np.argsort(outcomes["ts"], kind="stable"))
    return {"watch": {name: column for name, column in ordered.items() if name != "due"}}
