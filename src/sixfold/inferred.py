"""A design written for a user's own tables, from the guessed mapping and from what then lies in the log.

What comes out is text to edit, not an object: the user reads it, and it is loaded like any other `design.py`.
"""

from __future__ import annotations

from .errors import DataError
from .events.infer import Inferred
from .events.mapping import EntityTable, ImpressionTable, OutcomeTable
from .features.attributes import Kind, kind_of
from .features.indexed import Indexed, Vocabulary, index, joined
from .features.store import Store
from .workspace import Workspace

MEMBER = "member"


def design_text(found: Inferred, workspace: Workspace) -> str:
    """The text of a `design.py` for the log that these tables filled. Raises DataError where no table is a log."""
    logs = [table for table in found.mapping.table if not isinstance(table, EntityTable)]
    if not logs:
        raise DataError("none of the files says what members did; give one with an id of each and a time")
    item = _item(logs[0])
    log = _peek(workspace, (MEMBER, item))
    label = _label(log)
    features = [*_attributes(log, MEMBER), *_attributes(log, item), *_counts(log, label, item)]
    return _TEMPLATE.format(
        name=workspace.folder.resolve().name or "mine", item=item, member=MEMBER, label=label,
        features="\n".join(f"            {feature}," for feature in features),
        users=max(len_of(log, MEMBER), 1), items=max(len_of(log, item), 1),
        window="30d" if not len(log.decisions["ts"]) else "1d", title=_title(log, item),
        targets="auc() >= 0.60, calibration().within(0.95, 1.05)" if len(log.decisions["ts"]) else "ndcg(at=10) >= 0.05",
    )  # fmt: skip


def _item(table: OutcomeTable | ImpressionTable) -> str:
    if isinstance(table, ImpressionTable):
        return next(iter(table.item))
    return next(name for name in table.keys if name != MEMBER)


def _peek(workspace: Workspace, types: tuple[str, str]) -> Indexed:
    ids = Vocabulary(Store(), types)
    return joined([index(events, ids, item=types[1]) for events in workspace.batches()])


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
