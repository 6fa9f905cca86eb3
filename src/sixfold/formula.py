"""Several columns, one value: "watch * (1 + log1p(seconds))", read as data and never run as code.

The text is parsed to a syntax tree, and every node has to be one of a short list: names of columns,
numbers, + - * / **, and the functions below. What is not on the list is refused with its own text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DesignError, nearest
from .types import Floats

_LONGEST = 300
"""Characters of a formula at most; it bounds how deep it nests, too."""

_Value = NDArray[np.float64]
_Columns = Mapping[str, _Value]
_Step = Callable[[_Columns], Any]

_OPERATORS: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1),
    "clip": (np.clip, 3),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "log1p": (np.log1p, 1),
    "maximum": (np.maximum, 2),
    "minimum": (np.minimum, 2),
    "sqrt": (np.sqrt, 1),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: its text, the names it reads in order of appearance, and how to evaluate it."""

    text: str
    names: tuple[str, ...]
    _step: _Step

    def __call__(self, columns: Mapping[str, NDArray[Any]]) -> Floats:
        """The value (n,) float32 of columns (n,) by name, computed in float64.

        A row without a value (the logarithm of a negative number, 0 / 0) gets -inf: it comes last.

        >>> value = parse("watch * (1 + log1p(seconds))", ["watch", "seconds"])
        >>> value({"watch": np.array([0.5]), "seconds": np.zeros(1)})
        array([0.5], dtype=float32)
        """
        value = self.exact(columns).astype(np.float32)
        return np.where(np.isnan(value), np.float32(-np.inf), value)

    def exact(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The same (n,) as it is computed, NaN where a row has no value."""
        wide = {name: np.asarray(columns[name], np.float64) for name in self.names}
        with np.errstate(all="ignore"):
            return np.asarray(self._step(wide), np.float64)


def parse(text: str, known: Iterable[str] | None = None) -> Formula:
    """The formula `text` over the columns `known`, or over whatever it names. Raises DesignError naming the part that is not
    allowed."""
    if len(text) > _LONGEST:
        raise DesignError(f"formula has {len(text)} characters, expected at most {_LONGEST}; split it into heads")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DesignError(f"formula {text!r} cannot be read: {error}; expected one such as 'watch * 2'") from error
    reader = _Reader(text, None if known is None else frozenset(known))
    step = reader.read(tree)
    if not reader.names:
        raise DesignError(f"formula {text!r} uses no column; {nearest('', reader.known or ())}")
    return Formula(text, tuple(reader.names), step)


@cache
def parsed(text: str) -> Formula:
    """The same of whatever names it has, parsed once."""
    return parse(text)


class _Reader:
    """Turns allowed nodes into steps, collecting the names met."""

    def __init__(self, text: str, known: frozenset[str] | None) -> None:
        self.text, self.known = text, known
        self.names: dict[str, None] = {}

    def read(self, node: ast.expr) -> _Step:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._number(node, number)
            case ast.Name(id=name):
                return self._column(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                step = self.read(inner)
                return lambda columns: np.negative(step(columns))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _call(_OPERATORS[type(op)], [self.read(left), self.read(right)])
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._function(name, args)
        raise self._refused(node, "is not allowed; use names, numbers, + - * / **, and " + ", ".join(_FUNCTIONS))

    def _number(self, node: ast.expr, number: float) -> _Step:
        try:
            # float64 before anything is computed: 9 ** 9 ** 9 is then inf at once, not a number of 370 million digits.
            value = np.float64(number)
        except OverflowError:
            raise self._refused(node, "is too large; expected a number below 1e308") from None
        return lambda columns: value

    def _column(self, name: str) -> _Step:
        if self.known is not None and name not in self.known:
            raise DesignError(f"formula {self.text!r} names {name!r}, which is no column; {nearest(name, self.known)}")
        self.names[name] = None
        return lambda columns: columns[name]

    def _function(self, name: str, args: list[ast.expr]) -> _Step:
        if name not in _FUNCTIONS:
            raise DesignError(
                f"formula {self.text!r} calls {name!r}, which is no function; {nearest(name, _FUNCTIONS)}"
            )
        function, arity = _FUNCTIONS[name]
        if len(args) != arity:
            raise DesignError(f"formula {self.text!r} gives {name} {len(args)} arguments; expected {arity}")
        return _call(function, [self.read(arg) for arg in args])

    def _refused(self, node: ast.expr, why: str) -> DesignError:
        part = ast.get_source_segment(self.text.strip(), node) or type(node).__name__
        return DesignError(f"formula {self.text!r}: {part!r} {why}")


def _call(function: Callable[..., Any], steps: list[_Step]) -> _Step:
    return lambda columns: function(*(step(columns) for step in steps))
