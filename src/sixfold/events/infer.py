"""A mapping guessed from the files themselves, each guess with its reason."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import DataError
from .guessing import Guess
from .infer_asks import also_joined, decision_table, key_columns, noted, with_place
from .infer_entities import entity_table
from .infer_logs import impression_table, is_impressions, name_ids, outcome_tables
from .joins import Join, join_of, pair_up
from .mapping import Mapping, Table
from .profile import MOST_ROWS, Column, FileProfile, profile
from .roles import Roles, roles_of
from .sniffing import Form
from .timed import Timed, timed_of

Reading: TypeAlias = Literal["estimate", "slate"]
"""What a log is read for: how long its rows take, or what members did."""


Joined: TypeAlias = dict[str, tuple[FileProfile, Column]]
Logged: TypeAlias = tuple[list[Table], dict[str, Column], list[Guess]]
"""The tables of a log, its columns of ids by entity, and the guesses."""

_WANTED = {
    None: "two columns of ids and one of times, or two times or a time and a duration",
    "slate": "two columns of ids and one of times",
    "estimate": "a time at which a row begins, and one at which it ends or a duration",
}


@dataclass(frozen=True, slots=True)
class Inferred:
    """A mapping with the reasons for it.

    guesses are in the order of the files; joins tell how ids match; ignored, by file, why a file was left out.
    """

    mapping: Mapping
    guesses: tuple[Guess, ...]
    joins: tuple[Join, ...]
    profiles: tuple[FileProfile, ...]
    ignored: dict[str, str]

    def comments(self) -> dict[str, list[str]]:
        """What `write_mapping` puts above the table of each file."""
        out: dict[str, list[str]] = {}
        for table in self.mapping.table:
            name = next(
                one.path.name for one in self.profiles if fnmatch.fnmatchcase(one.path.name, Path(table.file).name)
            )
            out[table.file] = [str(guess) for guess in self.guesses if guess.file == name]
            out[table.file] += [str(join) for join in self.joins if join.log == name]
        return out


def infer(
    paths: Sequence[Path], *, base: Path | None = None, most_rows: int = MOST_ROWS, reading: Reading | None = None
) -> Inferred:
    """The mapping of files that belong together: at least one log, and tables of the entities in it.

    Files are named relative to `base`, where the mapping will stand. A log that may be read in two ways is read as its names
    say, or by `reading`. Raises DataError where no file is a log.
    """
    profiles = [profile(path, most_rows=most_rows) for path in paths]
    logs, asks = _logs_and_asks(profiles, reading)
    if not logs and not asks:
        looked = "; ".join(
            f"{one.path.name} has {', '.join(f'{c.name} ({c.kind})' for c in one.columns[:8])}" for one in profiles
        )
        raise DataError(f"no file is a log, with {_WANTED[reading]}; {looked}; write the mapping by hand")
    taken: list[FileProfile] = [*(log for log, _ in logs), *(ask for ask, _ in asks)]
    tables = [one for one in profiles if all(one is not log for log in taken)]
    guesses: list[Guess] = []
    joins: list[Join] = []
    out: list[Table] = []
    entities: dict[tuple[str, str], tuple[str, FileProfile, Column]] = {}
    read: list[tuple[FileProfile, Joined, Logged]] = []
    for log, roles in logs:
        joined = pair_up(log, roles.ids, tables)
        read.append((log, joined, _log_tables(log, roles, joined, base)))
    for ask, timed in asks:
        keys = key_columns(ask, timed)
        joined = also_joined(keys, pair_up(ask, tuple(keys.values()), tables))
        read.append((ask, joined, _ask_table(ask, timed, keys, base)))
    for log, joined, (tables_of_log, names, said) in read:
        out += tables_of_log
        guesses += said
        for name, column in names.items():
            if column.name in joined:
                keyed, key = joined[column.name]
                joins.append(join_of(log, column, keyed, key))
                # What members did is of one entity a table; a trip begins and ends in the same table of zones.
                is_ask = any(log is ask for ask, _ in asks)
                entities.setdefault((keyed.path.name, name if is_ask else ""), (name, keyed, key))
    for name, keyed, key in entities.values():
        entity, said = entity_table(name, key, keyed, file=_file(keyed, base), form=form_of(keyed))
        out.append(with_place(entity, keyed) if asks else entity)
        guesses += [
            Guess(keyed.path.name, "key", key.name, "each value comes once and the log has them", "sure"),
            *said,
        ]
    ignored = {
        one.path.name: "no column of ids of a log is found in it"
        for one in tables
        if one.path.name not in {name for name, _ in entities}
    }
    return Inferred(Mapping(tuple(out)), tuple(dict.fromkeys(guesses)), tuple(joins), tuple(profiles), ignored)


def _logs_and_asks(
    profiles: Sequence[FileProfile], reading: Reading | None
) -> tuple[list[tuple[FileProfile, Roles]], list[tuple[FileProfile, Timed]]]:
    """Which files are logs of what members did, and which of what took a time.

    One that may be either is what its names or `reading` say. Beside a log of what members did, a table of things with two
    times, such as users, is none of orders.
    """
    logs = _logs(profiles)
    members = {one.path for one, _ in logs}
    asks = [] if reading == "slate" else _asks(profiles)
    if reading is None:
        asks = [(one, timed) for one, timed in asks if one.path not in members or _rather_asks(one, timed)]
        if members - {one.path for one, _ in asks}:
            asks = [(one, timed) for one, timed in asks if one.path not in members and timed.named]
    taken = {one.path for one, _ in asks}
    return [] if reading == "estimate" else [(one, roles) for one, roles in logs if one.path not in taken], asks


def _asks(profiles: Sequence[FileProfile]) -> list[tuple[FileProfile, Timed]]:
    """Files whose rows take a time, but for those that are keyed by what a longer one of them repeats."""
    found = [(one, timed) for one in profiles if (timed := timed_of(one)) is not None]
    longer = [(other, tuple(key_columns(other, timed).values())) for other, timed in found]
    return [
        (one, timed)
        for one, timed in found
        if not any(other.rows > one.rows and pair_up(other, keys, [one]) for other, keys in longer)
    ]


def _rather_asks(one: FileProfile, timed: Timed) -> bool:
    roles = roles_of(one)
    return timed.named and not (roles is not None and is_impressions(one, roles))


def _ask_table(ask: FileProfile, timed: Timed, keys: dict[str, Column], base: Path | None) -> Logged:
    table, guesses = decision_table(ask, timed, keys, file=_file(ask, base), form=form_of(ask))
    if roles_of(ask) is not None:
        why = "its rows say how long they took, and its names are of orders or trips"
        guesses.insert(0, noted(ask.path, "decisions, whose time is estimated", "slate", why))
    return [table], keys, guesses


def _log_tables(log: FileProfile, roles: Roles, joined: Joined, base: Path | None) -> Logged:
    names, guesses = name_ids(log, roles, joined)
    file, form = _file(log, base), form_of(log)
    if is_impressions(log, roles):
        shown, more = impression_table(log, roles, names, file=file, form=form)
        return [shown], names, guesses + more
    outcomes, more = outcome_tables(log, roles, names, file=file, form=form)
    if timed_of(log) is not None:
        why = "its rows have two ids, and no name is of orders or trips"
        guesses.insert(0, noted(log.path, "what members did", "estimate", why))
    return [*outcomes], names, guesses + more


def _logs(profiles: Sequence[FileProfile]) -> list[tuple[FileProfile, Roles]]:
    """Files with a time and two ids, but for those whose first column is a key that a longer one repeats."""
    may = [(one, roles) for one in profiles if (roles := roles_of(one)) is not None]
    out = []
    for one, roles in may:
        first = one.columns[0]
        others = [other for other, _ in may if other is not one and other.rows > one.rows]
        is_table = first.unique and any(pair_up(other, theirs.ids, [one]) for other, theirs in may if other in others)
        if not is_table:
            out.append((one, roles))
    return out


def form_of(one: FileProfile) -> Form:
    """How the file was found to be written, said so that a mapping does not guess again."""
    layout = one.layout
    if layout.kind != "csv":
        return Form()
    quotes = None if layout.quotes else False
    return Form(delimiter=layout.delimiter, header=layout.header, quotes=quotes if len(layout.delimiter) == 1 else None)


def _file(one: FileProfile, base: Path | None) -> str:
    path = Path(os.path.relpath(one.path, base)).as_posix() if base is not None else str(one.path)
    return glob.escape(path)
