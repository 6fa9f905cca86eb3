"""Numbers, durations and lists as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from ..evaluation.results import Measure

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def decimals(*values: float | None) -> int:
    """How many decimals show three digits of the largest of these, and four at most unless all are tiny.

    >>> [decimals(x) for x in (0.0273, 0.75, 1.028, 22.1, 428.4, 0.00004)]
    [4, 3, 2, 1, 0, 6]
    """
    largest = max((abs(x) for x in values if x is not None and math.isfinite(x)), default=0.0)
    if not largest:
        return 0
    magnitude = math.floor(math.log10(largest))
    return max(0, min(2 - magnitude, 4) if magnitude >= -3 else 1 - magnitude)


def number(value: float | None, *, places: int | None = None) -> str:
    """A number with three digits, thousands apart; a dash where it is not known.

    >>> number(0.02734), number(1.0312), number(33), number(12345.6).replace(THIN, " "), number(None) == UNKNOWN
    ('0.0273', '1.03', '33', '12 346', True)
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    if isinstance(value, int):
        places = 0
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else MINUS + "\N{INFINITY}"
    text = f"{value:,.{decimals(value) if places is None else places}f}".replace(",", THIN)
    return text.replace("-", MINUS) if text.strip("-0.") else text.lstrip("-")


def given(value: float) -> str:
    """A number that someone wrote down, with the digits it was written with.

    >>> given(0.3), given(100.0), given(1e6).replace(THIN, " "), given(0.99999)
    ('0.3', '100', '1 000 000', '0.99999')
    """
    whole, dot, rest = np.format_float_positional(value, trim="-").partition(".")
    return f"{int(whole):,}".replace(",", THIN).replace("-", MINUS) + dot + rest


def places_apart(value: float, bounds: Sequence[float]) -> int:
    """How many decimals it takes to tell a measured number from the bounds of its target.

    >>> places_apart(0.74996, [0.75]), places_apart(0.7346, [0.75]), places_apart(0.75, [0.75])
    (5, 3, 3)
    """
    places = decimals(value)
    while places < 9 and any(value != bound and round(value, places) == round(bound, places) for bound in bounds):
        places += 1
    return places


def ends(measure: Measure, *, places: int | None = None) -> str:
    """The interval alone; empty where there is none. `places` are its decimals, those of the value unless given."""
    if measure.low is None or measure.high is None:
        return ""
    places = decimals(measure.value, measure.low, measure.high) if places is None else places
    return f"[{number(measure.low, places=places)}, {number(measure.high, places=places)}]"


def measured(measure: Measure) -> str:
    """A value with its interval: 0.0274 [0.0200, 0.0352]."""
    places = decimals(measure.value, measure.low, measure.high)
    return f"{number(measure.value, places=places)} {ends(measure, places=places)}".rstrip()


def shared_places(measures: Iterable[Measure]) -> int:
    """The decimals of a whole column: enough for its small values, one more at most than its largest asks for."""
    values = [measure.value for measure in measures]
    return min(max(map(decimals, values), default=0), decimals(*values) + 1)


def share(value: float) -> str:
    """A share as a percentage: 32 %, 2.1 %."""
    if math.isnan(value):
        return UNKNOWN
    percent = 100 * value
    return f"{number(percent, places=0 if abs(percent) >= 10 else 1)}{THIN}%"


def day(us: int) -> str:
    """The day of a ts in microseconds, UTC."""
    return minute(us)[:10]


def minute(us: int) -> str:
    """The minute of a ts in microseconds, UTC."""
    return str(np.datetime64(us, "us").astype("datetime64[m]")).replace("T", " ")


def spelled(duration: str) -> str:
    """A duration in words; what is none stays as it is.

    >>> spelled("7d"), spelled("1h"), spelled("soon")
    ('7 days', '1 hour', 'soon')
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", duration.strip())
    return f"{found[1]} {_UNITS[found[2]]}{'' if found[1] == '1' else 's'}" if found else duration


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def sentence(text: str) -> str:
    """The text with a capital first letter, unless its first word has one anywhere (nDCG)."""
    first, _, _ = text.partition(" ")
    return text if first != first.lower() else text[:1].upper() + text[1:]


def described(spec: msgspec.Struct) -> str:
    """A spec by its kind and settings: ease (l2 300, items 8000)."""
    settings = [
        f"{name.replace('_', ' ')} {given(value) if type(value) in (int, float) else value}"
        for name, value in msgspec.structs.asdict(spec).items()
        if value is not None
    ]
    kind = str(spec.__struct_config__.tag or type(spec).__name__).replace("_", " ")
    return f"{kind} ({', '.join(settings)})" if settings else kind
