"""The report: one HTML file, offline, in which the six steps of a design stand beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..design import Design
from ..evaluation.results import Evaluation
from ..metrics.target import Verdict
from ..questions.answer import Answer
from ..release import Manifest
from . import components, learning, load, problem, requirements, targets, wording
from .markup import NOTHING, Html, facts, tag
from .review import Finding, Review, Step, findings_list, findings_of, review, tally, verdict_line
from .systems import base_style, stylesheet


@dataclass(frozen=True, slots=True)
class Part:
    """One step: where it stands in the design, its title, what it says and the same in a line."""

    step: Step
    title: str
    section: Callable[[Review], Html]
    summary: Callable[[Review], str]


PARTS = (
    Part("problem", "Problem", problem.section, problem.summary),
    Part("metrics", "Metrics and targets", targets.section, targets.summary),
    Part("requirements", "Requirements", requirements.section, requirements.summary),
    Part("learning", "Training and evaluation", learning.section, learning.summary),
    Part("components", "Components", components.section, components.summary),
    Part("scale", "Scale", load.section, load.summary),
)


def parts_of(design: Design) -> tuple[Part, ...]:
    """The steps that a design has: an estimate is made by no services of its own, so that it lacks step 5."""
    return tuple(part for part in PARTS if part.step != "components" or not design.estimates)


def render(
    design: Design,
    evaluation: Evaluation,
    *,
    verdicts: Sequence[tuple[str, Verdict]],
    manifest: Manifest | None = None,
    findings: Sequence[Finding] = (),
    answers: Sequence[Answer] = (),
) -> str:
    """The whole page as text. The same arguments give the same bytes.

    `verdicts` is what `evaluation.check.check` gives, `findings` what the linter does, `answers` those to questions
    about the design; without a manifest nothing was released.
    """
    found = review(design, evaluation, verdicts=verdicts, manifest=manifest, findings=findings, answers=answers)
    sections = [_section(found, number, part) for number, part in enumerate(parts_of(design), start=1)]
    body = tag("body", tag("main.sixfold.page", _head(found), *sections, _end(found)))
    return "<!doctype html>\n" + tag("html", _meta(f"{design.name}: a design review"), body, at={"lang": "en"}) + "\n"


def _meta(title: str) -> Html:
    return tag(
        "head",
        tag("meta", at={"charset": "utf-8"}),
        tag("meta", at={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("meta", at={"name": "color-scheme", "content": "light dark"}),
        tag("title", title),
        tag("style", Html(base_style() + stylesheet("page.css"))),
    )


def _head(found: Review) -> Html:
    design, counts = found.design, found.evaluation.counts
    tone = "short" if "short" in tally(found.requirements) else "met"
    steps = (
        tag(
            "li",
            tag(
                "a", tag("b", f"{number} {part.title}"), tag("span", part.summary(found)), at={"href": f"#{part.step}"}
            ),
        )
        for number, part in enumerate(parts_of(design), start=1)
    )
    return tag(
        "header",
        tag("p.eyebrow", "Design review"),
        tag("h1", design.name),
        tag("p.goal", design.problem.goal),
        tag(f"p.verdict.{tone}", verdict_line(found.requirements), "."),
        facts(_facts(found)),
        tag("p.quiet.counts", wording.listed([f"{wording.number(n)} {name}" for name, n in counts.items()])),
        tag("nav", tag("ol.steps", *steps), at={"aria-label": "The steps"}),
    )


def _facts(found: Review) -> list[tuple[str, str]]:
    manifest = found.manifest
    pairs = [("Released system", found.evaluation.chosen), ("Release", "none yet" if manifest is None else manifest.id)]
    if manifest is not None:
        pairs.append(("Data (UTC)", f"{wording.day(manifest.cuts.start)} to {wording.day(manifest.cuts.end)}"))
        pairs.append(("Log", manifest.digest[:12]))
    return pairs


def _section(found: Review, number: int, part: Part) -> Html:
    title = tag("h2", tag("span", str(number)), " ", part.title, at={"id": part.step})
    return tag("section", title, findings_of(found, part.step), part.section(found), at={"aria-labelledby": part.step})


def _end(found: Review) -> Html:
    notes = [tag("li", note) for note in found.evaluation.notes]
    none = tag("p.quiet", "The linter found nothing to say.")
    return tag(
        "section",
        tag("h2", "All findings and notes", at={"id": "findings"}),
        findings_list(found.findings) or none,
        tag("ul.notes", *notes) if notes else NOTHING,
        at={"aria-labelledby": "findings"},
    )
