"""Features that no request can feed, that stand twice, or that read what they are to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..design import Design
from ..errors import nearest
from ..features.parts import attributes_of, is_row
from ..features.spec import (
    ASKED,
    SHOWN,
    Accumulating,
    Age,
    Attribute,
    Bucket,
    Context,
    Expected,
    Feature,
    Similarity,
    Stream,
    Taste,
    Way,
    flat,
    name_of,
)  # fmt: skip
from .finding import Finding, Rule, error, warning


def parts_of(design: Design) -> list[tuple[int, Feature]]:
    """(number, feature) of all features and of what they are made of."""
    return [(i, one) for i, feature in enumerate(design.learning.features) for one in flat((feature,))]


def outcomes(design: Design) -> set[str]:
    """The names of all outcomes that the design speaks of."""
    streams = [stream for _, stream in streams_of(design)]
    return {stream.name for stream in streams} - {SHOWN, ASKED}


def streams_of(design: Design) -> list[tuple[str, Stream]]:
    """(path, stream) of everything that is counted, learned or remembered."""
    found = [("requirements.label", design.requirements.label)]
    if design.learning.history is not None:
        found.append(("learning.history", design.learning.history))
    found += [(f"learning.heads.{name}", head.stream) for name, head in design.learning.heads.items()]
    for i, feature in parts_of(design):
        if isinstance(feature, Expected):
            found.append((f"learning.features[{i}]", Stream(feature.outcome)))
        if isinstance(feature, Accumulating):
            found += [(f"learning.features[{i}]", stream) for stream in dict.fromkeys(feature.streams())]
    return found


def paths_of(design: Design) -> list[tuple[str, str]]:
    """(where, path) of every attribute that the design reads."""
    found: list[tuple[str, str | None]] = []
    if not design.estimates:
        slate = design.slate
        found = [("problem.decides.available", slate.available), ("problem.decides.title", slate.title)]
    for i, feature in parts_of(design):
        where = f"learning.features[{i}]"
        if isinstance(feature, Attribute | Age | Similarity):
            found.append((where, feature.path))
        elif isinstance(feature, Taste):
            found += [(where, path) for path in (*feature.of, *feature.given)]
        elif isinstance(feature, Accumulating):
            found += [(where, path) for part in feature.by if not is_row(part) for path in attributes_of(part)]
        elif isinstance(feature, Way):
            found += [(where, path) for place in (feature.start, feature.stop) for path in attributes_of(place)]
    return [(where, path) for where, path in found if path is not None]


def known_entities(design: Design) -> Iterator[Finding]:
    """A request names a member and its candidates; nothing of another entity can be looked up."""
    if design.estimates:
        return  # Its keys are those of the log's decisions: `training.validate` looks there.
    known = [f"{design.item}.", f"{design.member}."]
    for where, path in paths_of(design):
        entity, dot, field = path.partition(".")
        if not (dot and field) or entity not in (design.member, design.item):
            hint = nearest(f"{entity}.", known).replace(".", "")
            yield error(where, f"{path!r} is of no entity that a request names, as 'entity.field' is to be; {hint}")


def known_cells(design: Design) -> Iterator[Finding]:
    """Counts are kept by what each of their events carries: a member, an item, or an attribute of one."""
    if design.estimates:
        return
    known = (design.item, design.member)
    for i, feature in enumerate(design.learning.features):
        for part in _kept_by(feature):
            if "." not in part and part not in known:
                yield error(
                    f"learning.features[{i}]",
                    f"{name_of(feature)} is kept by {part!r}, which is neither {design.member!r}, {design.item!r} "
                    f"nor an attribute such as '{design.item}.{part}'; {nearest(part, known)}",
                )


def _kept_by(feature: Feature) -> tuple[str, ...]:
    match feature:
        case Bucket(key):
            return (key,)
        case _:
            return feature.by if isinstance(feature, Accumulating) else ()


def distinct(design: Design) -> Iterator[Finding]:
    """Two columns of one name cannot be told apart in a report, and one of them is wasted."""
    features = design.learning.features
    for name, times in Counter(map(name_of, features)).items():
        if times > 1:
            where = [i for i, feature in enumerate(features) if name_of(feature) == name]
            yield error(
                f"learning.features[{where[1]}]", f"{name} stands {times} times among the features; keep one of them"
            )


def reads_no_label(design: Design) -> Iterator[Finding]:
    """Counts of an outcome hold only what came before; a value stored under its name may hold what came after."""
    names = outcomes(design)
    contexts = [
        (f"learning.features[{i}]", feature.name) for i, feature in parts_of(design) if isinstance(feature, Context)
    ]
    for where, path in [*paths_of(design), *contexts]:
        name = path.rpartition(".")[2]
        if name in names:
            yield error(
                where,
                f"{path!r} has the name of the outcome {name!r} and may hold what is to be predicted; use "
                f"count or rate of {name!r}, which see only what came before, or rename the value if it is another",
            )


def no_ids(design: Design) -> Iterator[Finding]:
    """Millions of ids with few outcomes each are learned by heart, and a new one was never seen."""
    for i, feature in enumerate(design.learning.features):
        if isinstance(feature, Attribute):
            entity, _, field = feature.path.partition(".")
            if field in ("id", "key", f"{entity}_id", f"{entity}_key"):
                yield warning(
                    f"learning.features[{i}]",
                    f"{feature.path!r} is an id, of which {feature.top} get a column and all others none; "
                    "run 'sixfold ask ids' to see what it is worth against rates and embeddings",
                )


RULES: tuple[Rule, ...] = (known_entities, known_cells, distinct, reads_no_label, no_ids)
