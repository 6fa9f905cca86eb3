"""Every error Sixfold raises on purpose, and the exit code each one ends a command with.

    SixfoldError
    |- DesignError    the design contradicts itself or names what does not exist     exit 2
    |- DataError      the events or tables given cannot be used                      exit 3
    |- ReleaseError   a release is damaged, missing or does not fit                  exit 3
    |- Unavailable    a part of the service is away for the moment                      exit 4
    |- Busy           what is asked for belongs to another process now                  exit 4
    |- MissingExtra   an optional dependency is not installed                        exit 4
    `- Overloaded     more was asked than can be answered in time                    exit 5

A message is one sentence: what was wrong, what was expected, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SixfoldError(Exception):
    """The root of the tree; catching it catches everything Sixfold raises on purpose."""

    exit_code = 1


class DesignError(SixfoldError):
    exit_code = 2


class DataError(SixfoldError):
    exit_code = 3


class ReleaseError(SixfoldError):
    exit_code = 3


class Busy(SixfoldError):
    """Another process holds what this one wants to write."""

    exit_code = 4


class MissingExtra(SixfoldError):
    """An optional dependency is needed; the message is the command that installs it."""

    exit_code = 4

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f"{need} is not installed; run: pip install 'sixfold[{extra}]'")


class Unavailable(SixfoldError):
    """A part of the service is away for the moment; ask again."""

    exit_code = 4


class Overloaded(SixfoldError):
    """Refused early and on purpose; the one who asked may come again after `retry_after_s`."""

    exit_code = 5

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the closest known one, else all of them.

    >>> nearest("watchs", ["watch", "click"])
    "did you mean 'watch'?"
    >>> nearest("zzz", ["watch", "click"])
    'known are: click, watch'
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are: {', '.join(known)}" if known else "none are known"
