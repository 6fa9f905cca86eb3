"""Should an id be a feature? Not at all, as what was counted by it as of each request, as its hash, or both."""

from __future__ import annotations

from ..design import Design
from ..errors import DesignError
from ..features.parts import is_row
from ..features.spec import Accumulating, Bucket, Feature
from .edits import estimates_only, with_features


def alternatives(design: Design) -> dict[str, Design]:
    """The edits by name, the plainest first: of all keys that the design counts by, or has the hash of, at once."""
    estimates_only("ids", design)
    features = design.learning.features
    keys = dict.fromkeys(key for one in features for key in keys_of(one))
    if not keys:
        raise DesignError(
            f"the features of {design.name!r} are kept by no key; 'sixfold ask ids' needs one, such as "
            "mean('arrived', by='store', half_life='7d')"
        )
    rest = [one for one in features if not keys_of(one)]
    counted = [one for one in features if keys_of(one) and not isinstance(one, Bucket)]
    given = [one for one in features if isinstance(one, Bucket)]
    hashed = given + [Bucket(key) for key in keys if key not in {one.key for one in given}]
    named = " and ".join(keys)
    tried: dict[str, list[Feature]] = {"none": [], f"hash of {named}": list(hashed)}
    if counted:
        tried |= {f"as of, by {named}": list(counted), "both": [*counted, *hashed]}
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
