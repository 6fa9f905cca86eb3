"""The members of the video world as they meet a running service: who asks when, and what they do with what they are shown.

Chances are those of `video_truth`; draws are laid out before anything is shown, two numbers for each ask and place, so that
the same seed gives the same asks and, for the same slates, the same watches.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..events.schema import Events
from ..types import DAY, SECOND, Floats, Rows, Table
from .seen import Seen
from .video import VideoWorld, entities
from .video_population import DEVICES, names
from .video_shift import shifted
from .video_truth import Truth
from .video_visits import GLANCE_S, Requests, draw_requests, flat, keys
from .visits import Strings, Visits

_ASKS, _DRAWS = 3, 4
"""Set the draws of a live run apart from those of the world's own log."""

Doubles = NDArray[np.float64]


@dataclass
class VideoLive:
    """A world that goes on after its log. It remembers what its members watched; nothing else of it changes."""

    world: VideoWorld
    truth: Truth
    _seen: Seen = field(default_factory=Seen)

    @classmethod
    def of(cls, world: VideoWorld, *, shift_at: int | None = None) -> VideoLive:
        """The world alive; from the day of ts `shift_at` on tastes are others (`video_shift`)."""
        truth = world.truth()
        return cls(world, truth if shift_at is None else shifted(truth, shift_at, world.seed))

    @property
    def items(self) -> Strings:
        """(v,) S: the id of each column of `heads`."""
        return self.truth.items

    @property
    def examination(self) -> Doubles:
        """(size,): P(examined) of each place."""
        return self.truth.examination

    def remember(self, events: Events) -> None:
        """Take in what members watched: a video that was begun lately is hardly begun again."""
        watches = events.outcomes.get("watch")
        if watches is not None and len(watches["ts"]):
            member, video = _numbers(self.truth.members, watches["member"]), _numbers(self.items, watches["video"])
            until = watches["ts"] + int(self.truth.rewatch_days * DAY)
            self._seen = self._seen.add(keys(self.truth, member, video), until)

    def forget(self, ts: int) -> None:
        """Let go of what is out of memory at ts."""
        self._seen = self._seen.since(ts)

    def news(self, first: int, stop: int) -> Events:
        """What comes to be known of members and videos with first <= ts < stop."""
        return entities(self.truth, first, stop)

    def visits(self, first: int, stop: int) -> Visits:
        """Who asks with first <= ts < stop, within one day."""
        midnight = first // DAY * DAY
        rng = np.random.default_rng((self.world.seed, _ASKS, midnight // DAY))
        day = draw_requests(self.truth, self.world.visits, midnight, rng)
        asks = day.part(slice(*np.searchsorted(day.ts, [first, stop])))
        return Visits(first, asks.ts, self.truth.members[asks.member], {"device": DEVICES[asks.device]})

    def heads(self, visits: Visits) -> dict[str, Floats]:
        """The true heads of every video for each ask (n, v): P(watch), that it was begun lately counted in, and seconds."""
        asks, videos = self._requests(visits), len(self.items)
        heads = self.truth.heads(asks.member, asks.ts, device=asks.device)
        pairs = (asks.member[:, None].astype(np.int64) * videos + np.arange(videos)).ravel()
        again = self._seen.has(pairs, np.repeat(asks.ts, videos)).reshape(len(asks), videos)
        return heads | {"watch": np.where(again, np.float32(self.truth.rewatch), np.float32(1)) * heads["watch"]}

    def alive(self, visits: Visits) -> NDArray[np.bool_]:
        """(v,): what can be shown when these asks begin."""
        return self.truth.alive(visits.start)

    def answer(self, visits: Visits, decisions: Strings, items: Strings) -> Events:
        """The watches that come of slates (n, k) of ids, b"" where a place is empty, by the ids of their decisions (n,)."""
        rng = np.random.default_rng((self.world.seed, _DRAWS, visits.start // SECOND))
        shape = (len(visits), len(self.examination))
        chance, patience = rng.random(shape), rng.exponential(size=shape)
        items = items[:, : shape[1]]
        rows, size = _numbers(self.items, items), items.shape[1]
        begins, tau = self.chances(visits, rows)
        begun = (items != b"") & (chance[:, :size] < begins)
        seconds = np.where(begun, np.minimum(tau * patience[:, :size], self.truth.catalogue.length_s[rows]), 0.0)
        # From the top down, one after the other.
        ends = visits.ts[:, None] + (SECOND * np.cumsum(GLANCE_S + seconds, axis=1)).astype(np.int64)
        ask, place = np.nonzero(begun)
        table: Table = {
            "id": np.strings.add(decisions[ask], names(b"-", place + 1)),
            "ts": ends[begun],
            "decision": decisions[ask],
            "value": seconds[begun],
            "member": visits.member[ask],
            "video": items[begun],
        }
        watches = Events(outcomes={"watch": table})
        self.remember(watches)
        return watches

    def chances(self, visits: Visits, rows: Rows) -> tuple[Doubles, Doubles]:
        """P(begun) of every place of slates (n, k) of rows, and the mean seconds of a watch that no end of a video cuts off."""
        member, video, ts, device = flat(self._requests(visits), rows)
        start, tau = self.truth.interest(member, video, ts, device)
        start[self._seen.has(keys(self.truth, member, video), ts)] *= self.truth.rewatch
        begins = start.reshape(rows.shape) * self.examination[: rows.shape[1]]
        return begins, tau.reshape(rows.shape).astype(np.float64)

    def _requests(self, visits: Visits) -> Requests:
        return Requests(
            visits.ts, _numbers(self.truth.members, visits.member), np.searchsorted(DEVICES, visits.context["device"])
        )


def _numbers(known: Strings, wanted: Strings) -> Rows:
    """The row of each id among those known, 0 for b"". Raises DataError for one that is of another world."""
    order = np.argsort(known)
    at = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    strange = wanted[(known[at] != wanted) & (wanted != b"")]
    if len(strange):
        raise DataError(
            f"{strange[0].decode()!r} is not of this world: the log came from another one; choose another --dir"
        )
    return np.where(wanted == b"", 0, at).astype(np.int32)
