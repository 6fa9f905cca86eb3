"""A mapping guessed from the files themselves, each guess with its reason."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .guessing import Guess
from .infer_entities import entity_table
from .infer_logs import impression_table, is_impressions, name_ids, outcome_tables
from .joins import Join, join_of, pair_up
from .mapping import Mapping, Table
from .profile import MOST_ROWS, Column, FileProfile, profile
from .roles import Roles, roles_of
from .sniffing import Form


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


def infer(paths: Sequence[Path], *, base: Path | None = None, most_rows: int = MOST_ROWS) -> Inferred:
    """The mapping of files that belong together: at least one log, and tables of the entities in it.

    Files are named relative to `base`, where the mapping will stand. Raises DataError where no file is a log.
    """
    profiles = [profile(path, most_rows=most_rows) for path in paths]
    logs = _logs(profiles)
    if not logs:
        looked = "; ".join(
            f"{one.path.name} has {', '.join(f'{c.name} ({c.kind})' for c in one.columns[:8])}" for one in profiles
        )
        raise DataError(
            f"no file is a log, with two columns of ids and one of times; {looked}; write the mapping by hand"
        )
    tables = [one for one in profiles if all(one is not log for log, _ in logs)]
    guesses: list[Guess] = []
    joins: list[Join] = []
    out: list[Table] = []
    entities: dict[str, tuple[str, FileProfile, Column]] = {}
    for log, roles in logs:
        joined = pair_up(log, roles.ids, tables)
        tables_of_log, names, said = _log_tables(log, roles, joined, base)
        out += tables_of_log
        guesses += said
        for name, column in names.items():
            if column.name in joined:
                keyed, key = joined[column.name]
                joins.append(join_of(log, column, keyed, key))
                entities.setdefault(keyed.path.name, (name, keyed, key))
    for name, keyed, key in entities.values():
        entity, said = entity_table(name, key, keyed, file=_file(keyed, base), form=form_of(keyed))
        out.append(entity)
        guesses += [
            Guess(keyed.path.name, "key", key.name, "each value comes once and the log has them", "sure"),
            *said,
        ]
    ignored = {
        one.path.name: "no column of ids of a log is found in it" for one in tables if one.path.name not in entities
    }
    return Inferred(Mapping(tuple(out)), tuple(guesses), tuple(joins), tuple(profiles), ignored)


def _log_tables(
    log: FileProfile, roles: Roles, joined: dict[str, tuple[FileProfile, Column]], base: Path | None
) -> tuple[list[Table], dict[str, Column], list[Guess]]:
    names, guesses = name_ids(log, roles, joined)
    file, form = _file(log, base), form_of(log)
    if is_impressions(log, roles):
        shown, more = impression_table(log, roles, names, file=file, form=form)
        return [shown], names, guesses + more
    outcomes, more = outcome_tables(log, roles, names, file=file, form=form)
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
