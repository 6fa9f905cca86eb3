"""What a process measures of itself: counters, gauges and histograms, and their Prometheus text.

    telemetry = Telemetry()
    answered = telemetry.counter("sixfold_answers_total", "Answers given.", labels=("status",))
    answered.of("200").add()

`of` finds one series by its label values; a hot path asks once and keeps what it got, so that an observation is an
addition (0.1 us; 0.3 us for a histogram). A `Snapshot` is plain data, so that processes can send theirs and `merge`
makes one of them. One thread writes; there are no locks.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, Literal, TypeAlias, TypeVar

LATENCY_S = (
    0.00025, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.2, 0.5, 1.0,
)  # fmt: skip
"""Upper bounds of the buckets of a latency, in seconds: close where a decision should fall."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Merge: TypeAlias = Literal["sum", "max", "min"]
Snapshot: TypeAlias = dict[str, dict[str, Any]]
"""By name: kind, help, labels, merge, bounds, and `series` as [label values, number or [counts, sum]]."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def add(self, n: float = 1) -> None:
        self.value += n

    def read(self) -> float:
        return self.value


class Gauge:
    """A number as it is now."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def set(self, value: float) -> None:
        self.value = value

    def read(self) -> float:
        return self.value


class Histogram:
    """How many observations fell at or below each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` of the observations did not pass; None where there are none."""
        return quantile(self.bounds, self.counts, q)

    def read(self) -> list[Any]:
        return [list(self.counts), self.total]


S = TypeVar("S", bound=Counter | Gauge | Histogram)


class Family(Generic[S]):
    """The series of one name, by the values of its labels."""

    def __init__(
        self,
        kind: Kind,
        make: Callable[[], S],
        help: str,
        labels: tuple[str, ...],
        *,
        merge: Merge = "sum",
        bounds: tuple[float, ...] = (),
    ) -> None:
        self.kind, self.help, self.labels, self.merge, self.bounds = kind, help, labels, merge, bounds
        self._make = make
        self._series: dict[tuple[str, ...], S] = {}

    def of(self, *values: str) -> S:
        """The series with these label values, in the order of the labels."""
        found = self._series.get(values)
        if found is None:
            if len(values) != len(self.labels):
                raise ValueError(f"expected a value for each of {self.labels}, got {values}")
            found = self._series[values] = self._make()
        return found

    def snapshot(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "help": self.help, "labels": list(self.labels), "merge": self.merge,
            "bounds": list(self.bounds),
            "series": [[list(values), one.read()] for values, one in self._series.items()],
        }  # fmt: skip


class Telemetry:
    """All families of a process, by name; asking for a name again gives the family that is there."""

    def __init__(self) -> None:
        self._families: dict[str, Family[Any]] = {}

    def counter(self, name: str, help: str, *, labels: Sequence[str] = ()) -> Family[Counter]:
        """What is counted; its name ends in `_total`."""
        return self._family(name, Family("counter", Counter, help, tuple(labels)))

    def gauge(self, name: str, help: str, *, labels: Sequence[str] = (), merge: Merge = "max") -> Family[Gauge]:
        """What is read off; `merge` says what several processes make together."""
        return self._family(name, Family("gauge", Gauge, help, tuple(labels), merge=merge))

    def histogram(
        self, name: str, help: str, *, labels: Sequence[str] = (), bounds: Sequence[float] = LATENCY_S
    ) -> Family[Histogram]:
        """What is spread, with the upper bounds of its buckets, ascending."""
        return self._family(
            name, Family("histogram", partial(Histogram, bounds), help, tuple(labels), bounds=tuple(bounds))
        )

    def snapshot(self) -> Snapshot:
        """All numbers as plain data, ready for JSON or msgpack."""
        return {name: family.snapshot() for name, family in self._families.items()}

    def _family(self, name: str, family: Family[S]) -> Family[S]:
        known = self._families.get(name)
        if known is not None:
            if (known.kind, known.labels, known.bounds) != (family.kind, family.labels, family.bounds):
                raise ValueError(f"{name} is there already as a {known.kind} of {known.labels}")
            return known
        wrong = [text for text in family.labels if not _LABEL.fullmatch(text) or text == "le"]
        if not _NAME.fullmatch(name) or wrong or list(family.bounds) != sorted(set(family.bounds)):
            raise ValueError(f"{name} with labels {family.labels} and bounds {family.bounds} is no valid family")
        self._families[name] = family
        return family


def quantile(bounds: Sequence[float], counts: Sequence[int], q: float) -> float | None:
    """A quantile read off buckets, linear within one: wrong by at most the width of its bucket.

    Beyond the last bound nothing is known: the last bound itself is given.

    >>> quantile((1.0, 2.0), (0, 10, 0), 0.5)
    1.5
    """
    total = sum(counts)
    if not total:
        return None
    wanted, below = q * total, 0
    for place, count in enumerate(counts[:-1]):
        if count and below + count >= wanted:
            low = bounds[place - 1] if place else 0.0
            return low + (bounds[place] - low) * max(wanted - below, 0) / count
        below += count
    return bounds[-1]


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """One snapshot of several processes': counts are added, gauges as each says."""
    out: Snapshot = {}
    for snapshot in snapshots:
        for name, family in snapshot.items():
            known = out.setdefault(name, {**family, "series": []})
            if (known["kind"], known["labels"], known["bounds"]) != (
                family["kind"],
                family["labels"],
                family["bounds"],
            ):
                raise ValueError(f"{name} is not the same family in all processes; run one version of Sixfold")
            series = {tuple(values): value for values, value in known["series"]}
            for values, value in family["series"]:
                key = tuple(values)
                series[key] = _joined(family["merge"], series[key], value) if key in series else value
            known["series"] = [[list(values), value] for values, value in series.items()]
    return out


def _joined(how: Merge, one: Any, other: Any) -> Any:
    if isinstance(one, list | tuple):
        return [[a + b for a, b in zip(one[0], other[0], strict=True)], one[1] + other[1]]
    return {"sum": one + other, "max": max(one, other), "min": min(one, other)}[how]


def exposition(snapshot: Snapshot) -> bytes:
    """The Prometheus text, format 0.0.4, of a snapshot."""
    lines: list[str] = []
    for name, family in sorted(snapshot.items()):
        lines += (f"# HELP {name} {_escaped(family['help'])}", f"# TYPE {name} {family['kind']}")
        for values, value in family["series"]:
            labels = dict(zip(family["labels"], values, strict=True))
            if family["kind"] == "histogram":
                lines += _buckets(name, labels, family["bounds"], *value)
            else:
                lines.append(f"{name}{_labelled(labels)} {_number(value)}")
    return ("\n".join(lines) + "\n").encode()


def _buckets(
    name: str, labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float
) -> Iterable[str]:
    below = 0
    for bound, count in zip([*bounds, math.inf], counts, strict=True):
        below += count
        yield f"{name}_bucket{_labelled({**labels, 'le': _number(bound)})} {below}"
    yield f"{name}_sum{_labelled(labels)} {_number(total)}"
    yield f"{name}_count{_labelled(labels)} {below}"


def _labelled(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value))
