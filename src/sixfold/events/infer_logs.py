"""A table of interactions or impressions out of a profile: which column is the time, the ids, the value."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from .guessing import Certainty, Guess
from .mapping import Followed, ImpressionTable, Key, Number, OutcomeTable, Position
from .naming import (
    MEMBERS,
    happening,
    noun_of_column,
    noun_of_file,
    of_members,
    says_id,
    says_kind,
    says_member,
    says_value,
    value_rank,
    words,
)
from .profile import Column, FileProfile
from .roles import Roles
from .schema import DECISION_COLUMNS, OUTCOME_COLUMNS
from .sniffing import Form
from .times import Time

MOST_KINDS = 20
"""More distinct cells than this are no kinds of outcome."""

_TAKEN = {*OUTCOME_COLUMNS, *DECISION_COLUMNS}


def is_impressions(profile: FileProfile, roles: Roles) -> bool:
    """True where rows tell of what was shown: a place in a slate, and a 0/1 column of what came of it."""
    return roles.position is not None and any(c.kind == "flag" and happening(c.name) for c in profile.columns)


def name_ids(
    profile: FileProfile, roles: Roles, joined: Mapping[str, tuple[FileProfile, Column]]
) -> tuple[dict[str, Column], list[Guess]]:
    """The member's and the item's column, and further ones that join a table, by entity; the member comes first."""
    ids = [column for column in roles.ids if column.name in joined or says_id(column.name)]
    ids = ids if len(ids) >= 2 else list(roles.ids)
    member, why, certainty = _member(ids, joined)
    others = [column for column in ids if column is not member]
    item = min(others, key=lambda c: (c.name not in joined, not says_id(c.name), _order(profile, c)))
    out, guesses = {}, [Guess(profile.path.name, "member", member.name, why, certainty)]
    out["member"] = member
    for column in (item, *(c for c in others if c is not item and c.name in joined)):
        table = joined[column.name][0] if column.name in joined else None
        noun = noun_of_column(column.name) or (noun_of_file(table.path) if table else "") or "item"
        noun = "item" if noun in _TAKEN or noun in out else noun
        out[noun] = column
        why = f"its values are keys of {table.path.name}" if table else "it is the other column of ids"
        guesses.append(Guess(profile.path.name, noun, column.name, why, "sure" if table else certainty))
    return out, guesses


def _order(profile: FileProfile, column: Column) -> int:
    """In a file without names the first stands first, else the one with the most distinct values."""
    return profile.columns.index(column) if re.fullmatch(r"c\d+", column.name) else -column.distinct


def _member(ids: list[Column], joined: Mapping[str, tuple[FileProfile, Column]]) -> tuple[Column, str, Certainty]:
    for column in ids:
        if says_member(column.name):
            return column, "its name says so", "sure"
    for column in ids:
        if column.name in joined and of_members(joined[column.name][0].path):
            return column, f"its values are keys of {joined[column.name][0].path.name}", "sure"
    for column in ids:
        if not MEMBERS.isdisjoint(words(column.name)):
            return column, "its name is about a member", "unsure"
    free = [column for column in ids if not noun_of_column(column.name)]
    if free:
        first = min(free, key=lambda column: int(re.sub(r"\D", "", column.name) or 0))
        return first, "member, item, value, time is the usual order", "unsure"
    return ids[0], "it has the most distinct values of the ids", "unsure"


def time_of(column: Column) -> str | Time:
    """The time as the profile found it written."""
    return column.time or column.name


def key_of(column: Column) -> str | Key:
    return Key(column.name, integer=True) if column.floats else column.name


def outcome_tables(
    profile: FileProfile, roles: Roles, ids: Mapping[str, Column], *, file: str, form: Form
) -> tuple[list[OutcomeTable], list[Guess]]:
    """The mapping of a log of interactions: a table for each kind where a column tells kinds apart."""
    used = {roles.time.name, *(column.name for column in ids.values())}
    value, why, certainty = _value(profile, used)
    source, own = profile.path.name, roles.own.name if roles.own else None
    keys = {entity: key_of(column) for entity, column in ids.items()}
    number = None if value is None else _number(value)
    dated: Certainty = "sure" if roles.time.named_time else "likely"
    guesses = [
        Guess(source, "ts", roles.time.name, _time_reason(roles.time), dated),
        Guess(source, "value", value.name if value else "1", why, certainty),
    ]
    if kinds := _kinds(profile, used):
        column, names = kinds
        guesses.append(Guess(source, "outcome", ", ".join(names), f"{column.name} tells them apart", "likely"))
        wheres: list[tuple[str, dict[str, str]]] = [(name, {column.name: cell}) for name, cell in names.items()]
    else:
        name = _outcome_name(profile, value)
        guesses.append(Guess(source, "outcome", name, "after its value" if value else "after the file", "likely"))
        wheres = [(name, {})]
    time = time_of(roles.time)
    return [OutcomeTable(file, name, time, keys, number, own, where, form) for name, where in wheres], guesses


def _kinds(profile: FileProfile, used: set[str]) -> tuple[Column, dict[str, str]] | None:
    """The column that tells what happened, and its cells by the outcome's name."""
    for column in profile.columns:
        if column.name in used or column.kind != "text" or not says_kind(column.name):
            continue
        cells = [cell.decode() for cell in np.unique(column.sample).tolist() if cell]
        names = {"_".join(words(cell)) or cell: cell for cell in cells}
        if 2 <= len(names) == len(cells) == column.distinct <= MOST_KINDS:
            return column, names
    return None


def _number(column: Column) -> str | Number:
    return Number(column.name, decimal=",") if column.kind == "text" else column.name


def _time_reason(column: Column) -> str:
    time = column.time
    how = "as it stands" if time is None else f"in the format {time.format}" if time.format else f"in {time.unit}"
    zone = "; times without an offset are taken as UTC" if time and (time.format or time.unit == "iso") else ""
    return f"its cells are times {how}{zone}"


def _value(profile: FileProfile, used: set[str]) -> tuple[Column | None, str, Certainty]:
    numeric = [
        c for c in profile.columns if c.name not in used and (c.kind in ("integer", "number") or _decimal_comma(c))
    ]
    called = sorted((c for c in numeric if says_value(c.name)), key=lambda c: value_rank(c.name))
    if called:
        return called[0], "its name says so", "likely"
    nameless = [c for c in numeric if re.fullmatch(r"c\d+", c.name)]
    if len(nameless) == 1:
        return nameless[0], f"it is the number left over, with {nameless[0].distinct} distinct values", "likely"
    return None, "no column is called a value", "unsure" if numeric else "sure"


def _decimal_comma(column: Column) -> bool:
    """True where all cells read as numbers once the comma is the decimal sign."""
    return column.kind == "text" and _numbers_with_comma(column.sample)


def _numbers_with_comma(text: np.ndarray[tuple[int], np.dtype[np.bytes_]]) -> bool:
    cells = [cell for cell in text[:1000].tolist() if cell]
    return bool(cells) and all(re.fullmatch(rb"-?\d+(,\d+)?", cell) for cell in cells)


def _outcome_name(profile: FileProfile, value: Column | None) -> str:
    if value is not None:
        if re.search(r"rating|stars", value.name, re.IGNORECASE):
            return "rating"
        if verb := happening(value.name):
            return verb
        if re.fullmatch(r"c\d+", value.name) and _like_stars(value):
            return "rating"
    return happening(profile.path.name) or noun_of_file(profile.path) or "event"


def _like_stars(column: Column) -> bool:
    numbers = column.numbers
    return column.distinct <= 10 and bool(((numbers >= 0) & (numbers <= 5)).all())


def impression_table(
    profile: FileProfile, roles: Roles, ids: Mapping[str, Column], *, file: str, form: Form
) -> tuple[ImpressionTable, list[Guess]]:
    """The mapping of a log of what was shown."""
    (member, first), (item, shown), *rest = ids.items()
    source = profile.path.name
    outcomes = {
        happening(c.name): Followed(flag=c.name) for c in profile.columns if c.kind == "flag" and happening(c.name)
    }
    guesses = [
        Guess(source, "ts", roles.time.name, _time_reason(roles.time), "likely"),
        Guess(source, "decision", roles.decision.name if roles.decision else "same keys and time",
              "rows of one request share it", "likely" if roles.decision else "unsure"),
    ]  # fmt: skip
    position: str | Position | None = None
    if roles.position is not None:
        lowest = int(roles.position.numbers.min(initial=1))
        position = roles.position.name if lowest != 0 else Position(roles.position.name, first=0)
        guesses.append(Guess(source, "position", roles.position.name, f"it counts from {lowest}", "likely"))
    guesses += [
        Guess(source, f"outcome {name}", one.flag or "", "a column of 0 and 1", "likely")
        for name, one in outcomes.items()
    ]
    keys = {member: key_of(first), **{name: key_of(column) for name, column in rest}}
    decision = roles.decision.name if roles.decision else None
    found = {word: _called(profile, word) for word in ("score", "propensity")}
    context = {
        c.name: c.name
        for c in profile.columns
        if c.name.lower() in ("device", "platform", "country", "page", "channel")
    }
    table = ImpressionTable(
        file, time_of(roles.time), keys, {item: key_of(shown)}, decision, position,
        found["score"], found["propensity"], context, outcomes, form,
    )  # fmt: skip
    return table, guesses


def _called(profile: FileProfile, word: str) -> str | None:
    """The numeric column whose name has the word; a propensity_score is a propensity."""
    for column in profile.columns:
        said = [part for part in words(column.name) if part in ("propensity", "score")]
        if said[:1] == [word] and column.kind in ("integer", "number"):
            return column.name
    return None
