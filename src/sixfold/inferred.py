"""A design written for a user's own tables, from the guessed mapping and from what then lies in the log.

What comes out is text to edit, not an object: the user reads it, and it is loaded like any other `design.py`.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path

import numpy as np

from . import durations
from .errors import DataError
from .events.infer import Inferred
from .events.infer_asks import asked_of, own_id
from .events.mapping import Attribute, DecisionTable, EntityTable, Given, ImpressionTable, OutcomeTable
from .events.naming import says_void
from .features.attributes import Kind, kind_of
from .features.indexed import Indexed, Vocabulary, index, joined
from .features.store import Store
from .workspace import Workspace

MEMBER = "member"


def design_text(found: Inferred, workspace: Workspace) -> str:
    """The text of a `design.py` for the log that these tables filled. Raises DataError where no table is a log."""
    asks = [table for table in found.mapping.table if isinstance(table, DecisionTable)]
    if asks:
        return _estimate_text(found, asks[0], workspace)
    logs = [table for table in found.mapping.table if isinstance(table, OutcomeTable | ImpressionTable)]
    if not logs:
        raise DataError("none of the files says what members did; give one with an id of each and a time")
    item = _item(logs[0])
    log = _peek(workspace, (MEMBER, item), item=item)
    label = _label(log)
    features = [*_attributes(log, MEMBER), *_attributes(log, item), *_counts(log, label, item)]
    return _TEMPLATE.format(
        name=workspace.folder.resolve().name or "mine", item=item, member=MEMBER, label=label,
        features="\n".join(f"            {feature}," for feature in features),
        users=max(len_of(log, MEMBER), 1), items=max(len_of(log, item), 1),
        window="30d" if not len(log.decisions["ts"]) else "1d", title=_title(log, item),
        targets="auc() >= 0.60, calibration().within(0.95, 1.05)" if len(log.decisions["ts"]) else "ndcg(at=10) >= 0.05",
    )  # fmt: skip


def _estimate_text(found: Inferred, table: DecisionTable, workspace: Workspace) -> str:
    """The text of a design that estimates how long the rows of a table take."""
    profile = next(one for one in found.profiles if fnmatch.fnmatchcase(one.path.name, Path(table.file).name))
    own = own_id(profile)
    keys = [key for key, of in table.keys.items() if own is None or own.name not in (of, getattr(of, "column", ""))]
    label = list(table.outcomes)[-1]
    log = _peek(workspace, tuple(keys), item=None)
    took = log.outcomes[label]["value"] if label in log.outcomes else np.empty(0)
    if not len(took):
        raise DataError("no row of the files says how long it took; look at events/quarantine.jsonl for the reasons")
    void = [name for name in table.outcomes if says_void(name) and name in log.outcomes]
    features = [
        *(_context(log, name) for name, one in table.context.items() if not (isinstance(one, Given) and one.lat)),
        *(_dated(found, line) for key in keys for line in _attributes(log, key)),
        *_of_places(found, table, keys, label),
        *_of_events(label, void, keys, _span_s(log)),
        "hour()", "weekday()",
    ]  # fmt: skip
    return _ESTIMATE.format(
        name=workspace.folder.resolve().name or "mine", of=asked_of(profile), label=label,
        features="\n".join(f"            {feature}," for feature in features),
        window=_window(float(np.quantile(took, 0.995)), _span_s(log)), area=_area(log),
        void=f", void=({', '.join(map(_quoted, void))},)" if void else "",
        step=5 if np.median(took) >= 15 * 60 else 1,
        users=max([len_of(log, key) for key in keys], default=1), items=max(len(log.decisions["ts"]), 1),
    )  # fmt: skip


def _quoted(name: str) -> str:
    return f'"{name}"'


def _dated(found: Inferred, line: str) -> str:
    """The feature of an attribute, of a time how long ago it was."""
    tables = [one for one in found.mapping.table if isinstance(one, EntityTable)]
    for of, name, value in ((one.of, name, value) for one in tables for name, value in one.values.items()):
        if isinstance(value, Attribute) and value.type == "time" and line == f'attribute("{of}.{name}")':
            return f'age("{of}.{name}")'
    return line


def _of_events(label: str, void: list[str], keys: list[str], span_s: float) -> list[str]:
    """How long it took lately and how much is under way: by each key, and of all."""
    fast, slow = ("7d", "60d") if span_s > 60 * 86_400 else ("1d", "14d")
    ended, out = ", ".join(map(_quoted, (label, *void))), []
    for key in keys:
        out += [f'mean("{label}", by="{key}", half_life="{half_life}")' for half_life in (fast, slow)]
        out.append(f'under_way({ended}, by="{key}")')
    out += [f'mean("{label}", half_life="{half_life}")' for half_life in ("1h", slow)]
    return [*out, f"under_way({ended})"]


def _area(log: Indexed) -> str:
    """What to say of the area served: degrees that hold the places of a log but for what is far from most of them."""
    found = log.decisions
    pairs = [(found[name], found[f"{name.removesuffix('lat')}lon"]) for name in found if name.endswith("_lat")]
    ends = [np.concatenate(end) for end in zip(*pairs, strict=True)]
    if not ends or not all(np.isfinite(end).any() for end in ends):
        return "area=Area(south, west, north, east) the degrees served"
    tenths = [np.nanquantile(end, (0.1, 0.9)) for end in ends]
    (south, west), (north, east) = zip(
        *((a - (b - a) / 2 - 0.01, b + (b - a) / 2 + 0.01) for a, b in tenths), strict=True
    )
    return f"area=Area({south:.2f}, {west:.2f}, {north:.2f}, {east:.2f}) the degrees served"


def _context(log: Indexed, name: str) -> str:
    """A value of the request, with a column for each of its texts where there are more than the usual ten."""
    texts = len(log.texts.get(f"context.{name}", ()))
    return f'context("{name}", top={min(texts, 50)})' if texts > 10 else f'context("{name}")'


_WINDOWS = ("10m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "2d", "7d", "14d", "30d", "60d")


def _window(long_s: float, span_s: float) -> str:
    """The shortest usual window that holds all but the longest times, with half as much again to spare.

    It is a tenth of the log at most, or hardly a decision of the test part would be complete.
    """
    fits = [one for one in _WINDOWS if durations.parse(one) / 1e6 >= 1.5 * long_s] or [_WINDOWS[-1]]
    short = [one for one in _WINDOWS if durations.parse(one) / 1e6 <= span_s / 10] or [_WINDOWS[0]]
    return min(fits[0], short[-1], key=durations.parse)


def _span_s(log: Indexed) -> float:
    """How long a log runs; a stray row with a date of another year does not count."""
    ts = log.decisions["ts"]
    return float(np.subtract(*np.quantile(ts, (0.99, 0.01)))) / 1e6 if len(ts) else 0.0


def _of_places(found: Inferred, table: DecisionTable, keys: list[str], label: str) -> list[str]:
    """How far and which way, where two places are known, and how long it takes at each."""
    placed = [one.of for one in found.mapping.table if isinstance(one, EntityTable) and one.place and one.of in keys]
    named = [name for name, one in table.context.items() if isinstance(one, Given) and one.lat]
    # From where it starts to where it goes; what is called neither comes in the order of its columns.
    named.sort(key=lambda name: {"pickup": 0, "drop": 2}.get(name, 1))
    places = [*placed, *(f"context.{name}" for name in named)]
    out = []
    if len(places) >= 2:
        out = [f'{way}("{places[0]}", "{places[-1]}")' for way in ("distance", "offsets", "bearing")]
    return out + [f'mean("{label}", by="{place}@14", half_life="14d")' for place in places]


def _item(table: OutcomeTable | ImpressionTable) -> str:
    if isinstance(table, ImpressionTable):
        return next(iter(table.item))
    return next(name for name in table.keys if name != MEMBER)


def _peek(workspace: Workspace, types: tuple[str, ...], *, item: str | None) -> Indexed:
    ids = Vocabulary(Store(), types)
    return joined([index(events, ids, item=item) for events in workspace.batches()])


def _label(log: Indexed) -> str:
    """The outcome with the most events; a threshold is the user's to set."""
    counts = {name: len(table["ts"]) for name, table in log.outcomes.items()}
    if not counts:
        raise DataError("no row of the files became an outcome; look at events/quarantine.jsonl for the reasons")
    return max(counts, key=lambda outcome: counts[outcome])


def _attributes(log: Indexed, entity: str) -> list[str]:
    """The fields of an entity worth a feature: numbers, and categories with few enough values to repeat."""
    out = []
    for field, column in log.entities.get(entity, {}).items():
        if field in ("row", "ts", "id", "title", "name"):
            continue
        kind = kind_of(column)
        distinct = len(set(column[:20_000].tolist())) if kind is Kind.CATEGORY else 0
        if kind is Kind.NUMBER or (kind is Kind.CATEGORY and distinct <= max(50, len(column) // 20)):
            out.append(f'attribute("{entity}.{field}")')
    return out


def _counts(log: Indexed, label: str, item: str) -> list[str]:
    """Popularity at two speeds, activity, and taste by the item's first many-valued category."""
    out = [f'count("{label}", by="{item}", window="{window}")' for window in ("7d", "60d")]
    out.append(f'count("{label}", by="member", window="60d")')
    if len(log.shown["ts"]):
        out.append(f'rate("{label}", by="{item}", half_life="7d")')
        out.append("position()")
    for field, column in log.entities.get(item, {}).items():
        if (
            column.dtype.kind == "S"
            and field not in ("id", "title", "name")
            and b"\x1f" in b"".join(column[:500].tolist())
        ):
            out.append(f'count("{label}", by=("member", "{item}.{field}"), window="60d")')
            break
    return out


def _title(log: Indexed, item: str) -> str:
    return f', title="{item}.title"' if "title" in log.entities.get(item, {}) else ""


def len_of(log: Indexed, entity: str) -> int:
    """How many rows of an entity the log names."""
    tables = [table for table in (*log.outcomes.values(), log.shown) if entity in table and len(table[entity])]
    return max((int(table[entity].max()) + 1 for table in tables), default=0)


_TEMPLATE = '''"""Written from your own tables by `sixfold new --from`: read it, and change what was guessed wrong."""

from sixfold.language import *

success = outcome("{label}")  # add at_least=... where only a high value is a success

design = Design(
    name="{name}",
    problem=Problem(
        goal="Slates of {item} that the {member} goes on to take up",
        decides=Slate(of="{item}", to="{member}", size=20{title}),  # seen_again_after="7d" would show them again
    ),
    metrics=Metrics(offline=({targets},), guardrails=(coverage(of="{item}") >= 0.05,), slices=("member.is_new",)),
    requirements=Requirements(label=success, window="{window}", retrain="{window}", p99_ms=100, requests_per_s=50),
    learning=Learning(
        features=(
{features}
        ),
        retrievers=(Popular(half_life="30d"), EASE(), ALS(factors=64)),
        ranker=Forest(trees=200), history_length=200,
    ),
    components=Components(candidates=Service(deadline_ms=25, fallback="popular"),
                          ranking=Service(deadline_ms=40, fallback="retrieval order")),
    scale=Scale(users={users}, items={items}),
)
'''

_ESTIMATE = '''"""Written from your own tables by `sixfold new --from`: read it, and change what was guessed wrong."""

from sixfold.language import *

ended = outcome("{label}")  # its value is the seconds since the {of} was asked for

design = Design(
    name="{name}",
    problem=Problem(
        goal="How long each {of} takes, told when it is asked for",
        # void=(...) names outcomes after which there is nothing to wait for, {area}
        decides=Estimate(of="{of}"{void}, promise=Promise(late_per_min=3, early_per_min=1, round_to_min={step})),
    ),
    metrics=Metrics(offline=(covered().within(0.85, 0.95), bias().within(-2, 2)), slices=("hour",)),
    requirements=Requirements(label=ended, window="{window}", retrain="1d", p99_ms=100, requests_per_s=50),
    learning=Learning(
        features=(  # all that was known when it was asked for: leave out what was not
{features}
        ),
        estimator=Quantiles(trees=150),
    ),
    scale=Scale(users={users}, items={items}),
)
'''
