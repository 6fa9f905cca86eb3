"""A table of entities out of a profile: which columns are worth keeping, and as what."""

from __future__ import annotations

import re
from itertools import groupby

import numpy as np

from . import parsing
from .guessing import Guess
from .mapping import Attribute, EntityTable, Key
from .naming import says_id, words
from .parsing import Text
from .profile import Column, FileProfile
from .schema import ENTITY_COLUMNS
from .sniffing import Form

CATEGORIES = 2000
"""More distinct members than this make a column text, not a category."""
CODES = 30
"""Up to so many distinct whole numbers, in a column without a name, are taken for codes."""
LEAST_FLAGS = 3


def entity_table(
    of: str, key: Column, profile: FileProfile, *, file: str, form: Form
) -> tuple[EntityTable, list[Guess]]:
    """The mapping of a file of entities, with the guesses that went in."""
    values: dict[str, str | Attribute] = {}
    guesses = []
    rest = [column for column in profile.columns if column.name != key.name]
    for flags, group in groupby(rest, key=lambda column: column.kind == "flag"):
        columns = list(group)
        if flags and len(columns) >= LEAST_FLAGS:
            name, attribute = _one_hot(columns)
            values[name] = attribute
            why = f"{len(columns)} columns of 0 and 1 beside each other"
            guesses.append(Guess(profile.path.name, name, "one many-valued category", why, "likely"))
            continue
        for column in columns:
            value, guess = value_of(column, profile, titled="title" in values)
            guesses.append(guess)
            if value is not None:
                values[_name(column, guess)] = value
    keyed = Key(key.name, integer=True) if key.floats else key.name
    return EntityTable(file, of, keyed, values, form=form), guesses


def _name(column: Column, guess: Guess) -> str:
    if guess.chosen == "title":
        return "title"
    name = re.sub(r"\W+", "_", column.name).strip("_").lower()
    return f"{name}_" if name in ENTITY_COLUMNS else name


def _one_hot(columns: list[Column]) -> tuple[str, Attribute]:
    """Flags under the prefix that they share, else as `flags`."""
    split = [words(column.name) for column in columns]
    shared = split[0][0] if len(split[0]) > 1 and all(len(one) > 1 and one[0] == split[0][0] for one in split) else ""
    labels = {
        "_".join(one[1:]) if shared and shared != "c" else column.name: column.name
        for one, column in zip(split, columns, strict=True)
    }
    return "flags" if shared in ("", "is", "has", "c") else shared, Attribute(flags=labels)


def value_of(column: Column, profile: FileProfile, *, titled: bool) -> tuple[str | Attribute | None, Guess]:
    """What a column is worth as a value: a category, a number, a time, or nothing; only the first title is one."""

    def guess(chosen: str, why: str, certainty: str = "likely") -> Guess:
        return Guess(profile.path.name, column.name, chosen, why, certainty)  # type: ignore[arg-type]

    text = column.sample[~parsing.missing_in(column.sample)]
    nameless = re.fullmatch(r"c\d+", column.name) is not None
    match column.kind:
        case "empty":
            return None, guess("left out", "it is empty", "sure")
        case "time" if column.time is not None:
            time = column.time
            value = Attribute(column.name, type="time", unit=time.unit, format=time.format)
            return value, guess("a time", f"its cells read as {time.format or time.unit}")
        case "integer" if says_id(column.name):
            return column.name, guess("a category", "it is called an id", "sure")
        case "integer" if nameless and column.distinct <= CODES:
            return column.name, guess("a category", f"{column.distinct} whole numbers, which may be codes", "unsure")
        case "integer" | "number" | "flag" | "time":
            return Attribute(column.name, type="number"), guess("a number", "its cells are numbers", "sure")
        case "text":
            pass
    return _text(column, text, profile, titled=titled, nameless=nameless)


def _text(
    column: Column, text: Text, profile: FileProfile, *, titled: bool, nameless: bool
) -> tuple[str | Attribute | None, Guess]:
    def guess(chosen: str, why: str, certainty: str = "likely") -> Guess:
        return Guess(profile.path.name, column.name, chosen, why, certainty)  # type: ignore[arg-type]

    if np.strings.startswith(text, b"http").mean() > 0.5:
        return None, guess("left out", "its cells are addresses", "sure")
    if split := separator_of(text):
        return Attribute(column.name, split=split), guess(
            "a many-valued category", f"its cells hold lists apart by {split!r}"
        )
    spaced = (np.strings.count(text, b" ") > 0).mean() > 0.3
    free = column.distinct > 0.5 * column.filled and column.filled > 20 and spaced
    display = not titled and (words(column.name)[-1:] in (["title"], ["name"]) or (nameless and free))
    if display:
        return column.name, guess("title", "it is text that names the entity, kept for display", "likely")
    wordy = free or np.strings.str_len(text).mean() > 60
    if (wordy and spaced) or (column.distinct > CATEGORIES and not _coded(text)):
        return None, guess("left out", f"it is free text ({column.distinct} distinct)", "likely")
    return column.name, guess("a category", f"{column.distinct} distinct strings")


def _coded(text: Text) -> bool:
    """Short strings without blanks, mostly digits: post codes and the like."""
    return bool((np.strings.str_len(text) <= 12).mean() > 0.95 and np.strings.isalnum(text).mean() > 0.8)


def separator_of(text: Text) -> str:
    """The sign between the members of a many-valued column: few distinct members, seen in many mixtures; else ""."""
    for sign in ("\x1f", "|", ";", ", ", ","):
        holding = np.strings.count(text, sign.encode()) > 0
        if holding.mean() < 0.1:
            continue
        cells = text[:5000].tolist()
        members = [member.strip() for cell in cells for member in cell.split(sign.encode())]
        distinct = set(members)
        long = sum(len(member) > 40 for member in distinct)
        if len(distinct) <= min(CATEGORIES, max(len(members) // 3, 2)) and long <= 0.02 * len(distinct):
            return sign if sign != "\x1f" else ""
    return ""
