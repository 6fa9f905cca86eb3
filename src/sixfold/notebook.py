"""The Python API as one uses it in a notebook: a few verbs, and values that show themselves.

release = sf.train(design, log)      a table of systems, the gate's word, and the release
sf.evaluate(release, log)            the same release on whatever the log holds now
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import journey
from .asking import Answer
from .asking import recommend as ask
from .design import Design
from .evaluation.gate import Gate
from .evaluation.results import Evaluation
from .events.log import EventLog
from .events.schema import Events
from .loading import load
from .release import Release
from .report.systems import table
from .workspace import Workspace


@dataclass(frozen=True)
class Trained:
    """A release with what was measured of it; `published` says whether the gate passed."""

    release: Release
    evaluation: Evaluation
    gate: Gate

    @property
    def published(self) -> bool:
        return self.gate.passed

    def __repr__(self) -> str:
        return f"Trained(release {self.release.id}, gate {'passed' if self.gate.passed else 'failed'})"

    def _repr_html_(self) -> str:
        return table(self.evaluation)


@dataclass(frozen=True)
class Judged:
    """An evaluation that shows itself as a table."""

    evaluation: Evaluation

    def __repr__(self) -> str:
        chosen = self.evaluation.systems[self.evaluation.chosen]
        found = ", ".join(
            f"{name} {measure.value:.4f}" for name, measure in chosen.items() if measure.value is not None
        )
        return f"{self.evaluation.chosen}: {found}"

    def _repr_html_(self) -> str:
        return table(self.evaluation)


def load_design(path: str | Path) -> Design:
    """The design that a `design.py` defines, checked."""
    return load(Path(path))


def open_log(folder: str | Path) -> EventLog:
    """The log of a workspace."""
    return Workspace(Path(folder)).log()


def train(design: Design, log: EventLog | Iterable[Events], *, into: str | Path | None = None) -> Trained:
    """Train a design on a log and judge it beside its baselines; the release is written below `into`."""
    done = journey.train(design, _batches(log), into=Path(into) if into else None)
    return Trained(done.release, done.evaluation, done.gate)


def evaluate(release: Release | Trained, log: EventLog | Iterable[Events]) -> Judged:
    """Judge a release on its test part of a log, and on all that came after."""
    return Judged(journey.evaluate(release.release if isinstance(release, Trained) else release, _batches(log)))


def recommend(folder: str | Path, member: str, *, k: int | None = None) -> Answer:
    """The slate of a member by the published release of a workspace, explained."""
    return ask(Workspace(Path(folder)), member, k=k, explained=True)


def _batches(log: EventLog | Iterable[Events]) -> Iterator[Events]:
    if isinstance(log, EventLog):
        return (events for _, events in log.read())
    return iter(log)
