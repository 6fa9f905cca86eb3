"""Step 4 of the report: what was learned, how it compares with its baselines, and where it is weak."""

from __future__ import annotations

from ..evaluation.estimates import TRUTH
from ..features.spec import name_of
from ..journey import CHAMPION
from ..steps import Amount, Happens
from . import answers, calibration, comparison, estimates, shares, slices, spans, systems, wording
from .glossary import explained
from .markup import NOTHING, Html, facts, joined, tag
from .review import Review


def section(found: Review) -> Html:
    """Everything about the model, under a heading for each question."""
    evaluation = found.evaluation
    parts = [
        ("How it is trained", _trained(found)),
        ("Is it better than its baselines?", _compared(found)),
        *(
            estimates.questions(found)
            if found.design.estimates
            else [("Do things happen as often as predicted?", _calibrated(found))]
        ),
        ("For whom is it worse?", slices.section(evaluation)),
        ("Where are good items lost?", shares.funnel(evaluation.funnel)),
        ("What does it go by, and what did it cost?", _cost(found)),
        ("What else was tried?", answers.section(found.answers, found.manifest.digest if found.manifest else None)),
    ]
    return joined(*(joined(tag("h3", title), content) for title, content in parts if content))


def summary(found: Review) -> str:
    """The comparison in a line."""
    return comparison.summary(found.evaluation)


def _trained(found: Review) -> Html:
    recipe = estimates.trained(found) if found.design.estimates else _recipe(found)
    notes = [tag("li", note) for note in found.evaluation.notes]
    return joined(spans.section(found), recipe, tag("ul.notes", *notes) if notes else NOTHING)


def _recipe(found: Review) -> Html:
    learning = found.design.learning
    heads = ", ".join(f"{name} = {_head(head)}" for name, head in found.design.heads.items())
    sources = "; ".join(wording.described(spec) for spec in found.design.sources.values())
    pairs = [
        ("Retrievers", f"{sources}; {learning.candidates} candidates of each"),
        ("Ranker", wording.described(learning.ranker)),
        ("Heads", f"{heads}; ordered by {found.design.value}"),
        ("Negatives", wording.described(learning.negatives)),
        ("Calibration", wording.described(learning.calibration)),
        (f"Features ({len(learning.features)})", ", ".join(map(name_of, learning.features))),
    ]
    return facts(pairs)


def _compared(found: Review) -> Html:
    evaluation, metrics = found.evaluation, found.design.metrics
    wanted = {str(target.metric) for target in (*metrics.offline, *metrics.guardrails)}
    more = tag(
        "details",
        tag("summary", f"Every metric ({len(systems.every(evaluation))}), and what each one says"),
        systems.everything(evaluation),
        explained(systems.every(evaluation)),
    )
    table = systems.overview(evaluation, roles=_roles(found), also=wanted)
    return joined(comparison.findings(evaluation), table, comparison.figures(evaluation), more)


def _calibrated(found: Review) -> Html:
    bins = {head: [one for one in rows if one.n] for head, rows in found.evaluation.bins.items()}
    if not any(bins.values()):
        return tag(
            "p.quiet",
            "Not applicable: without logged impressions there is nothing that predictions could be held against.",
        )
    heads = found.design.heads
    probable = {head: isinstance(heads.get(head), Happens) for head in bins}
    return joined(*(calibration.section(head, rows, happens=probable[head]) for head, rows in bins.items() if rows))


def _cost(found: Review) -> Html:
    head = next(iter(found.design.heads))
    parts = shares.importance(found.evaluation.importance, head), shares.seconds(found.evaluation.seconds)
    return tag("div.pair", tag("div", parts[0]), tag("div", parts[1])) if any(parts) else NOTHING


def _head(head: Happens | Amount) -> str:
    return f"probability of {head.stream}" if isinstance(head, Happens) else f"value of {head.stream} where it comes"


def _roles(found: Review) -> dict[str, str]:
    """What each system is there for, as far as the design says."""
    chosen = {found.evaluation.chosen: "released"}
    if found.design.estimates:
        others = {name: "baseline" for name in found.evaluation.systems if name not in (TRUTH, CHAMPION)}
        return others | {TRUTH: "what nobody can beat, but by luck"} | chosen
    alone = dict.fromkeys(found.design.sources, "retriever alone")
    return alone | {"popularity": "baseline", "linear": "baseline"} | chosen
