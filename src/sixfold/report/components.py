"""Step 5 of the report: the services a request passes, their deadlines, and what answers in their place."""

from __future__ import annotations

import msgspec

from ..design import Service
from . import wording
from .markup import Html, figure, header_row, row_name, tag
from .review import Review
from .strips import bar

WIDTH, BOX, HEIGHT, GAP = 340, 178, 46, 34
"""The diagram: its width, that of a box, the height of a box and the gap to the next, in units of the SVG."""


def services(found: Review) -> dict[str, Service]:
    """The services of the design in the order a request passes them."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(found.design.components).items()
        if isinstance(value, Service)
    }


def section(found: Review) -> Html:
    """The flow as a diagram, beside the table of deadlines within the budget."""
    return tag("div.pair", _diagram(found), Html(_table(found) + tag("p.quiet", _loop(found))))


def summary(found: Review) -> str:
    """The deadlines against the budget."""
    total, budget = _total(found), found.design.requirements.p99_ms
    return f"{wording.given(total)} of {wording.given(budget)} ms in deadlines"


def _total(found: Review) -> float:
    return sum(service.deadline_ms for service in services(found).values())


def _table(found: Review) -> Html:
    budget = found.design.requirements.p99_ms
    rows = [_row(name, service, budget) for name, service in services(found).items()]
    left = budget - _total(found)
    text = f"{wording.given(left)} ms"
    over = "left for features, policy and transport" if left >= 0 else "over the budget: the deadlines alone break it"
    rows.append(
        tag("tr", row_name("rest"), tag("td", bar(f"rest: {text}", left / budget)), tag("td.n", text), tag("td", over))
    )
    head = header_row("Service", f"Of {wording.given(budget)} ms", "Deadline", "In its place, and why it is there")
    return figure("Deadlines within the budget of the 99th percentile", tag("table.chart", head, tag("tbody", *rows)))


def _row(name: str, service: Service, budget: float) -> Html:
    text = f"{wording.given(service.deadline_ms)} ms"
    why = tag("td", service.fallback, tag("small", " " + service.why))
    return tag(
        "tr", row_name(name), tag("td", bar(f"{name}: {text}", service.deadline_ms / budget)), tag("td.n", text), why
    )


def _loop(found: Review) -> str:
    wants, item = found.design.requirements, found.design.item
    return (
        f"Every slate is logged with what became of each {item}; after the attribution window of "
        f"{wording.spelled(wants.window)} that makes the examples of the next release, every {wording.spelled(wants.retrain)}."
    )


def _diagram(found: Review) -> Html:
    design = found.design
    steps = services(found)
    flows = _flows(found)
    boxes = [("request", f"a {design.member} asks", ""), *(
        (name, f"within {wording.given(service.deadline_ms)} ms", service.fallback) for name, service in steps.items()
    ), ("slate", f"{design.problem.decides.size} of {design.item}", "")]  # fmt: skip
    shapes: list[Html] = []
    for i, (name, text, fallback) in enumerate(boxes):
        top = i * (HEIGHT + GAP)
        shapes += _box(name, text, top, end=not 0 < i < len(boxes) - 1)
        if i + 1 < len(boxes):
            shapes += _arrow(top + HEIGHT, flows[i] if i < len(flows) else "")
        if fallback:
            shapes += _fallback(fallback, top)
    label = "The way of a request: " + ", then ".join(name for name, _, _ in boxes)
    height = len(boxes) * (HEIGHT + GAP) - GAP + 2
    at = {"viewBox": f"-1 -1 {WIDTH} {height}", "role": "img", "aria-label": label}
    return figure(
        "The way of a request; dashed, what answers where a service does not",
        tag("svg.flow", tag("title", label), *shapes, at=at),
    )


def _flows(found: Review) -> list[str]:
    """What passes between the boxes, as measured: the last two stages of the funnel are all candidates, and the slate."""
    stages = found.evaluation.funnel
    pool = f"{wording.number(stages[-2].candidates, places=0)} candidates" if len(stages) > 1 else ""
    return ["", pool, "scores, then the policy"]


def _box(name: str, text: str, top: int, *, end: bool) -> list[Html]:
    at = {"x": "0", "y": str(top), "width": str(BOX), "height": str(HEIGHT), "rx": "4"}
    middle = str(BOX // 2)
    return [
        tag("rect.box.end" if end else "rect.box", at=at),
        tag("text.name", name, at={"x": middle, "y": str(top + 19)}),
        tag("text.tick", text, at={"x": middle, "y": str(top + 36)}),
    ]


def _arrow(top: int, text: str) -> list[Html]:
    x, bottom = BOX // 2, top + GAP
    return [
        tag("path.arrow", at={"d": f"M{x} {top + 2}V{bottom - 3}m-4 -6l4 6l4 -6"}),
        tag("text.start", text, at={"x": str(x + 10), "y": str(top + GAP // 2 + 4)}),
    ]


def _fallback(text: str, top: int) -> list[Html]:
    middle = top + HEIGHT // 2
    return [
        tag("path.arrow.dashed", at={"d": f"M{BOX + 2} {middle}h22m-6 -4l6 4l-6 4"}),
        tag("text.start", text, at={"x": str(BOX + 30), "y": str(middle + 4)}),
    ]
