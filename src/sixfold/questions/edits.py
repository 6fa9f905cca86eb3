"""Copies of a design with other features; nothing else of it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from ..design import Design
from ..errors import DesignError
from ..features.spec import Count, Expected, Feature, Rate, Stream, accumulated

PRIOR = 20.0


def with_features(design: Design, features: Iterable[Feature]) -> Design:
    """The design with these features, each once."""
    learning = msgspec.structs.replace(design.learning, features=tuple(dict.fromkeys(features)))
    return msgspec.structs.replace(design, learning=learning)


def means(design: Design, by: tuple[str, ...], half_life: str) -> list[Feature]:
    """As-of means of what is estimated, and of its legs, kept by `by`: over what is expected, where the design's own are."""
    overs = {one.outcome: one for one in accumulated(design.learning.features)}
    names = (design.requirements.label.name, *design.estimate.legs)
    streams = [Stream(name, over=overs.get(name)) for name in names]
    return [Rate(stream, stream, by, half_life, PRIOR, values=True) for stream in streams]


def expecting(feature: Feature, known: Callable[[Feature], bool]) -> Feature | None:
    """The feature, where times are expected by what is `known` alone.

    Where nothing is left to expect them by there is no expectation, and means of what is over it are of the times themselves.
    """
    match feature:
        case Expected(outcome, given):
            left = tuple(one for one in given if known(one))
            return Expected(outcome, left) if left else None
        case Rate():
            stream, per = (_over(one, known) for one in (feature.stream, feature.per))
            return msgspec.structs.replace(feature, stream=stream, per=per)
        case Count():
            return msgspec.structs.replace(feature, stream=_over(feature.stream, known))
        case _:
            return feature


def _over(stream: Stream, known: Callable[[Feature], bool]) -> Stream:
    if stream.over is None:
        return stream
    over = expecting(stream.over, known)
    return msgspec.structs.replace(stream, over=over if isinstance(over, Expected) else None)


def estimates_only(name: str, design: Design) -> None:
    """Raises DesignError where a design decides a slate, of which rankers and retrievers would have to be tried as well."""
    if not design.estimates:
        raise DesignError(
            f"'sixfold ask {name}' is for designs that decide an estimate, but {design.name!r} decides a slate; "
            "leave features out of its design.py and compare the releases with 'sixfold train'"
        )
