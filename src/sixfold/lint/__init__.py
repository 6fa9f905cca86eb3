"""Does the design agree with itself? `lint` needs no data; `training.validate` asks what the log says against it.

A rule is a small function from a design to findings; its docstring says why it is one. Errors stop training, warnings
are printed. Read next: arithmetic.py (what is stated twice must agree), targets.py, service.py, times.py, features.py,
learning.py.
"""

from __future__ import annotations

import re

from ..design import Design
from ..errors import DesignError
from ..loading import checked
from . import arithmetic, features, learning, service, targets, times
from .finding import Finding, Rule, error

__all__ = ["RULES", "Finding", "lint"]

RULES: tuple[Rule, ...] = (
    *arithmetic.RULES, *targets.RULES, *service.RULES, *times.RULES, *features.RULES, *learning.RULES,
)  # fmt: skip


def lint(design: Design) -> list[Finding]:
    """Everything in which the design contradicts itself, in the order of the rules; empty where it does not.

    A value of the wrong type or out of its range is the only finding where there is one: rules rely on both.
    """
    try:
        sound = checked(design)
    except DesignError as mistake:
        found = re.search(r" - at `\$\.?([^`]*)`", str(mistake))
        return [error(found[1] if found else "", str(mistake))]
    return [finding for rule in RULES for finding in rule(sound)]
