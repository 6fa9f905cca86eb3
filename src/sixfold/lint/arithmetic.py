"""The arithmetic of the load: each quantity derived from the others, and held against what is stated.

A derived value replaces the stated one in what follows, so that every number goes back to requests and users. Where
requests are not known they come from rows, and rows from their parts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from ..design import Design
from ..steps import Scale
from .finding import Finding, Rule, error, spaced, warning

MONTH_S = 30 * 86_400
"""Seconds of the month that `Scale` counts by."""

CONTRADICTS = 1.10
"""A stated value that is this factor off is an error, since no rounding of it explains that."""

HEADROOM = 10
"""A service may be required to carry more than its peak; beyond this factor it is a slip of arithmetic."""

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "x": operator.mul,
    "/": operator.truediv,
    "+": operator.add,
    "-": operator.sub,
}


@dataclass(frozen=True, slots=True)
class _Equation:
    """`name` is `left operation right`, both names of `Scale` or the latter a number.

    slack: a factor that is still agreement. Products of rounded numbers get 5 %, which also covers a year of 365 days
    against twelve months of 30; counts that add up get 1 %. fallback: used only where `name` is not known.
    """

    name: str
    left: str
    operation: str
    right: str | float
    slack: float = 1.05
    fallback: bool = False

    def operands(self, known: dict[str, float]) -> tuple[float, float] | None:
        left = known.get(self.left)
        right = known.get(self.right) if isinstance(self.right, str) else self.right
        return None if left is None or right is None else (left, right)


_EQUATIONS = (
    _Equation("requests_per_month", "requests_per_year", "/", 12),
    _Equation("requests_per_month", "users", "x", "requests_per_user_per_month"),
    _Equation("rows_per_month", "requests_per_month", "x", "shown_per_request"),
    _Equation("rows_per_month", "positives_per_month", "+", "negatives_per_month", fallback=True),
    _Equation("rows_per_month", "bytes_per_month", "/", "bytes_per_row", fallback=True),
    _Equation("requests_per_month", "rows_per_month", "/", "shown_per_request", fallback=True),
    _Equation("positives_per_month", "rows_per_month", "x", "positive_rate"),
    _Equation("negatives_per_month", "rows_per_month", "-", "positives_per_month", slack=1.01),
    _Equation("bytes_per_month", "rows_per_month", "x", "bytes_per_row"),
)


def derived(scale: Scale) -> dict[str, float]:
    """Every quantity of the load that can be known, by its name in `Scale`.

    >>> derived(Scale(users=3e8, items=1, requests_per_user_per_month=10, shown_per_request=40))["rows_per_month"]
    120000000000.0
    """
    return _solved(scale)[0]


def mean_requests_per_s(scale: Scale) -> float | None:
    """Requests a second on average, None where the design does not say enough."""
    requests = derived(scale).get("requests_per_month")
    return None if requests is None else requests / MONTH_S


def stated_twice(design: Design) -> Iterator[Finding]:
    """A load planned from two numbers that disagree is wrong by at least half of their difference."""
    yield from _solved(design.scale)[1]


def required_load(design: Design) -> Iterator[Finding]:
    """A service that is required to carry less than its peak meets its requirements and fails its users."""
    mean = mean_requests_per_s(design.scale)
    if mean is None:
        return
    required, peak = design.requirements.requests_per_s, mean * design.scale.peak_over_mean
    if 1 / CONTRADICTS <= required / peak <= CONTRADICTS:
        return
    times = f"{spaced(max(required / mean, mean / required))} times {'less' if required > mean else 'more'}"
    message = (
        f"requests_per_s is {spaced(required)}, but {spaced(mean * MONTH_S)} requests a month are {spaced(mean)} "
        f"a second on average, {times}, and {spaced(peak)} at peak; require the peak"
    )
    allowed = 1 <= required / peak <= HEADROOM
    yield (warning if allowed else error)("requirements.requests_per_s", message)


def shown_in_slates(design: Design) -> Iterator[Finding]:
    """A request is answered by one slate, so it cannot show more than a slate holds."""
    if design.estimates:
        return
    shown, size = design.scale.shown_per_request, design.slate.size
    if shown is not None and shown > size:
        yield error(
            "scale.shown_per_request",
            f"shown_per_request is {spaced(shown)}, but a slate holds {size}; change it or problem.decides.size",
        )


def _solved(scale: Scale) -> tuple[dict[str, float], list[Finding]]:
    stated = {name: value for name, value in msgspec.structs.asdict(scale).items() if value is not None}
    known = dict(stated)
    findings: list[Finding] = []
    for equation in _EQUATIONS:
        operands = equation.operands(known)
        if operands is None or (equation.fallback and equation.name in known):
            continue
        value = _OPERATIONS[equation.operation](*operands)
        if equation.name in stated or value <= 0:
            findings += _compared(equation, operands, stated.get(equation.name), value)
        if value > 0:
            known[equation.name] = value
    return known, findings


def _compared(
    equation: _Equation, operands: tuple[float, float], stated: float | None, value: float
) -> Iterator[Finding]:
    names = f"{equation.left} {equation.operation} {equation.right}"
    numbers = f"{spaced(operands[0])} {equation.operation} {spaced(operands[1])}"
    path = f"scale.{equation.name}"
    if value <= 0:
        yield error(path, f"{equation.name} would be {names} = {numbers} = {spaced(value)}; expected a number above 0")
        return
    assert stated is not None
    factor = max(stated / value, value / stated)
    if factor > equation.slack:
        message = (
            f"{equation.name} is {spaced(stated)}, but {names} = {numbers} = {spaced(value)}, which is "
            f"{spaced(factor)} times {'less' if stated > value else 'more'}; correct whichever is wrong"
        )
        yield (error if factor > CONTRADICTS else warning)(path, message)


RULES: tuple[Rule, ...] = (stated_twice, required_load, shown_in_slates)
