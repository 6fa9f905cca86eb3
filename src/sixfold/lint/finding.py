"""What a rule found: where, how bad, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

import msgspec

from ..design import Design


class Finding(msgspec.Struct, frozen=True):
    """A contradiction. An error stops training, a warning is printed.

    path: where it stands, such as `requirements.p99_ms`, or `log.shown` where it stands in the log. message: one
    sentence that says what is wrong, the numbers, and what to do.

    >>> str(Finding("error", "requirements.p99_ms", "is 0"))
    'error: requirements.p99_ms: is 0'
    """

    level: Literal["error", "warning"]
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.path}: {self.message}"


Rule: TypeAlias = Callable[[Design], Iterator[Finding]]


def error(path: str, message: str) -> Finding:
    return Finding("error", path, message)


def warning(path: str, message: str) -> Finding:
    return Finding("warning", path, message)


def spaced(number: float) -> str:
    """A number for people, exact from a thousand on.

    >>> spaced(7.5e9), spaced(0.02), spaced(1.2)
    ('7 500 000 000', '0.02', '1.2')
    """
    return f"{number:,.0f}".replace(",", " ") if abs(number) >= 1000 else f"{number:.3g}"
