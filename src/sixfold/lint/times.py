"""Durations and zones that cannot be read, and durations that do not go together."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from typing import Any

import msgspec

from .. import durations
from ..design import Design
from ..errors import DesignError
from .finding import Finding, Rule, error, warning

_DURATIONS = frozenset({"window", "retrain", "half_life", "seen_again_after", "younger_than"})
"""Every field of a design that holds a duration."""


def readable(design: Design) -> Iterator[Finding]:
    """A duration is read where it is used first, which may be after an hour of training."""
    for path, text in _durations(msgspec.to_builtins(design), ""):
        try:
            durations.parse(text)
        except DesignError as mistake:
            yield error(path, str(mistake))


def known_timezone(design: Design) -> Iterator[Finding]:
    """Days and hours of the day are those of a place; an unknown one has none."""
    timezone = design.requirements.timezone
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: "Europe" is a folder of zones.
        yield error(
            "requirements.timezone",
            f"timezone {timezone!r} is not known here; expected an IANA name such as Europe/Berlin",
        )


def window_within_retrain(design: Design) -> Iterator[Finding]:
    """A decision is complete a window after it was made: until then nothing can be learned from it."""
    window, retrain = _us(design.requirements.window), _us(design.requirements.retrain)
    if window is not None and retrain is not None and window > retrain:
        yield warning(
            "requirements.window",
            f"window is {design.requirements.window}, but a model is trained every {design.requirements.retrain}, so "
            f"{-(-window // retrain)} trainings pass before a decision counts; shorten window or train more seldom",
        )


def _us(text: str) -> int | None:
    """Microseconds, None where `readable` has something to say."""
    try:
        return durations.parse(text)
    except DesignError:
        return None


def _durations(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, inner in value.items():
                here = f"{path}.{name}" if path else name
                if name in _DURATIONS and isinstance(inner, str):
                    yield here, inner
                else:
                    yield from _durations(inner, here)
        case list() | tuple():
            for i, inner in enumerate(value):
                yield from _durations(inner, f"{path}[{i}]")


RULES: tuple[Rule, ...] = (readable, known_timezone, window_within_retrain)
