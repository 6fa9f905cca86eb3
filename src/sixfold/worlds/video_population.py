"""Who and what the video world is made of: members with tastes, videos with genres, and how hard it is.

Tastes and videos are vectors in one latent space of `dims` dimensions; a genre, a country and an age band
are directions in it. So attributes tell a part, and the behaviour of others tells the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..events.schema import SEP
from ..types import Floats, Table, Times

Strings = NDArray[np.bytes_]
Rng = np.random.Generator

DEVICES = np.array([b"phone", b"tv", b"web"])
_DEVICE_SHARES = np.array([0.55, 0.3, 0.15])
_COUNTRIES = np.array([b"US", b"IN", b"BR", b"DE", b"JP", b"FR", b"NG", b"MX"])
_COUNTRY_SHARES = np.array([0.3, 0.2, 0.12, 0.1, 0.1, 0.08, 0.05, 0.05])
_AGE_BANDS = np.array([b"13-17", b"18-24", b"25-34", b"35-49", b"50-64", b"65+"])
_AGE_SHARES = np.array([0.08, 0.22, 0.28, 0.24, 0.12, 0.06])
_GENRES = np.array(
    b"drama comedy music news sport gaming science travel cooking crime history fashion "
    b"animation nature horror business education fitness cars crafts".split()
)


class Difficulty(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is to learn, and how well the earlier system, which wrote the log, had learned it."""

    dims: int
    """Dimensions of tastes and videos."""
    taste: float
    """Standard deviation of a member's affinity over the videos, in logits."""
    own: float
    """Share of a video's vector that its genres do not tell (half of it its creator's)."""
    drift: float
    """Size of the part of a taste that moves, relative to the part that stays."""
    tail: float
    """The odds of a watch by video have a Pareto tail of index 1 / tail."""
    blur: float
    """Standard deviation of the noise in a video's content embedding; its signal has 1."""
    error: float
    """Standard deviation of the logging policy's error about a video's quality, in logits."""
    match: float
    """How much of the affinity of a member's segment the logging policy acts on, 0 to 1."""


DIFFICULTIES: Mapping[str, Difficulty] = {
    "easy": Difficulty(dims=5, taste=1.6, own=0.25, drift=0.25, tail=0.25, blur=0.5, error=0.2, match=0.5),
    "middle": Difficulty(dims=8, taste=1.5, own=0.4, drift=0.35, tail=0.35, blur=1.0, error=0.3, match=0.35),
    "hard": Difficulty(dims=16, taste=1.2, own=0.6, drift=0.5, tail=0.45, blur=2.0, error=0.5, match=0.2),
}
"""Measured on the default world (5000 members, 30 days, 4.6 M places shown), at the 25th evening: the mean true
P(watched >= 30 s | examined) of 20 videos chosen by chance, by true quality alone, by matrix factorisation of the
25 days of watches (iALS, 8 factors), by the tastes of the first day, and by the truth of that evening. Then the ROC
AUC on logged rows of the true probability, position included: the most that any model can reach.

    difficulty   chance  quality  iALS   stale  truth   ceiling
    easy         0.037   0.106    0.215  0.281  0.359   0.836
    middle       0.040   0.180    0.253  0.337  0.430   0.843
    hard         0.047   0.263    0.283  0.395  0.512   0.838

Where it is hard, quality tells more and taste is spread over more dimensions, so that counting watches (0.277)
is nearly as good as factorising them; where it is easy, factorising gains 75 % over counting (0.123).
"""


@dataclass(frozen=True, slots=True)
class Members:
    """m members in the order they signed up.

    id, country, age_band (m,) S; signup (m,) int64 us; activity (m,) float64, mean about 1, 0 where inactive;
    devices (m, 3) float64, how each likes `DEVICES`; tastes (days + 1, m, dims) float32 by day.
    """

    id: Strings
    country: Strings
    age_band: Strings
    signup: Times
    activity: NDArray[np.float64]
    devices: NDArray[np.float64]
    tastes: Floats

    def entities(self, rows: NDArray[np.integer]) -> Table:
        """Entity events of these members, at their signup."""
        return {
            "id": names(b"em", rows),
            "ts": self.signup[rows],
            "key": self.id[rows],
            "country": self.country[rows],
            "age_band": self.age_band[rows],
            "signup": self.signup[rows] / 1e6,
        }


@dataclass(frozen=True, slots=True)
class Videos:
    """v videos in the order they were published.

    id, genre (many-valued), creator (v,) S; length_s (v,) float32; published, withdrawn (v,) int64 us, on the
    hour; quality (v,) float32 logits; vector (v, dims) and embedding (v, 16) float32.
    """

    id: Strings
    genre: Strings
    creator: Strings
    length_s: Floats
    published: Times
    withdrawn: Times
    quality: Floats
    vector: Floats
    embedding: Floats

    def entities(self, rows: NDArray[np.integer], *, available: bool) -> Table:
        """Entity events of these videos: at their publication, or where not available at their withdrawal."""
        ts = self.published if available else self.withdrawn
        return {
            "id": names(b"ev" if available else b"ew", rows),
            "ts": ts[rows],
            "key": self.id[rows],
            "genre": self.genre[rows],
            "creator": self.creator[rows],
            "length_s": self.length_s[rows].astype(np.float64),
            "published": self.published[rows] / 1e6,
            "available": np.full(len(rows), float(available)),
            "embedding": self.embedding[rows],
        }


def draw_genres(hard: Difficulty, rng: Rng) -> Floats:
    """The direction of each genre: (genres, dims) float32 of length sqrt(dims)."""
    return _scaled(rng.standard_normal((len(_GENRES), hard.dims)))


def draw_members(hard: Difficulty, genres: Floats, signup: Times, days: int, rng: Rng) -> Members:
    """Members who sign up at these ts: a taste is two to four favourite genres, a country, an age and a self."""
    m = len(signup)
    country, age = rng.choice(len(_COUNTRIES), m, p=_COUNTRY_SHARES), rng.choice(len(_AGE_BANDS), m, p=_AGE_SHARES)
    liking = rng.gamma(0.15, size=(m, len(genres)))
    taste = _scaled(liking @ genres) + 0.35 * rng.standard_normal((m, hard.dims))
    taste += 0.4 * rng.standard_normal((len(_COUNTRIES), hard.dims))[country]
    taste += 0.4 * rng.standard_normal((len(_AGE_BANDS), hard.dims))[age]
    activity = np.minimum(rng.lognormal(-0.5, 1.0, m), 12.0) * (rng.random(m) > 0.08)
    return Members(
        id=names(b"m", np.arange(m)),
        country=_COUNTRIES[country],
        age_band=_AGE_BANDS[age],
        signup=signup,
        activity=activity,
        devices=rng.gamma(3 * _DEVICE_SHARES, size=(m, len(DEVICES))) + 1e-3,
        tastes=_walk(_scaled(taste), hard.drift, days, rng),
    )


def draw_videos(hard: Difficulty, genres: Floats, published: Times, withdrawn: Times, rng: Rng) -> Videos:
    """Videos published at these ts, of one to three genres, by creators who have a style and a level."""
    v = len(published)
    creator = rng.integers(max(v // 15, 1), size=v)
    style = rng.standard_normal((v, hard.dims))[creator]
    member_of = _draw_memberships(v, rng)
    own = _scaled(style + rng.standard_normal((v, hard.dims)))
    vector = _scaled(np.sqrt(1 - hard.own) * _scaled(member_of @ genres) + np.sqrt(hard.own) * own)
    quality = hard.tail * (rng.exponential(size=v) - 1) + 0.2 * rng.standard_normal(v)[creator]
    view = rng.standard_normal((hard.dims, 16)) / np.sqrt(hard.dims)
    return Videos(
        id=names(b"v", np.arange(v)),
        genre=_spelled(member_of),
        creator=names(b"c", creator),
        length_s=np.clip(rng.lognormal(np.log(480), 0.9, v), 45, 10_800).astype(np.float32),
        published=published,
        withdrawn=withdrawn,
        quality=quality.astype(np.float32),
        vector=vector,
        embedding=(vector @ view + hard.blur * rng.standard_normal((v, 16))).astype(np.float32),
    )


def names(prefix: bytes, numbers: NDArray[np.integer]) -> Strings:
    """Ids such as b"m17".

    >>> names(b"m", np.array([17]))
    array([b'm17'], dtype='|S3')
    """
    width = len(str(int(numbers.max(initial=0))))
    return np.strings.add(prefix, numbers.astype(f"S{width}"))


def _draw_memberships(v: int, rng: Rng) -> NDArray[np.bool_]:
    """(v, genres): which one to three genres each video has; few genres are common, most are rare."""
    count = rng.choice([1, 2, 3], size=v, p=[0.5, 0.35, 0.15])
    appeal = -0.7 * np.log(np.arange(1, len(_GENRES) + 1)) + rng.gumbel(size=(v, len(_GENRES)))
    place = np.argsort(np.argsort(-appeal, axis=1), axis=1)
    chosen: NDArray[np.bool_] = place < count[:, None]
    return chosen


def _spelled(member_of: NDArray[np.bool_]) -> Strings:
    """The genres of each video in one string, apart by `SEP`."""
    out = np.zeros(len(member_of), "S1")
    for genre, has in zip(_GENRES, member_of.T, strict=True):
        link = np.where(has & (out != b""), SEP, b"")
        out = np.strings.add(out, np.strings.add(link, np.where(has, genre, b"")))
    return out


def _walk(base: Floats, drift: float, days: int, rng: Rng) -> Floats:
    """(days + 1, m, dims): each day's tastes, an Ornstein-Uhlenbeck walk around `base` that forgets 1/10 a day."""
    keep = 0.9
    out = np.empty((days + 1, *base.shape), np.float32)
    away = drift * rng.standard_normal(base.shape, dtype=np.float32)
    for day in range(days + 1):
        out[day] = (base + away) / np.sqrt(1 + drift**2)
        step = rng.standard_normal(base.shape, dtype=np.float32)
        away = keep * away + np.sqrt(1 - keep**2) * drift * step
    return out


def _scaled(vectors: NDArray[Any]) -> Floats:
    """Each row at length sqrt(dims): then the affinity of two unrelated rows has a variance of 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    out: Floats = (vectors * np.sqrt(vectors.shape[1]) / np.maximum(length, 1e-9)).astype(np.float32)
    return out
