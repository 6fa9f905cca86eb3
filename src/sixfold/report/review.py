"""What a report is made of: a design, what was measured of it, and how each of its numbers stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from ..design import Design
from ..evaluation.results import Evaluation
from ..metrics.target import Status, Verdict
from ..questions.answer import Answer
from ..release import Manifest
from .markup import NOTHING, Html, joined, tag

Step: TypeAlias = Literal["problem", "metrics", "requirements", "learning", "components", "scale"]

_ASSUMPTION: dict[Status, str] = {"met": "confirmed", "short": "contradicted"}


class Finding(Protocol):
    """What the linter says: how grave it is, where in the design, and the sentence."""

    @property
    def level(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How one number of the design stands. `verdict` is None where only a note could be given."""

    path: str
    status: Status
    note: str
    verdict: Verdict | None = None

    @property
    def chip(self) -> Html:
        """The status in a word, with what there is to say of it; an assumption is confirmed or contradicted."""
        word = _ASSUMPTION.get(self.status, self.status) if self.path.startswith("problem.") else self.status
        kind = "span.chip." + self.status.replace(" ", "-")
        unsure = self.verdict is not None and self.verdict.low is not None and not self.verdict.sure
        said = "interval crosses the target" if unsure else self.note
        chip = tag(kind + ".unsure" if unsure else kind, word)
        return joined(chip, " ", tag("small", said)) if said else chip


@dataclass(frozen=True, slots=True)
class Review:
    """All that the sections of a report read."""

    design: Design
    evaluation: Evaluation
    standings: tuple[Standing, ...]
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    answers: tuple[Answer, ...] = ()

    def standing(self, path: str) -> Standing | None:
        """How the number at this path of the design stands; None where nothing was said of it."""
        return next((standing for standing in self.standings if standing.path == path), None)

    @property
    def requirements(self) -> tuple[Standing, ...]:
        """All but the assumptions, which are no wishes."""
        return tuple(standing for standing in self.standings if not standing.path.startswith("problem."))


def review(
    design: Design,
    evaluation: Evaluation,
    *,
    verdicts: Sequence[tuple[str, Verdict]],
    manifest: Manifest | None,
    findings: Sequence[Finding],
    answers: Sequence[Answer] = (),
) -> Review:
    """A `Review` of a design with all that was found of it."""
    standings = [_standing(path, verdict) for path, verdict in verdicts]
    return Review(design, evaluation, tuple(standings), manifest, tuple(findings), tuple(answers))


def tally(standings: Sequence[Standing]) -> dict[Status, int]:
    """How many there are of each status, those that there are, the gravest after the met ones."""
    order: tuple[Status, ...] = ("met", "short", "not measured", "not applicable")
    counted = {status: sum(standing.status == status for standing in standings) for status in order}
    return {status: n for status, n in counted.items() if n}


def verdict_line(standings: Sequence[Standing]) -> str:
    """The tally as a sentence: 7 of 9 requirements met, 1 short, 1 not measured."""
    counted = tally(standings)
    rest = "".join(f", {n} {status}" for status, n in counted.items() if status != "met")
    return f"{counted.get('met', 0)} of {len(standings)} requirements met{rest}"


def findings_of(found: Review, step: Step) -> Html:
    """The findings of the linter about one step; nothing where there are none."""
    return findings_list([finding for finding in found.findings if finding.path.partition(".")[0] == step])


def findings_list(findings: Sequence[Finding]) -> Html:
    """Findings, each with its level and its place in the design."""
    if not findings:
        return NOTHING
    items = (
        tag(
            "li",
            tag("span.chip." + _tone(finding.level), finding.level),
            " ",
            tag("code", finding.path),
            " ",
            finding.message,
        )
        for finding in findings
    )
    return tag("ul.findings", *items)


def _standing(path: str, verdict: Verdict) -> Standing:
    return Standing(path, verdict.status, verdict.note, verdict)


def _tone(level: str) -> str:
    return "short" if level == "error" else "noted"
