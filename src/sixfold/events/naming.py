"""What the names of files and columns tell of their roles."""

from __future__ import annotations

import re
from pathlib import Path

MEMBERS = frozenset(
    ("user", "member", "customer", "visitor", "client", "account", "reader", "viewer", "listener", "person", "profile",
     "uid", "buyer", "guest", "consumer", "reviewer", "rider")
)  # fmt: skip
_IDS = frozenset(("id", "key", "uuid", "asin", "sku", "uid", "isbn"))
_DECISIONS = frozenset(("request", "decision", "impression", "slate", "search", "query", "session", "list", "page"))
_VALUES = (
    ("rating", "stars", "score", "watch", "play", "dwell", "read", "listen", "duration", "value", "amount",
     "price", "quantity", "count", "weight", "minutes", "seconds")
)  # fmt: skip
_ITEMS = frozenset(("item", "movie", "video", "product", "article", "content", "song", "track", "book", "ad", "post"))
_KINDS = frozenset(("event", "action", "behavior", "behaviour", "interaction", "activity"))
_PLACES = frozenset(("position", "pos", "rank", "slot", "place"))
_HAPPENINGS = (
    ("click", "watch", "view", "like", "buy", "purchase", "order", "book", "convert", "conversion", "play",
     "read", "engage", "share", "save", "install", "label")
)  # fmt: skip
_GENERIC = frozenset(
    ("u", "data", "log", "event", "all", "train", "full", "sample", "table", "item", "interaction", "ml",
     "dat", "csv", "tsv", "txt", "parquet", "json", "jsonl")
)  # fmt: skip
_IRREGULAR = {"movies": "movie", "series": "series", "news": "news", "people": "person", "cookies": "cookie"}


def words(name: str) -> list[str]:
    """The words of a name, lower case: "movieId", "movie_id", "Movie ID" and "movieid" alike give movie, id."""
    found = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return [part for word in found for part in ((word[:-2], "id") if _glued(word) else (word,))]


def _glued(word: str) -> bool:
    return word.endswith("id") and word[:-2] in MEMBERS | _DECISIONS | _ITEMS


def singular(word: str) -> str:
    """One of them: "movies" gives movie, "categories" category."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(sh|ch|x|ss)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def noun_of_column(name: str) -> str:
    """What a column of ids is about: "movie_id" gives movie; "" where the name does not say."""
    parts = [word for word in words(name) if word not in ("id", "key", "code", "no", "hash", "fk")]
    return singular("_".join(parts)) if parts and not re.fullmatch(r"c\d+", name) else ""


def noun_of_file(path: Path) -> str:
    """What a file of entities is about: "movies.dat" gives movie, "u.item" item."""
    named = [singular(word) for word in words(path.name.split(".gz")[0]) if not word.isdigit()]
    telling = [word for word in named if word not in _GENERIC]
    return telling[0] if telling else "item" if "item" in named else ""


def says_id(name: str) -> bool:
    """True for a name such as movie_id, userId, asin, or user."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _IDS or (len(parts) == 1 and singular(parts[0]) in MEMBERS))


def says_member(name: str) -> bool:
    """True for user_id, member, customerKey; not for user_age, which tells of one."""
    parts = [singular(word) for word in words(name) if word not in _IDS or word in MEMBERS]
    return bool(parts) and set(parts) <= MEMBERS


def of_members(path: Path) -> bool:
    """True for a file such as users.csv or u.user."""
    return not MEMBERS.isdisjoint(map(singular, words(path.name)))


def says_decision(name: str) -> bool:
    parts = words(name)
    return bool(parts) and parts[0] in _DECISIONS and (len(parts) == 1 or parts[-1] in ("id", "key", "uuid", "no"))


def says_position(name: str) -> bool:
    return not _PLACES.isdisjoint(words(name))


def says_kind(name: str) -> bool:
    """True for a column that tells what happened: event, action_type, behavior."""
    parts = words(name)
    return bool(parts) and parts[0] in _KINDS and parts[-1] in _KINDS | {"type", "name", "kind"}


def value_rank(name: str) -> int:
    """How well a name fits the value of an outcome: 0 is best, a number past the list not at all."""
    parts = words(name)
    return next((place for place, word in enumerate(_VALUES) if word in parts or word + "s" in parts), len(_VALUES))


def says_value(name: str) -> bool:
    return value_rank(name) < len(_VALUES)


def happening(name: str) -> str:
    """The outcome that a 0/1 column tells of: "is_clicked" gives click; "" where it tells none."""
    for part in words(name):
        for verb in _HAPPENINGS:
            if part in (verb, verb + "ed", verb + "d", verb + "s", verb + "ing"):
                return verb
    return ""


_ASKS = frozenset(
    ("order", "trip", "ride", "job", "delivery", "task", "ticket", "booking", "shipment", "parcel", "appointment")
)
_OF_ASKS = frozenset(("pickup", "dropoff", "courier", "driver", "dasher", "dispatch"))
_ENDED = frozenset(("delivered", "delivery", "dropoff", "dropped", "end", "ended", "finish", "finished", "complete", "completed",
                    "closed", "done", "arrived", "arrival", "resolved"))  # fmt: skip
_TOOK = frozenset(("duration", "taken", "took", "elapsed"))
_FORECAST = frozenset(("estimated", "estimate", "eta", "expected", "promised", "planned", "scheduled", "due", "updated",
                       "modified", "driving"))  # fmt: skip
_UNITS = {"ms": "ms", "millis": "ms", "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "min",
          "mins": "min", "minute": "min", "minutes": "min", "h": "h", "hour": "h", "hours": "h"}  # fmt: skip
_DATED = frozenset(
    ("time", "at", "ts", "date", "datetime", "timestamp", "actual", "on", "taken", "took", "duration", "elapsed")
)
_LATER = frozenset(("fare", "tip", "toll", "tolls", "paid", "refund", "late", "delay", "delayed", "status"))
_VOID = frozenset(("cancel", "cancelled", "canceled", "cancellation", "failed", "rejected", "abandoned"))
_FROM = frozenset(
    ("pickup", "restaurant", "store", "shop", "merchant", "origin", "start", "source", "from", "warehouse")
)
_TO = frozenset(("drop", "dropoff", "delivery", "customer", "destination", "end", "dest", "to", "client", "consumer"))
_LAT, _LON = frozenset(("lat", "latitude")), frozenset(("lon", "lng", "long", "longitude"))


def says_ask(name: str) -> str:
    """What a name says is waited for: "order_id" gives order; "" where it says nothing of the kind."""
    said = (singular(word.removesuffix("data")) for word in words(name))
    return next((one for one in said if one in _ASKS), "")


def of_asks(name: str) -> bool:
    """True for names that come with orders and trips: trip_id, dropoff_at, courier."""
    return bool(says_ask(name)) or not _OF_ASKS.isdisjoint(words(name))


def says_end(name: str) -> bool:
    return not _ENDED.isdisjoint(words(name))


def says_forecast(name: str) -> bool:
    """True where a time or a duration was foretold or kept up, and did not happen: promised_at, estimated_duration."""
    return not _FORECAST.isdisjoint(words(name))


def says_took(name: str) -> bool:
    """True for a duration that something had: Time_taken_min, trip_duration."""
    return not _TOOK.isdisjoint(words(name)) and not says_forecast(name)


def unit_of(name: str) -> str:
    """The unit of a duration, as a mapping has it; "" where the name does not say."""
    return next((_UNITS[word] for word in reversed(words(name)) if word in _UNITS), "")


def says_later(name: str) -> bool:
    """True for what is known only at the end: a fare, a tip, a delay, what has become of it."""
    return not _LATER.isdisjoint(words(name))


def says_void(name: str) -> bool:
    """True for an end after which there is nothing to wait for: cancelled_at."""
    return not _VOID.isdisjoint(words(name))


def ended_by(name: str) -> str:
    """The outcome that a time or a duration tells of: "delivered_at" gives delivered; done where the name does not say."""
    kept = [word for word in words(name) if word not in _DATED and word not in _UNITS and not word.isdigit()]
    return "_".join(kept) or "done"


def place_part(name: str) -> tuple[str, str] | None:
    """Which number of which place a column is: "drop_lat" gives lat, drop; None where it is none."""
    parts = words(name)
    end = next((end for end, known in (("lat", _LAT), ("lon", _LON)) if not known.isdisjoint(parts)), None)
    if end is None:
        return None
    rest = [word for word in parts if word not in _LAT | _LON]
    role = "drop" if not _TO.isdisjoint(rest) else "pickup" if not _FROM.isdisjoint(rest) else ""
    return end, role or "_".join(rest) or "place"
