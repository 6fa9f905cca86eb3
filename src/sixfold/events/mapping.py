"""How columns of the user's tables become events, as data: one TOML file, no code.

    [[table]]
    file = "ratings.csv"            # beside the mapping; may hold * and ?
    kind = "outcome"                # outcome | entity | impression
    name = "rating"
    ts = "timestamp"                # or {column = "t", unit = "ms", timezone = "Europe/Berlin"}
    keys = {member = "user_id", movie = "movie_id"}
    value = "rating"                # 1 where left out
    where = {event = "rate"}        # only these rows, where the file holds several kinds

    [[table]]
    file = "movies.csv"
    kind = "entity"
    of = "movie"
    key = "movie_id"
    [table.values]
    title = "title"
    genre = {column = "genres", split = "|"}
    length_s = {column = "length", type = "number"}
    published = {column = "release_date", type = "time", format = "%d-%b-%Y"}
    mood = {flags = {dark = "is_dark", light = "is_light"}}     # 0/1 columns as one many-valued category

    [[table]]
    file = "shown.csv"              # one row an item shown; rows of one decision share `decision`
    kind = "impression"
    decision = "request_id"
    ts = "requested_at"
    keys = {member = "user_id"}
    item = {video = "video_id"}
    position = {column = "slot", first = 0}
    context = {device = "device"}
    outcomes = {click = {flag = "clicked"}, watch = {value = "watch_s", ts = "watch_end"}}

    [[table]]
    file = "orders*.csv"            # one row a decision that shows no items: an order placed, a trip begun, a job taken on
    kind = "decision"
    decision = "order_id"           # without it the row's content makes the id
    ts = {columns = ["day", "time"], timezone = "America/Los_Angeles"}      # several columns: joined by a blank
    keys = {order = "order_id", store = "store_id", market = {column = "market_id", required = false}}
    area = {south = 33.5, west = -119, north = 34.5, east = -117}           # places outside it are unknown
    [table.context]
    weather = "weather"
    items = {column = "total_items", type = "number", at_least = 0}         # below it unknown, and counted
    drop = {lat = "drop_lat", lon = "drop_lon"}
    [table.outcomes]
    done = {ts = "done_at", at_least = "1m", at_most = "4h"}    # known then; its value is the seconds since the decision
    packed = {value = "packing_min", unit = "min"}              # known when it had taken so long

    [[table]]
    file = "orders*.csv"            # a file may have several tables; an entity that a row only repeats is no event again
    kind = "entity"
    of = "store"
    key = "store_id"
    place = {lat = "store_lat", lon = "store_lon"}              # the attributes lat and lon

Read next: `mapping_toml` reads and writes the file, `converting` applies it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ..errors import DataError, nearest
from .places import Area
from .sniffing import Form
from .times import Time


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column of ids; `integer` reads "12.0" as the id 12. Where it is not `required`, an empty one is no one's."""

    column: str
    integer: bool = False
    required: bool = True


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column of numbers; `at_least` refuses what is below it, `decimal` is the sign before the fraction."""

    column: str
    at_least: float | None = None
    decimal: Literal[".", ","] = "."


class Attribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value of an entity: a category (many-valued with `split` or `flags`), a number, or a time in Unix seconds."""

    column: str | None = None
    type: Literal["category", "number", "time"] = "category"
    split: str | None = None
    flags: dict[str, str] | None = None
    decimal: Literal[".", ","] = "."
    format: str | None = None
    unit: Literal["s", "ms", "us", "ns", "iso"] | None = None
    timezone: str = "UTC"

    def columns(self) -> tuple[str, ...]:
        return tuple(self.flags.values()) if self.flags else (self.column or "",)


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column of places in the slate, whose topmost is `first` in the file; the log counts from 1."""

    column: str
    first: int = 1


class Followed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What came of an impression: there is an outcome where `flag` (then worth 1) or `value` is above 0.

    ts is when it became known; without, the decision's own time.
    """

    flag: str | None = None
    value: str | None = None
    ts: str | Time | None = None


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two columns of degrees."""

    lat: str
    lon: str


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value that came with a decision: a category, a number, or a place by `lat` and `lon`.

    What is missing is unknown; what is out of bounds, or no place that is served, is unknown too, and counted. With
    `required` such a row is quarantined.
    """

    column: str | None = None
    type: Literal["category", "number"] = "category"
    lat: str | None = None
    lon: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    decimal: Literal[".", ","] = "."
    required: bool = False


class Took(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long something took: `value` in `unit`, or the time from the decision to `ts`; none yet where that is empty.

    It became known at `ts`, without one when it had taken so long. A row where it took no time, less than `at_least` or more
    than `at_most` (durations such as "4h") is quarantined. Nothing is too long unless the mapping says so: what is longer than
    the window of a design is left out of training anyway, and another window may want it.
    """

    ts: str | Time | None = None
    value: str | None = None
    unit: Literal["ms", "s", "min", "h", "d"] = "s"
    at_least: str | None = None
    at_most: str | None = None


class OutcomeTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="outcome", tag_field="kind"
):
    """One row an outcome that names no decision; with `where`, only rows whose cells say so."""

    file: str
    name: str
    ts: str | Time
    keys: dict[str, str | Key]
    value: str | Number | None = None
    id: str | None = None
    where: dict[str, str] = {}
    form: Form = Form()

    def columns(self) -> tuple[str, ...]:
        return _named(self.ts, *self.keys.values(), self.value, self.id, *self.where)


class EntityTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="entity", tag_field="kind"
):
    """One row an entity; without `ts` it was always known. `place` gives it `lat` and `lon`, both unknown outside `area`.

    A row that says what the one before it in time said, of those read at once, is no event of its own.
    """

    file: str
    of: str
    key: str | Key
    values: dict[str, str | Attribute] = {}
    ts: str | Time | None = None
    id: str | None = None
    place: Place | None = None
    area: Area | None = None
    form: Form = Form()

    def columns(self) -> tuple[str, ...]:
        place = (self.place.lat, self.place.lon) if self.place else ()
        values = (value.columns() if isinstance(value, Attribute) else (value,) for value in self.values.values())
        return _named(self.key, self.ts, self.id, *place, *(column for columns in values for column in columns))


class ImpressionTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="impression", tag_field="kind"
):
    """One row an item that was shown. Without `decision`, rows of the same keys and ts are one decision."""

    file: str
    ts: str | Time
    keys: dict[str, str | Key]
    item: dict[str, str | Key]
    decision: str | None = None
    position: str | Position | None = None
    score: str | None = None
    propensity: str | None = None
    context: dict[str, str] = {}
    outcomes: dict[str, Followed] = {}
    form: Form = Form()

    def columns(self) -> tuple[str, ...]:
        followed = (part for one in self.outcomes.values() for part in (one.flag, one.value, one.ts))
        return _named(
            self.decision, self.ts, *self.keys.values(), *self.item.values(), self.position, self.score,
            self.propensity, *self.context.values(), *followed,
        )  # fmt: skip


class DecisionTable(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="decision", tag_field="kind"
):
    """One row a decision that shows no items, with what came of it; with `where`, only rows whose cells say so.

    Without `decision` all that is mapped of a row makes its id: then rows that are exported again with what came of them
    meanwhile are other decisions, so name the column where there is one. Places outside `area` are unknown, counted by why; a
    design has an area too, which holds for whatever is asked for later.
    """

    file: str
    ts: str | Time
    keys: dict[str, str | Key]
    decision: str | Key | None = None
    context: dict[str, str | Given] = {}
    outcomes: dict[str, Took] = {}
    area: Area | None = None
    where: dict[str, str] = {}
    form: Form = Form()

    def columns(self) -> tuple[str, ...]:
        given = (Given(one) if isinstance(one, str) else one for one in self.context.values())
        context = (column for one in given for column in (one.column, one.lat, one.lon))
        took = (column for one in self.outcomes.values() for column in (one.ts, one.value))
        return _named(self.decision, self.ts, *self.keys.values(), *context, *took, *self.where)


Table = OutcomeTable | EntityTable | ImpressionTable | DecisionTable


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of one mapping, in their order."""

    table: tuple[Table, ...]

    def tables_for(self, path: Path) -> tuple[Table, ...]:
        """The tables whose file is this one by name, or the only table there is; raises DataError where none is."""
        found = tuple(one for one in self.table if fnmatch.fnmatchcase(path.name, Path(one.file).name))
        if found or len(self.table) == 1:
            return found or self.table
        known = [Path(one.file).name for one in self.table]
        raise DataError(f"the mapping has no table for {path.name}; {nearest(path.name, known)}")

    def files(self, base: Path) -> Iterator[tuple[Table, Path]]:
        """Every table with each of its files, sought from `base`; raises DataError where there is none."""
        for one in self.table:
            pattern = Path(one.file)
            root, relative = (
                (Path(pattern.anchor), str(pattern.relative_to(pattern.anchor)))
                if pattern.is_absolute()
                else (base, one.file)
            )
            paths = sorted(root.glob(relative))
            if not paths:
                raise DataError(f"the mapping names {one.file}, which is not in {base}; put it there or change `file`")
            for path in paths:
                yield one, path


def _named(*parts: str | Time | Key | Number | Position | None) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for part in parts:
        if part is not None:
            names |= dict.fromkeys(
                part.parts if isinstance(part, Time) else [part if isinstance(part, str) else part.column]
            )
    return tuple(names)
