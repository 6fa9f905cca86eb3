"""Step 5 of the report: the services a request passes, their deadlines, and what answers in their place."""

from __future__ import annotations

from ..steps import Service
from . import wording
from .markup import Html, figure, header_row, row_name, tag
from .review import Review
from .strips import block, strip

WIDTH, BOX, HEIGHT, GAP = 340, 178, 46, 34
"""The diagram: its width, that of a box, the height of a box and the gap to the next, in units of the SVG."""


def services(found: Review) -> dict[str, Service]:
    """The services of the design in the order a request passes them."""
    return found.design.stages


def section(found: Review) -> Html:
    """The flow as a diagram, beside the table of deadlines within the budget."""
    return tag("div.pair.narrow", _diagram(found), tag("div", _table(found), tag("p.quiet", _loop(found))))


def summary(found: Review) -> str:
    """The deadlines against the budget."""
    total, budget = _total(found), found.design.requirements.p99_ms
    return f"{wording.given(total)} of {wording.given(budget)} ms in deadlines"


def _total(found: Review) -> float:
    return sum(service.deadline_ms for service in services(found).values())


def _table(found: Review) -> Html:
    budget = found.design.requirements.p99_ms
    rows, spent = [], 0.0
    for name, service in services(found).items():
        rows.append(_row(name, service.deadline_ms, (spent, budget), (service.fallback, service.why)))
        spent += service.deadline_ms
    left = budget - spent
    meaning = (
        "left for features, policy and transport" if left >= 0 else "too much: the deadlines alone break the budget"
    )
    rows.append(_row("rest", left, (min(spent, budget), budget), ("", meaning)))
    head = header_row("Service", f"Of {wording.given(budget)} ms", "Deadline", "Fallback", "Why", right=("Deadline",))
    caption = "Deadlines within the budget of the 99th percentile, one after the other"
    return figure(caption, tag("table.chart.deadlines", head, tag("tbody", *rows)))


def _row(name: str, ms: float, start_of: tuple[float, float], texts: tuple[str, str]) -> Html:
    start, budget = start_of
    said = f"{wording.given(ms)} ms"
    shape = strip(f"{name}: {said}", block(100 * start / budget, 100 * min(start + ms, budget) / budget))
    words = (tag("td", text) for text in texts)
    return tag("tr", row_name(name), tag("td", shape), tag("td.n", said), *words)


def _loop(found: Review) -> str:
    wants, item = found.design.requirements, found.design.item
    window, retrain = wording.spelled(wants.window), wording.spelled(wants.retrain)
    return (
        f"Every slate is logged with what became of each {item}. After an attribution window of {window} that makes "
        f"examples; a new release is trained on them {retrain} after the last."
    )


def _diagram(found: Review) -> Html:
    boxes, flows = _boxes(found), _flows(found)
    shapes: list[Html] = []
    for i, (name, text, fallback) in enumerate(boxes):
        top = i * (HEIGHT + GAP)
        shapes += _box(name, text, top, end=i in (0, len(boxes) - 1))
        shapes += _fallback(fallback, top) if fallback else []
        shapes += _arrow(top + HEIGHT, flows[i] if i < len(flows) else "") if i + 1 < len(boxes) else []
    label = "The way of a request: " + ", then ".join(name for name, _, _ in boxes)
    height = len(boxes) * (HEIGHT + GAP) - GAP + 2
    at = {"viewBox": f"-1 -1 {WIDTH} {height}", "role": "img", "aria-label": label}
    caption = "The way of a request; dashed, what answers where a service does not"
    return figure(caption, tag("svg.flow", tag("title", label), *shapes, at=at))


def _boxes(found: Review) -> list[tuple[str, str, str]]:
    """(name, what it does, fallback) from the request to the slate."""
    decides = found.design.slate
    inner = [
        (name, f"within {wording.given(service.deadline_ms)} ms", service.fallback)
        for name, service in services(found).items()
    ]
    slate = f"{decides.size} \N{MULTIPLICATION SIGN} {decides.of}"
    return [("request", f"a {decides.to} asks", ""), *inner, ("slate", slate, "")]


def _flows(found: Review) -> list[str]:
    """What passes between the boxes, as measured: the last stages of a funnel are all candidates, and the slate."""
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
        tag("path.arrow.dashed", at={"d": f"M{BOX + 2} {middle}h20"}),
        tag("path.arrow", at={"d": f"M{BOX + 18} {middle - 4}l6 4l-6 4"}),
        tag("text.start", text, at={"x": str(BOX + 30), "y": str(middle + 4)}),
    ]
