"""Mappings as TOML files: read strictly, written so that a person goes on editing them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from .. import durations
from ..errors import DataError, DesignError, nearest
from .mapping import (
    Attribute,
    DecisionTable,
    EntityTable,
    Followed,
    Given,
    ImpressionTable,
    Key,
    Mapping,
    Number,
    OutcomeTable,
    Place,
    Position,
    Table,
    Took,
)
from .places import Area
from .schema import DECISION_COLUMNS, ENTITY_COLUMNS, OUTCOME_COLUMNS
from .sniffing import Form
from .times import Time, zone_of


def load_mapping(path: Path) -> Mapping:
    """The mapping of a TOML file; raises DataError that names the entry where it does not hold."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the mapping {path} cannot be read ({error}); expected a TOML file in UTF-8") from error
    return parse_mapping(text, source=path.name)


def parse_mapping(text: str, *, source: str = "the mapping") -> Mapping:
    """The mapping of a TOML text."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source} is not valid TOML ({error}); mend it there") from error
    try:
        mapping = msgspec.convert(data, Mapping)
    except msgspec.ValidationError as error:
        raise DataError(f"{source}: {_explain(str(error), data)}") from error
    except DesignError as error:  # Of an area that is none.
        raise DataError(f"{source}: {error}") from error
    if not mapping.table:
        raise DataError(f"{source} has no [[table]]; give one for each file")
    for place, table in enumerate(mapping.table):
        _check(table, f"{source}: table {place + 1} ({table.file})")
    return mapping


def _explain(message: str, data: MappingOf[str, Any]) -> str:
    """msgspec's words, with the nearest known name where one is misspelt."""
    unknown = re.fullmatch(r"Object contains unknown field `(.+?)`(?: - at `\$(.*)`)?", message, re.DOTALL)
    if unknown is None:
        return f"{message}; see the example in the documentation of mappings"
    field, place = unknown[1], unknown[2] or ""
    return f"unknown entry {field!r} at {place.lstrip('.') or 'the top'}; {nearest(field, _fields_at(place, data))}"


def _fields_at(place: str, data: MappingOf[str, Any]) -> tuple[str, ...]:
    if not place:
        return Mapping.__struct_fields__
    row = re.fullmatch(r"\.table\[(\d+)\]", place)
    kinds = {one.__struct_config__.tag: one for one in (OutcomeTable, EntityTable, ImpressionTable, DecisionTable)}
    kind = data["table"][int(re.findall(r"\d+", place)[0])].get("kind")
    if row is not None:
        table = kinds.get(kind)
        return ("kind", *table.__struct_fields__) if table else ("kind",)
    inner = {
        "form": Form,
        "values": Attribute,
        "outcomes": Took if kind == "decision" else Followed,
        "context": Given,
        "place": Place,
        "area": Area,
        "position": Position,
        "ts": Time,
        "value": Number,
    }
    found = [struct for name, struct in inner.items() if re.search(rf"\]\.{name}\b", place)]
    return (found[0] if found else Key).__struct_fields__


def _check(table: Table, where: str) -> None:
    """What types cannot say."""
    _check_names(table, where)
    match table:
        case EntityTable():
            for name, value in table.values.items():
                if isinstance(value, Attribute) and (value.column is None) == (value.flags is None):
                    raise DataError(f"{where} gives values.{name} neither or both of column and flags; give one")
        case ImpressionTable():
            if len(table.item) != 1:
                raise DataError(f'{where} has {len(table.item)} entries in item; give one, as {{video = "video_id"}}')
            for name, one in table.outcomes.items():
                if (one.flag is None) == (one.value is None):
                    raise DataError(f"{where} gives outcomes.{name} neither or both of flag and value; give one")
        case DecisionTable():
            for name, given in table.context.items():
                if isinstance(given, Given):
                    _check_given(given, f"{where} gives context.{name}")
            for name, took in table.outcomes.items():
                _check_took(took, f"{where} gives outcomes.{name}")
        case _:
            pass
    outcomes = table.outcomes.values() if isinstance(table, ImpressionTable | DecisionTable) else ()
    for time in (*msgspec.structs.astuple(table), *(one.ts for one in outcomes)):
        if isinstance(time, Time):
            zone_of(time.timezone)
            if bool(time.column) == bool(time.columns):
                raise DataError(f"{where} has a time with neither or both of column and columns; give one")


def _check_given(value: Given, what: str) -> None:
    if (value.lat is None) != (value.lon is None) or (value.lat is None) == (value.column is None):
        raise DataError(f'{what} as neither a column nor a place; give {{column = "c"}} or {{lat = "a", lon = "b"}}')
    if value.type != "number" and (value.at_least is not None or value.at_most is not None):
        raise DataError(f'{what} bounds, but it is no number; add type = "number"')


def _check_took(took: Took, what: str) -> None:
    if took.ts is None and took.value is None:
        raise DataError(f"{what} neither ts nor value; give when it was known, how long it took, or both")
    try:
        for bound in filter(None, (took.at_least, took.at_most)):
            durations.parse(bound)
    except DesignError as error:
        raise DataError(f"{what} a bound that is none: {error}") from error


def _check_names(table: Table, where: str) -> None:
    names: tuple[str, ...] = (*table.values,) if isinstance(table, EntityTable) else (*table.keys,)
    if not names and not isinstance(table, EntityTable):
        raise DataError(f'{where} has no keys; give at least one, as {{member = "user_id"}}')
    match table:
        case EntityTable():
            taken = {*ENTITY_COLUMNS, *(("lat", "lon") if table.place else ())}
        case OutcomeTable():
            taken = {*OUTCOME_COLUMNS}
        case ImpressionTable():
            names = (*names, *table.item)
            taken = {*OUTCOME_COLUMNS, *DECISION_COLUMNS}
        case DecisionTable():
            taken = {*OUTCOME_COLUMNS, *DECISION_COLUMNS}
    for name in names:
        if name in taken or "." in name:
            raise DataError(f"{where} calls a column {name!r}, which the log keeps for itself; choose another name")


def write_mapping(mapping: Mapping, *, comments: MappingOf[str, Sequence[str]] | None = None) -> str:
    """The mapping as TOML, which `parse_mapping` reads back the same; `comments` stand above a file's first table."""
    lines: list[str] = []
    unsaid = dict(comments or {})
    for table in mapping.table:
        lines += [f"# {_line(comment)}" for comment in unsaid.pop(table.file, ())]
        lines.append("[[table]]")
        data = msgspec.to_builtins(table)
        apart = ("context", "outcomes") if isinstance(table, DecisionTable) else ("values",)
        groups = {name: data.pop(name, {}) for name in apart}
        if not data.get("form"):
            data.pop("form", None)
        ordered = {"file": data.pop("file"), "kind": data.pop("kind"), **data}
        lines += [f"{_toml_key(name)} = {_toml(value)}" for name, value in ordered.items()]
        for group, values in groups.items():
            if values:
                lines += ["", f"[table.{group}]"]
                lines += [f"{_toml_key(name)} = {_toml(value)}" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _line(comment: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in comment)


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_toml_key(name)} = {_toml(inner)}" for name, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
            return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    return repr(value)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
