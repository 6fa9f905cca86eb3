"""Copies of a design with other features; nothing else of it changes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..design import Design
from ..errors import DesignError
from ..features.spec import Feature, Rate, Stream

PRIOR = 20.0


def with_features(design: Design, features: Iterable[Feature]) -> Design:
    """The design with these features, each once."""
    learning = msgspec.structs.replace(design.learning, features=tuple(dict.fromkeys(features)))
    return msgspec.structs.replace(design, learning=learning)


def means(design: Design, by: tuple[str, ...], half_life: str) -> list[Feature]:
    """As-of means of what is estimated, and of its legs, kept by `by`."""
    names = (design.requirements.label.name, *design.estimate.legs)
    return [Rate(Stream(name), Stream(name), by, half_life, PRIOR, values=True) for name in names]


def estimates_only(name: str, design: Design) -> None:
    """Raises DesignError where a design decides a slate, of which rankers and retrievers would have to be tried as well."""
    if not design.estimates:
        raise DesignError(
            f"'sixfold ask {name}' is for designs that decide an estimate, but {design.name!r} decides a slate; "
            "leave features out of its design.py and compare the releases with 'sixfold train'"
        )
