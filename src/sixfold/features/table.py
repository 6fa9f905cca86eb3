"""The feature table: one assembly for training and for serving.

A `Source` answers what attributes and totals were as of ts. The log answers them in bulk
(`features.batch`), the online state by a gather (`features.online`); everything after that is this file, so the
two cannot differ in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..errors import DataError
from ..events.hashing import Hashes, hash_strings
from ..events.places import Area, served
from ..types import DAY, SECOND, Floats
from . import parts
from .attributes import Kind
from .clock import UTC, Clock
from .expected import Expectation
from .indexed import Frame
from .similarity import similarity
from .source import Asker, Look, Source, bucket, context_of, expression, of_asker, remembered, rows_of, way
from .spec import (
    CONTEXT,
    Accumulator,
    Age,
    Attribute,
    Bucket,
    Context,
    Expected,
    Expression,
    Feature,
    Hour,
    Memory,
    Position,
    Similarity,
    Taste,
    Way,
    Weekday,
    entity_field,
    is_summed,
    name_of,
)
from .sums import Sums
from .taste import TasteFitted, taste
from .worked import Work

_WAYS = {"offsets": ("north", "east"), "bearing": ("sin", "cos")}


class _Plan(NamedTuple):
    """Features with their columns and whether the asker decides them, but for those that are made of sums."""

    plain: tuple[tuple[Feature, slice, bool], ...]
    sums: Sums


class Fitted(msgspec.Struct, frozen=True, dict=True):
    """Features whose vocabularies are fixed: the columns of the table, in order.

    `kinds` and `widths` say what each attribute path is; `vocabularies` holds the hashes of the columns of a category,
    `labels` their text for people; `centres` the mean and the scale of the vectors of a path; `tastes` what was learned of
    tastes, by the feature's name. Places outside `area` are unknown; `clock` is what hours and days are read from;
    `expectations` what was learned of each `Expected`, by its text.
    """

    features: tuple[Feature, ...]
    kinds: dict[str, Kind]
    widths: dict[str, int]
    vocabularies: dict[str, list[int]]
    labels: dict[str, list[str]]
    centres: dict[str, list[list[float]]]
    tastes: dict[str, TasteFitted] = {}
    area: Area | None = None
    clock: Clock = UTC
    expectations: dict[str, Expectation] = {}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The name of each column of the table."""
        return tuple(name for feature in self.features for name in self._names(feature))

    def _names(self, feature: Feature) -> list[str]:
        name = name_of(feature)
        if isinstance(feature, Hour):
            return ["hour.sin", "hour.cos"]
        if isinstance(feature, Way) and feature.how != "distance":
            return [f"{name}.{part}" for part in _WAYS[feature.how]]
        if name in self.labels:
            return [f"{name}={label}" for label in self.labels[name]]
        if isinstance(feature, Attribute) and self.kinds.get(name) == Kind.VECTOR:
            return [f"{name}[{i}]" for i in range(self.widths[name])]
        return [name]

    @cached_property
    def contexts(self) -> tuple[str, ...]:
        """The context values that features read."""
        return parts.asked(self.features)

    def entities(self, memory: Memory | None) -> tuple[str, ...]:
        """The entity types whose rows are needed: those of attributes and cells, and who asks and what is shown."""
        return tuple(sorted({*self._entities, *((memory.member, memory.item) if memory else ())}))

    @cached_property
    def _entities(self) -> frozenset[str]:
        paths = {entity_field(path)[0] for path in self.kinds}
        buckets = {one.key for one in self.features if isinstance(one, Bucket)}
        cells = {entity for one in self.accumulators() for entity in map(parts.entity_of, one.by) if entity}
        return frozenset(paths | buckets | cells)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The context values that are read as numbers: those without a vocabulary, and the ends of ways."""
        read = parts.asked(self.features, numbers=True)
        return frozenset(name for name in read if CONTEXT + name not in self.vocabularies)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The places of a request that features read: `drop` where they read drop_lat and drop_lon."""
        known = set(self.contexts)
        named = (name.removesuffix("_lat") for name in self.contexts if name.endswith("_lat"))
        return tuple(name for name in named if f"{name}_lon" in known)

    def asked(self, given: Mapping[str, str | float]) -> dict[str, NDArray[Any]]:
        """The context of one request as columns (1,): uint64 hashes of text, 0 where nothing was given, or float64, then NaN.

        Raises DataError naming the value that is a text where a number is read.
        """
        columns: dict[str, NDArray[Any]] = {}
        numbers = self.numbers
        for name in self.contexts:
            value = given.get(name, math.nan if name in numbers else "")
            if isinstance(value, str):
                if name in numbers:
                    raise DataError(f"context {name!r} is the text {value[:64]!r}; expected a number, or leave it out")
                columns[CONTEXT + name] = hash_strings(np.array([value.encode()]))
            else:
                columns[CONTEXT + name] = np.array([value], np.float64)
        return served(columns, self.area)

    def accumulators(self) -> tuple[Accumulator, ...]:
        """Every accumulator that any feature reads, each once."""
        found = [one for feature in self.features if is_summed(feature) for one in feature.accumulators()]
        return tuple(dict.fromkeys(found))

    def matrix(self, source: Source, frame: Frame) -> Floats:
        """The table of a frame: (n, columns) float32, NaN where nothing is known."""
        out = np.empty((len(frame), len(self.columns)), np.float32)
        if not self.features:
            return out
        asker = Asker.of(source, frame)
        plan = self._plan(None if source.memory is None else source.memory.member)
        for feature, columns, shared in plan.plain:
            if shared and asker.ask is not None:
                values = self._values(feature, source, asker.alone)
                values = values if len(values) == 1 else values[asker.ask]
            else:
                values = self._values(feature, source, asker.rows)
            out[:, columns] = values[:, None] if values.ndim == 1 else values
        plan.sums.fill(out, source, asker)
        return out

    def _plan(self, member: str | None) -> _Plan:
        """How the table is filled where `member` asks; made once."""
        if member not in self._plans:
            stops = np.cumsum([len(self._names(feature)) for feature in self.features]).tolist()
            columns = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
            plain = tuple(
                (feature, at, member is not None and of_asker(feature, member))
                for feature, at in zip(self.features, columns, strict=True)
                if not is_summed(feature)
            )
            summed = {at.start: feature for feature, at in zip(self.features, columns, strict=True)}
            self._plans[member] = _Plan(plain, Sums.of(summed, member))
        return self._plans[member]

    @cached_property
    def _plans(self) -> dict[str | None, _Plan]:
        return {}

    def _values(self, feature: Feature, source: Source, rows: Look) -> NDArray[Any]:
        frame, reading = rows
        match feature:
            case Attribute(path):
                if self.kinds.get(path) != Kind.CATEGORY:
                    return reading.attribute(path)
                work = self._work(path, (path,), lambda values: self._multi_hot(path, values))
                return source.worked(work, rows_of(work.entity, path, frame), frame.ts)
            case Context():
                name = name_of(feature)
                values = context_of(name, frame)
                return self._multi_hot(name, values[:, None]) if name in self.vocabularies else values
            case Age(path):
                born = reading.attribute(path)
                return np.asarray(np.log1p(np.maximum(frame.ts / SECOND - born, 0) * (SECOND / DAY)))
            case Hour():
                angle = (self.clock.local(frame.ts) % DAY) * (2 * np.pi / DAY)
                return np.stack([np.sin(angle), np.cos(angle)], axis=1)
            case Weekday():
                return self.clock.weekday(frame.ts)
            case Position():
                return frame.position
            case Way():
                return way(feature, reading)
            case Expression():
                return expression(feature, frame)
            case Expected():
                return np.exp(self.expected(feature, source, rows))
            case Bucket():
                return bucket(feature, source, frame)
            case Similarity(path, half_life):
                return self._similarity(path, half_life, source, frame)
            case Taste():
                return self._taste(feature, source, frame)
            case _:  # pragma: no cover
                raise AssertionError(f"{name_of(feature)} is made of sums")

    def expected(self, of: Expected, source: Source, rows: Look) -> NDArray[np.float64]:
        """The log of the seconds (n,) that are expected of each row."""
        return self.expectations[str(of)].logs(self.given(of, source, rows))

    def given(self, of: Expected, source: Source, rows: Look) -> Floats:
        """The columns (n, f) that something is expected by."""
        found = (self._values(one, source, rows) for one in of.given)
        columns = [values[:, None] if values.ndim == 1 else values for values in found]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def _similarity(self, path: str, half_life: str, source: Source, frame: Frame) -> NDArray[np.float64]:
        def vectors(held: NDArray[Any]) -> Floats:
            centre, scale = np.array(self.centres[path], np.float32)
            raw = self.shares(path, held) if self.kinds[path] == Kind.CATEGORY else held
            return np.asarray((raw - centre) * scale, np.float32)

        memory, work = remembered(source), self._work(f"similarity({path})", (path,), vectors)
        return similarity(
            source.queries,
            lambda items, ts: source.worked(work, items, ts),
            half_life=durations.parse(half_life),
            members=frame.keys[memory.member],
            items=frame.keys[memory.item],
            ts=frame.ts,
        )

    def _taste(self, feature: Taste, source: Source, frame: Frame) -> NDArray[np.float64]:
        fitted, memory = self.tastes[name_of(feature)], remembered(source)
        work = self._work(name_of(feature), tuple(part.path for part in fitted.items), fitted.place)
        return taste(
            source.queries,
            lambda items, ts: source.worked(work, items, ts),
            source.attribute,
            fitted,
            half_life=durations.parse(feature.half_life),
            members=frame.keys[memory.member],
            items=frame.keys[memory.item],
            ts=frame.ts,
        )

    def _work(self, name: str, paths: tuple[str, ...], make: Callable[..., NDArray[Any]]) -> Work:
        """A work of this table by its name, made once, for sources keep what it gives."""
        if name not in self._works:
            self._works[name] = Work(paths, make)
        return self._works[name]

    @cached_property
    def _works(self) -> dict[str, Work]:
        return {}

    def shares(self, path: str, held: Hashes) -> Floats:
        """A category as the share of each known value among its members (n, values); NaN where it has none."""
        hot = self._multi_hot(f"similarity({path})", held).astype(np.float32)
        total = (held != 0).sum(axis=1, keepdims=True)
        return np.where(total > 0, hot / np.maximum(total, 1), np.float32(np.nan))

    def _multi_hot(self, name: str, values: Hashes) -> NDArray[np.bool_]:
        ascending, order = self._sorted(name)
        out = np.zeros((len(values), len(order)), bool)
        if len(order):
            at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
            row, member = np.nonzero((ascending[at] == values) & (values != 0))
            out[row, order[at[row, member]]] = True
        return out

    def _sorted(self, name: str) -> tuple[Hashes, NDArray[np.intp]]:
        """A vocabulary (v,) in rising order, and the column of each; made once."""
        if name not in self._ascending:
            vocabulary = np.array(self.vocabularies[name], np.uint64)
            order = np.argsort(vocabulary)
            self._ascending[name] = vocabulary[order], order
        return self._ascending[name]

    @cached_property
    def _ascending(self) -> dict[str, tuple[Hashes, NDArray[np.intp]]]:
        return {}
