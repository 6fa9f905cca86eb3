"""Events as JSON in, columns out: the bodies of `/v1/events`, and files of native events. See `objects` for their form.

One bad event never loses another: it comes back with its line, its id and one sentence. A batch is decoded whole and
taken apart only where that fails; what is done in Python for each event is the lists of cells and no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..types import Table
from . import gathering
from .gathering import Gathered, Scope
from .objects import Decision, Entity, Event, Id, Outcome
from .parsing import KEY_BYTES, first_faults
from .schema import Events, no_decisions, no_shown

TABLES = 64
"""The most types of entity, and the most names of outcomes, in a batch."""

EVENTS = 200_000
"""The most lines of a body: 8 MiB hold fewer events than that, but as many million lines of rubbish."""

_BOM = b"\xef\xbb\xbf"
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Rejected(msgspec.Struct, frozen=True):
    """An event that was left out: its line (its place in an array), from 1; its id, "" where it has none; and why."""

    line: int
    id: str
    error: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """The events of a body, and those left out. lines: by table of the events, the line (n,) int64 of each."""

    events: Events
    rejected: list[Rejected]
    lines: Mapping[str, NDArray[np.int64]]


def parse(body: bytes, *, now: int, lines: bool, known: Mapping[str, str] | None = None) -> Incoming:
    """The events of one JSON object or an array of them, or with `lines` of NDJSON. `now` (us): when they arrived.

    known: the forms of the columns in the log (`gathering.forms`); a value of another form is rejected, and without it
    one of another than most events of the batch have, since columns of two forms could not be read together later.
    Raises DataError where the body is no JSON (of NDJSON only the lines that are none are left out), or has more
    than `EVENTS` lines.
    """
    read = _of_lines(body) if lines else _of_array(body)
    places, rejected = np.array(read.places, np.int64), list(read.rejected)
    tables, origin = [], {}
    for name, rows, gathered in _tables(read.events, Scope(now, len(read.events), known or {})):
        stood = places[rows]
        reasons = first_faults(len(rows), gathered.faults)
        rejected += [Rejected(int(stood[row]), _named(read.events[rows[row]].id), why) for row, why in reasons.items()]
        if len(reasons) == len(rows):
            continue
        good = np.ones(len(rows), np.bool_)
        good[list(reasons)] = False
        tables.append((name, gathered, good))
        origin[name] = stood[good]
    return Incoming(_events(tables), sorted(rejected, key=lambda one: one.line), origin)


# Objects to columns


def _tables(events: Sequence[Event], scope: Scope) -> Iterator[tuple[str, list[int], Gathered]]:
    """Each table by name, which of the events it is made of, and what they became."""
    entities: defaultdict[str, dict[int, Entity]] = defaultdict(dict)
    outcomes: defaultdict[str, dict[int, Outcome]] = defaultdict(dict)
    decisions: dict[int, Decision] = {}
    for row, event in enumerate(events):
        if isinstance(event, Outcome):
            outcomes[event.name][row] = event
        elif isinstance(event, Entity):
            entities[event.of][row] = event
        else:
            decisions[row] = event
    refused: defaultdict[str, list[int]] = defaultdict(list)
    for number, (of, things) in enumerate(entities.items()):
        if why := _unfit("of", of, number):
            refused[why] += things
        else:
            yield f"entity {of}", list(things), gathering.entities(of, list(things.values()), scope)
    if decisions:
        yield "decision", list(decisions), gathering.decisions(list(decisions.values()), scope)
    for number, (name, found) in enumerate(outcomes.items()):
        if why := _unfit("name", name, number):
            refused[why] += found
        else:
            yield f"outcome {name}", list(found), gathering.outcomes(list(found.values()), scope)
    for why, rows in refused.items():
        yield "", rows, Gathered({}, [(np.ones(len(rows), np.bool_), why)])


def _unfit(what: str, name: str, number: int) -> str:
    """Why there is no table of that name; "" where there is."""
    if not gathering.is_name(name):
        return f"{what} is no name: {gathering.NAME_RULE}"
    return f"{what} is one of more than {TABLES} of a batch; send fewer at once" if number >= TABLES else ""


def _events(tables: Iterable[tuple[str, Gathered, NDArray[np.bool_]]]) -> Events:
    entities: dict[str, Table] = {}
    outcomes: dict[str, Table] = {}
    decisions, shown, keep = no_decisions(), no_shown(), {}
    for name, gathered, good in tables:
        keep[name] = good
        kind, _, of = name.partition(" ")
        if kind == "entity":
            entities[of] = gathered.table
        elif kind == "outcome":
            outcomes[of] = gathered.table
        else:
            decisions, shown = gathered.table, gathered.shown or no_shown()
    return Events(entities, decisions, shown, outcomes).select(keep)


# Bytes to objects

_one = msgspec.json.Decoder(Event)
_many = msgspec.json.Decoder(list[Event])
_part = msgspec.json.Decoder(msgspec.Raw)
_parts = msgspec.json.Decoder(list[msgspec.Raw])


class _Named(msgspec.Struct):
    id: Id = ""


_id = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class _Read:
    """The objects of a body, the line of each, and the lines that are no event."""

    events: list[Event]
    places: Sequence[int]
    rejected: list[Rejected]


def _of_lines(body: bytes) -> _Read:
    body = body.removeprefix(_BOM)
    parts = body.split(b"\n")
    places = [place for place, part in enumerate(parts, 1) if part and not part.isspace()]
    _countable(len(places))
    try:
        events = _one.decode_lines(body)
        # msgspec also takes an object that breaks over lines, and two on one line; here a line is an event.
        if len(events) == len(places):
            return _Read(events, places, [])
    except _BROKEN:
        pass
    return _one_by_one((place, parts[place - 1]) for place in places)


def _of_array(body: bytes) -> _Read:
    body = body.removeprefix(_BOM).strip()
    try:
        if not body.startswith(b"["):
            return _one_by_one([(1, _part.decode(body))])
        try:
            events = _many.decode(body)
            return _Read(events, range(1, len(events) + 1), [])
        except _BROKEN:
            parts = _parts.decode(body)
    except _BROKEN as error:
        raise DataError(f"the body is {_reason(error)}; send one event object or an array of them") from error
    _countable(len(parts))
    return _one_by_one(enumerate(parts, 1))


def _countable(lines: int) -> None:
    if lines > EVENTS:
        raise DataError(f"the body has {lines:,} events; send at most {EVENTS:,} at once")


def _one_by_one(parts: Iterable[tuple[int, bytes | msgspec.Raw]]) -> _Read:
    events: list[Event] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for place, part in parts:
        try:
            events.append(_one.decode(part))
            places.append(place)
        except _BROKEN as error:
            rejected.append(Rejected(place, _id_of(part), _reason(error)))
    return _Read(events, places, rejected)


def _id_of(part: bytes | msgspec.Raw) -> str:
    try:
        return _named(_id.decode(part).id)
    except _BROKEN:
        return ""


def _named(identity: Id) -> str:
    """An id as an answer repeats it."""
    return str(identity)[:KEY_BYTES]


def _reason(error: Exception) -> str:
    """msgspec's words in our order: `keys: expected object, got array`."""
    if isinstance(error, RecursionError):
        return "nested too deep; an event has four levels"
    if isinstance(error, UnicodeDecodeError):
        return "not in UTF-8; encode it so"
    what, _, path = str(error).replace("`", "").partition(" - at $")
    what = what.removeprefix("JSON is malformed: ")
    what = what[:1].lower() + what[1:]
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON: {what}"
    if path == ".kind" or what.endswith("field kind"):
        return f"{what}; kind is entity, decision or outcome"
    return f"{path.lstrip('.')}: {what}" if path else what
