"""A drawing with two axes: points, lines and their words, in units of the SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from . import wording
from .axis import Axis
from .markup import Html, tag

LEFT, TOP, BELOW, RIGHT = 52, 10, 44, 12
"""The room around the plot."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plot:
    """Two axes on a field of so many units; all points are given in the values of the axes."""

    x: Axis
    y: Axis
    width: int = 280
    height: int = 280

    def at(self, point: Point) -> Point:
        """Where a point is drawn.

        >>> Plot(Axis(0, 1), Axis(0, 1)).at((0.5, 1.0))
        (192.0, 10.0)
        """
        x, y = point
        return LEFT + self.width * self.x.at(x) / 100, TOP + self.height - self.height * self.y.at(y) / 100

    def line(self, kind: str, start: Point, stop: Point) -> Html:
        """A straight line of a kind that the style sheet knows."""
        (x1, y1), (x2, y2) = self.at(start), self.at(stop)
        return tag(f"line.{kind}", at={"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"})

    def path(self, points: Iterable[Point], kind: str = "path") -> list[Html]:
        """Lines from point to point."""
        return [self.line(kind, a, b) for a, b in pairwise(points)]

    def dot(self, point: Point, *, kind: str = "dot", size: float = 4) -> Html:
        """A point."""
        x, y = self.at(point)
        return tag(f"circle.{kind}", at={"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{size:g}"})

    def note(self, point: Point, text: str, *, below: bool = False) -> Html:
        """A word beside a point, to the right of it and above, or below."""
        x, y = self.at(point)
        return _text(text, x + 7, y + 16 if below else y - 6, "start")

    def diagonal(self) -> Html:
        """The line on which both sides are equal, of two axes that are alike."""
        return self.line("diagonal", (self.x.low, self.y.low), (self.x.high, self.y.high))

    def draw(self, label: str, names: tuple[str, str], shapes: Sequence[Html]) -> Html:
        """The whole: a grid, the names of the axes, and shapes over it; the label says in words what they show."""
        words = [
            _text(names[0], LEFT + self.width / 2, TOP + self.height + 38),
            _text(names[1], 0, 0, turned=f"translate(11 {TOP + self.height // 2}) rotate(-90)"),
        ]
        size = f"0 0 {LEFT + self.width + RIGHT} {TOP + self.height + BELOW}"
        at = {"viewBox": size, "role": "img", "aria-label": label}
        return tag("svg.square", tag("title", label), *self._grid(), *shapes, *words, at=at)

    def _grid(self) -> list[Html]:
        shapes = []
        for tick in self.x.ticks():
            x, _ = self.at((tick, self.y.low))
            shapes += [self.line("grid", (tick, self.y.low), (tick, self.y.high))]
            shapes += [_text(wording.given(tick), x, TOP + self.height + 18)]
        for tick in self.y.ticks():
            _, y = self.at((self.x.low, tick))
            shapes += [self.line("grid", (self.x.low, tick), (self.x.high, tick))]
            shapes += [_text(wording.given(tick), LEFT - 7, y + 4, "end")]
        return shapes


def _text(text: str, x: float, y: float, kind: str = "tick", *, turned: str = "") -> Html:
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
    return tag(f"text.{kind}", text, at=at | ({"transform": turned} if turned else {}))
