"""The words by which a design names features: each gives a spec of `spec.py`."""

from __future__ import annotations

from .given import Given
from .spec import (
    SHOWN,
    Age,
    Attribute,
    Bucket,
    Context,
    Count,
    Expected,
    Expression,
    Hour,
    Open,
    Position,
    Rate,
    Similarity,
    Stream,
    Taste,
    Way,
    Weekday,
)


def attribute(path: str, *, top: int = 20) -> Attribute:
    """`attribute("item.genre")`: an entity's value as of the request."""
    return Attribute(path, top)


def context(name: str, *, top: int = 10) -> Context:
    """`context("device")`: a value of the request itself."""
    return Context(name, top)


def age(path: str) -> Age:
    """`age("item.published")`: how old, at the request."""
    return Age(path)


def hour() -> Hour:
    """The hour of day as two columns, by the clock of `requirements.timezone`."""
    return Hour()


def weekday() -> Weekday:
    """The day of the week, Monday 0, by the clock of `requirements.timezone`."""
    return Weekday()


def position() -> Position:
    """The position shown at."""
    return Position()


def similarity(path: str, *, half_life: str = "30d") -> Similarity:
    """`similarity("video.embedding")`: how near an item's vector is to those of what the member liked lately."""
    return Similarity(path, half_life)


def taste(*of: str, given: str | tuple[str, ...] = (), half_life: str = "30d", factors: int = 8) -> Taste:
    """`taste("video.embedding", "video.genre", given="member.country")`: how well an item suits what is known of a taste."""
    return Taste(of, _by(given), half_life, factors)


def bucket(key: str, buckets: int = 256) -> Bucket:
    """`bucket("store")`: the hash of an id as one number; 'sixfold ask ids' says what it is worth."""
    return Bucket(key, buckets)


def count(stream: str | Stream, *, by: str | tuple[str, ...] = (), window: str, tiles: int = 8) -> Count:
    """`count("watch", by="video", window="7d")`: events in a sliding window."""
    return Count(_stream(stream), _by(by), window, tiles)


def rate(
    stream: str | Stream,
    *,
    per: str | Stream = SHOWN,
    by: str | tuple[str, ...] = (),
    half_life: str,
    prior: float = 20.0,
) -> Rate:
    """`rate("watch", per="shown", by="video", half_life="1d")`: a smoothed, decayed rate."""
    return Rate(_stream(stream), _stream(per), _by(by), half_life, prior)


def mean(
    stream: str | Stream,
    *,
    by: str | tuple[str, ...] = (),
    half_life: str,
    prior: float = 20.0,
    over: Expected | None = None,
) -> Rate:
    """`mean("watch", by="video", half_life="7d")`: the smoothed, decayed mean value of an outcome.

    With `over=expected("done", ...)` of how much longer than expected it took, as log(value / expected).
    """
    of = _stream(stream) if over is None else Stream(_stream(stream).name, _stream(stream).at_least, over)
    return Rate(of, of, _by(by), half_life, prior, values=True)


def expression(formula: str) -> Expression:
    """`expression("waiting / (helpers + 1)")`: a formula of numbers of the request."""
    return Expression(formula)


def expected(outcome: str, *given: Given) -> Expected:
    """`expected("done", context("waiting"), hour())`: the seconds an outcome takes by what is given alone."""
    return Expected(outcome, given)


def under_way(*until: str, by: str | tuple[str, ...] = (), half_life: str = "2h") -> Open:
    """`under_way("delivered", "cancelled", by="store")`: decisions that have not ended, such as open orders."""
    return Open(until, _by(by), half_life)


def distance(start: str, stop: str) -> Way:
    """`distance("store", "context.drop")`: how far, in log kilometres."""
    return Way(start, stop, "distance")


def offsets(start: str, stop: str) -> Way:
    """How far to the north and to the east apart, each in log kilometres, signed."""
    return Way(start, stop, "offsets")


def bearing(start: str, stop: str) -> Way:
    """In which direction, as sine and cosine."""
    return Way(start, stop, "bearing")


def at_least(stream: str, value: float) -> Stream:
    """`at_least("watch", 30)`: a stream of only the outcomes with a value of 30 and more."""
    return Stream(stream, value)


def _stream(stream: str | Stream) -> Stream:
    return Stream(stream) if isinstance(stream, str) else stream


def _by(by: str | tuple[str, ...]) -> tuple[str, ...]:
    return (by,) if isinstance(by, str) else tuple(by)
