"""Each number of a design held against its measurement: met, short, not measured or not applicable."""

from __future__ import annotations

from collections.abc import Mapping

from ..design import Design
from ..metrics.interval import Interval
from ..metrics.target import Target, Verdict
from ..scaling import measured
from .results import Evaluation


def check(design: Design, found: Evaluation, served: Mapping[str, Interval] | None = None) -> list[tuple[str, Verdict]]:
    """(where the number stands in the design, its verdict), in the design's order.

    served: what was measured of the running service, by the requirement's name.
    """
    return [
        *((f"problem.assumes[{i}]", _judge(assume.target, found))
          for i, assume in enumerate(design.problem.assumes) if assume.target is not None),
        *((f"metrics.offline[{i}]", _judge(target, found)) for i, target in enumerate(design.metrics.offline)),
        *((f"metrics.guardrails[{i}]", _judge(target, found)) for i, target in enumerate(design.metrics.guardrails)),
        *((f"requirements.{name}", _served(name, target, command, served or {}))
          for name, (target, command) in measured.targets(design).items()),
    ]  # fmt: skip


def _judge(target: Target, found: Evaluation) -> Verdict:
    measured = found.find(target.metric)
    if measured is not None:
        return target.judge(measured.interval)
    if target.metric.over == "impressions" and not found.counts["decisions"]:
        return target.not_applicable("the log has no impressions")
    return target.not_measured("no rows of the test have it")


def _served(name: str, target: Target, command: str, served: Mapping[str, Interval]) -> Verdict:
    return target.judge(served[name]) if name in served else target.not_measured(f"{command} measures it")


def failed(verdicts: list[tuple[str, Verdict]]) -> bool:
    """Whether any number of the design is short."""
    return any(verdict.status == "short" for _, verdict in verdicts)
