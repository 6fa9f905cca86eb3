"""A table of orders, trips or jobs out of a profile: which columns are ids, places, and what was known when it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .guessing import Guess
from .infer_entities import value_of
from .infer_logs import key_of
from .mapping import Attribute, DecisionTable, EntityTable, Given, Key, Place, Took
from .naming import ended_by, noun_of_column, place_part, says_ask, says_id, says_later, says_took, says_void
from .parsing import numbers
from .profile import Column, FileProfile
from .schema import DECISION_COLUMNS, OUTCOME_COLUMNS
from .sniffing import Form
from .timed import Timed

MOVES_WITH = 0.97
"""A number whose correlation with the time that is estimated is above this is taken for that time in other words."""
_TAKEN = {*DECISION_COLUMNS, *OUTCOME_COLUMNS}


def asked_of(profile: FileProfile) -> str:
    """What is waited for, by the name of the column that numbers the rows, then the file's, then others'; else an order."""
    own = own_id(profile)
    ids = [one.name for one in profile.columns if says_id(one.name)]
    return next(
        (said for name in (own.name if own else "", profile.path.name, *ids) if (said := says_ask(name))), "order"
    )


def own_id(profile: FileProfile) -> Column | None:
    """The column that numbers the rows: called an id, and never twice the same."""
    unique = [one for one in profile.columns if one.unique and one.filled == profile.rows > 1 and says_id(one.name)]
    return min(unique, key=lambda one: not says_ask(one.name), default=None)


def key_columns(profile: FileProfile, timed: Timed) -> dict[str, Column]:
    """The columns of ids that several rows share, by what they are of."""
    used = {*timed.start.parts, *(one.name for one in timed.ends), timed.took.name if timed.took else ""}
    out: dict[str, Column] = {}
    for one in profile.columns:
        shared = 1 < one.distinct <= 0.5 * one.filled and not one.unique
        if one.name in used or not says_id(one.name) or not shared or one.kind not in ("integer", "text", "flag"):
            continue
        noun = noun_of_column(one.name) or "place"
        out.setdefault(f"{noun}_id" if noun in _TAKEN else noun, one)
    return out


def also_joined(
    keys: dict[str, Column], joined: dict[str, tuple[FileProfile, Column]]
) -> dict[str, tuple[FileProfile, Column]]:
    """The same joins, and those of further columns by the name of a key: from_zone_id and to_zone_id are both of zones."""
    out = dict(joined)
    for noun, one in keys.items():
        for table, key in joined.values():
            of = noun_of_column(key.name)
            if one.name not in joined and of and noun.endswith(of) and np.isin(one.values, key.values).mean() >= 0.5:
                out[one.name] = (table, key)
    return out


def decision_table(
    profile: FileProfile, timed: Timed, keys: dict[str, Column], *, file: str, form: Form
) -> tuple[DecisionTable, list[Guess]]:
    """The mapping of a table of decisions, with the guesses that went in."""
    source, of, own = profile.path.name, asked_of(profile), own_id(profile)
    label = timed.ends[-1].name if timed.ends else timed.took.name if timed.took else ""
    how = "the last time in its row" if timed.ends else f"a duration in {timed.unit}"
    guesses = [
        Guess(source, "ts", timed.start.name, "the first time in its row; times without an offset are taken as UTC", "likely"),
        Guess(source, "what is estimated", f"the time to {label}", how, "likely"),
        Guess(source, "decision", own.name if own else "all that its row says", "each value comes once" if own else
              "no column numbers the rows", "sure" if own else "likely"),
        *(Guess(source, name, one.name, "ids that rows share", "likely") for name, one in keys.items()),
    ]  # fmt: skip
    guesses += [
        Guess(source, f"outcome {_outcome(one, own)}", one.name,
              "nothing is waited for after it" if says_void(one.name) else "a time on the way", "likely")
        for one in timed.ends[:-1]
    ]  # fmt: skip
    mapped: dict[str, str | Key] = {of: key_of(own)} if own else {}
    mapped |= {name: _key(one, profile.rows) for name, one in keys.items() if name != of}
    outcomes = {_outcome(one, own): Took(ts=one.time) for one in timed.ends}
    if timed.took:
        outcomes = {_outcome(timed.took, own): Took(value=timed.took.name, unit=timed.unit)}  # type: ignore[arg-type]
    places, said = _places(profile, taken=set(mapped))
    guesses += said
    used = {*timed.start.parts, label, *(one.name for one in (*timed.ends, *timed.other, *keys.values()))}
    used |= {own.name} if own else set()
    used |= {column for place in places.values() for column in (place.lat or "", place.lon or "")}
    context: dict[str, str | Given] = {**places}
    for one in profile.columns:
        if one.name not in used:
            given, guess = _given(one, profile, timed)
            guesses.append(guess)
            if given is not None:
                context[_free(_plain(one.name), {*context, *mapped})] = given
    if len(context) > len(places):
        what = f"{len(context) - len(places)} columns"
        why = "taken as known when it is asked for; leave out what is known only later"
        guesses.append(Guess(source, "context", what, why, "unsure"))
    for one in timed.other:
        if one.name not in timed.start.parts:
            guesses.append(Guess(source, one.name, "left out", "a time of something else", "likely"))
    return DecisionTable(file, timed.start, mapped, key_of(own) if own else None, context, outcomes, form=form), guesses


def _key(column: Column, rows: int) -> str | Key:
    return key_of(column) if column.filled == rows else Key(column.name, integer=column.floats, required=False)


def _outcome(column: Column, own: Column | None) -> str:
    name = ended_by(column.name)
    return f"{name}_done" if name in _TAKEN or (own is not None and name == own.name) else name


def _places(profile: FileProfile, *, taken: set[str]) -> tuple[dict[str, Given], list[Guess]]:
    """The places that two columns of degrees make, by name."""
    out = {_free(name, taken): Given(lat=lat.name, lon=lon.name) for name, lat, lon in place_columns(profile)}
    why = "degrees, by name"
    return out, [
        Guess(profile.path.name, f"place {n}", f"{one.lat}, {one.lon}", why, "likely") for n, one in out.items()
    ]


def place_columns(profile: FileProfile) -> Iterator[tuple[str, Column, Column]]:
    """The pairs of columns that are places, each with the place's name."""
    found: dict[str, dict[str, Column]] = {}
    for one in profile.columns:
        part = place_part(one.name)
        if part is not None and one.kind in ("integer", "number"):
            found.setdefault(part[1], {}).setdefault(part[0], one)
    for name, ends in found.items():
        if len(ends) == 2:
            yield name, ends["lat"], ends["lon"]


def _given(column: Column, profile: FileProfile, timed: Timed) -> tuple[str | Given | None, Guess]:
    """What was known when it was asked; left out where it seems to be known only later."""
    source = profile.path.name
    if says_later(column.name) or says_took(column.name):
        return None, Guess(source, column.name, "left out", "it is known only at the end, by its name", "unsure")
    if column.kind == "text" and column.distinct > 0.5 * column.filled:
        return None, Guess(
            source, column.name, "left out", f"hardly a value comes twice ({column.distinct} distinct)", "likely"
        )
    value, guess = value_of(column, profile, titled=True)
    if isinstance(value, Attribute) and value.type == "number":
        if _moves_with(column, timed):
            why = "it moves with the time that is estimated, so it is known only at the end"
            return None, Guess(source, column.name, "left out", why, "unsure")
        return Given(column.name, type="number"), guess
    if isinstance(value, Attribute) and value.type == "time":
        return None, Guess(source, column.name, "left out", "a time of something else", "likely")
    return (None if value is None else column.name), guess


def _moves_with(column: Column, timed: Timed) -> bool:
    values = numbers([cell.decode() for cell in column.sample.tolist()], column.name).values
    both = np.isfinite(values) & np.isfinite(timed.seconds)
    if both.sum() < 20 or np.ptp(values[both]) == 0 or np.ptp(timed.seconds[both]) == 0:
        return False
    return bool(abs(np.corrcoef(values[both], timed.seconds[both])[0, 1]) > MOVES_WITH)


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


def with_place(table: EntityTable, profile: FileProfile) -> EntityTable:
    """The same table with its one pair of degrees as the place of the entity, so that distances find it."""
    pairs = list(place_columns(profile))
    if len(pairs) != 1:
        return table
    _, lat, lon = pairs[0]
    degrees = {lat.name, lon.name}
    values = {
        name: one for name, one in table.values.items() if (one if isinstance(one, str) else one.column) not in degrees
    }
    return EntityTable(
        table.file, table.of, table.key, values, table.ts, table.id, Place(lat.name, lon.name), form=table.form
    )


def noted(path: Path, chosen: str, otherwise: str, why: str) -> Guess:
    """How a file was read that may be read in two ways, and how to have it the other way."""
    return Guess(
        path.name,
        "read as",
        chosen,
        f"{why}; 'sixfold new --as {otherwise} --from ...' reads it the other way",
        "likely",
    )
