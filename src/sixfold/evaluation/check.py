"""Each number of a design held against its measurement: met, short, not measured or not applicable."""

from __future__ import annotations

from ..design import Design
from ..metrics.target import Target, Verdict
from .results import Evaluation

SERVING = "needs a running service and load"
SERVED = ("p99_ms", "availability", "requests_per_s")
"""Requirements that only a running service can meet."""


def check(design: Design, found: Evaluation) -> list[tuple[str, Verdict | str]]:
    """(where the number stands in the design, its verdict), in the design's order; a text where nothing measures it yet."""
    return [
        *((f"problem.assumes[{i}]", _judge(assume.target, found))
          for i, assume in enumerate(design.problem.assumes) if assume.target is not None),
        *((f"metrics.offline[{i}]", _judge(target, found)) for i, target in enumerate(design.metrics.offline)),
        *((f"metrics.guardrails[{i}]", _judge(target, found)) for i, target in enumerate(design.metrics.guardrails)),
        *((f"requirements.{name}", SERVING) for name in SERVED),
    ]  # fmt: skip


def _judge(target: Target, found: Evaluation) -> Verdict:
    measured = found.find(target.metric)
    if measured is not None:
        return target.judge(measured.interval)
    if target.metric.over == "impressions" and not found.counts["decisions"]:
        return target.not_applicable("the log has no impressions")
    return target.not_measured("no rows of the test have it")


def failed(verdicts: list[tuple[str, Verdict | str]]) -> bool:
    """Whether any number of the design is short."""
    return any(isinstance(verdict, Verdict) and verdict.status == "short" for _, verdict in verdicts)
