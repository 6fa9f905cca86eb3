"""Should an id be a feature? Not at all, as what was counted by it as of each request, as its hash, or both."""

from __future__ import annotations

from collections.abc import Iterable

from ..design import Design
from ..errors import DesignError
from ..events.schema import DECISION_COLUMNS, Events
from ..features.parts import is_row
from ..features.spec import Accumulating, Bucket, Feature
from .edits import estimates_only, with_features


def alternatives(design: Design, log: Iterable[Events] = ()) -> dict[str, Design]:
    """The edits by name, the plainest first: of all keys that the design counts by, or has the hash of, at once; of several
    keys also what is counted by each alone. `log` is read only to say why it cannot be asked."""
    estimates_only("ids", design)
    features = design.learning.features
    keys = dict.fromkeys(key for one in features for key in keys_of(one))
    if not keys:
        raise DesignError(_unasked(design, sorted(keys_in(log))))
    rest = [one for one in features if not keys_of(one)]
    counted = [one for one in features if keys_of(one) and not isinstance(one, Bucket)]
    given = [one for one in features if isinstance(one, Bucket)]
    hashed = given + [Bucket(key) for key in keys if key not in {one.key for one in given}]
    named = " and ".join(keys)
    tried: dict[str, list[Feature]] = {"none": [], f"hash of {named}": list(hashed)}
    by = dict.fromkeys(key for one in counted for key in keys_of(one))
    for key in by:
        if alone := [one for one in counted if set(keys_of(one)) == {key}]:
            tried[f"as of, by {key}"] = list(alone)
    if counted:
        tried |= {f"as of, by {' and '.join(by)}": list(counted), "both": [*counted, *hashed]}
    return {name: with_features(design, [*rest, *added]) for name, added in tried.items()}


def keys_of(feature: Feature) -> list[str]:
    """The keys whose every id a feature tells apart."""
    match feature:
        case Bucket(key):
            return [key]
        case _ if isinstance(feature, Accumulating):
            return [part for part in feature.by if is_row(part)]
        case _:
            return []


def keys_in(log: Iterable[Events]) -> set[str]:
    """The keys that decisions of a log carry."""
    columns = {name for events in log for name in events.decisions}
    return {name for name in columns - set(DECISION_COLUMNS) if "." not in name}


def _unasked(design: Design, known: list[str]) -> str:
    """Why a design that counts by no key is not asked of, and what to do, by the keys that the log knows."""
    label = design.requirements.label.name
    if not known:
        return (
            f"'sixfold ask ids' needs a key, but this log's decisions carry none and the features of {design.name!r} are "
            "kept by no key; ingest them with one (keys = {store = ...} in mapping.toml), count by it, such as "
            f"mean({label!r}, by='store', half_life='7d'), and ask again"
        )
    return (
        f"the features of {design.name!r} are kept by no key, though the log has {' and '.join(map(repr, known))}; 'sixfold "
        f"ask ids' needs one, so add mean({label!r}, by={known[0]!r}, half_life='7d') to learning.features and ask again"
    )
