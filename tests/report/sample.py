"""Two small evaluations with round numbers: of a log with impressions and a known truth, and of one without."""

from dataclasses import dataclass

import msgspec

from sixfold.design import Design
from sixfold.evaluation.check import check
from sixfold.evaluation.results import Bin, Evaluation, Funnel, Measure, Truth
from sixfold.features.words import attribute, position, rate
from sixfold.metrics import spec
from sixfold.release import Manifest
from sixfold.report import review
from sixfold.retrieval import EASE, Popular
from sixfold.steps import Assume, Learning, Metrics, Problem, Requirements, Scale, Slate, outcome
from sixfold.types import DAY, Cuts

NDCG, AUC = spec.ndcg(at=10), spec.auc()
START = 1_704_067_200_000_000  # 2024-01-01 UTC


@dataclass(frozen=True)
class Finding:
    level: str
    path: str
    message: str


def measure(metric, value, half=0.01, n=500):
    low, high = (None, None) if half is None else (value - half, value + half)
    return Measure(metric, value, low, high, n, n)


def by_text(*measures):
    return {str(each.metric): each for each in measures}


def _slate(ndcg, coverage):
    return by_text(
        measure(NDCG, ndcg), measure(spec.recall(at=300), 10 * ndcg), measure(spec.coverage("video"), coverage, None)
    )


def _shown(auc, ratio):
    return by_text(
        measure(AUC, auc), measure(spec.calibration(), ratio, 0.05), measure(spec.positive_rate(), 0.02, 0.001)
    )


DESIGN = Design(
    name="video",
    problem=Problem(
        goal="Videos that are watched",
        decides=Slate(of="video", to="member", size=20, seen_again_after="7d"),
        assumes=(
            Assume("one in fifty is watched", spec.positive_rate().about(0.02)),
            Assume("the order is easy", AUC >= 0.9),
            Assume("members come back"),
        ),
    ),
    metrics=Metrics(
        offline=(AUC >= 0.7, NDCG >= 0.3, spec.calibration().within(0.97, 1.03)),
        online=(spec.rate("watch"),),
        guardrails=(spec.coverage("video") >= 0.2,),
        slices=("member.country",),
    ),
    requirements=Requirements(label=outcome("watch", at_least=30)),
    learning=Learning(
        features=(attribute("video.genre"), position(), rate("watch", by="video", half_life="3d")),
        retrievers=(Popular(), EASE()),
    ),
    scale=Scale(users=1e6, items=2e6, requests_per_month=25_920_000),
)

EVALUATION = Evaluation(
    chosen="forest",
    systems={
        "popularity": _slate(0.03, 0.01) | by_text(measure(AUC, 0.55)),
        "ease": _slate(0.02, 0.3),
        "linear": _slate(0.01, 0.05) | _shown(0.72, 1.0),
        "forest": _slate(0.012, 0.06) | _shown(0.735, 1.02),
    },
    yardstick=str(NDCG),
    ahead={
        "popularity": measure(NDCG, -0.018),
        "ease": measure(NDCG, -0.008),
        "linear": measure(NDCG, 0.002, 0.001),
    },
    ahead_shown={"popularity": measure(AUC, 0.185), "linear": measure(AUC, 0.015)},
    slices={
        "member.country": {
            "FR": by_text(measure(AUC, 0.6, 0.02, 300), measure(spec.positive_rate(), 0.05, 0.001, 300)),
            "US": by_text(measure(AUC, 0.74, 0.02, 700), measure(spec.positive_rate(), 0.02, 0.001, 700)),
        }
    },
    cold={"popularity": by_text(measure(NDCG, 0.02, 0.02, 33)), "forest": by_text(measure(NDCG, 0.01, 0.01, 33))},
    bins={"watch": [Bin(100, 0.002 * 2**i, 0.002 * 2**i) for i in range(5)]},
    funnel=[Funnel("popular", 300, 0.2), Funnel("all sources, filtered", 880.4, 0.4), Funnel("slate", 20, 0.1)],
    importance={"position": 50.0} | {f"column {i}": 2.5 for i in range(20)},
    counts={"members": 1000, "items": 4800, "decisions": 100, "impressions": 2000, "training rows": 1500},
    notes=["33 members have no history"],
    seconds={"retriever ease": 22.1, "ranker forest": 4.9},
    truth=Truth({"popularity": 44.0, "ease": 52.0, "linear": 143.0, "forest": 138.0, "oracle": 341.0}, 0.317),
)

_CUTS = Cuts(*(START + days * DAY for days in (0, 15, 21, 26, 30, 29)))
MANIFEST = Manifest(1, "3f9a2c41d07e", "video", "ab" * 32, _CUTS, {}, {}, {})

FINDINGS = (Finding("error", "scale.users", "too few of them"), Finding("note", "design", "all else is well"))


def plain() -> Evaluation:
    """The same of a log that holds only interactions: nothing over impressions."""
    systems = {
        name: {text: each for text, each in measures.items() if each.metric.over == "slate"}
        for name, measures in EVALUATION.systems.items()
    }
    counts = EVALUATION.counts | {"decisions": 0, "impressions": 0}
    return msgspec.structs.replace(
        EVALUATION, systems=systems, slices={}, bins={}, cold={}, ahead_shown={}, truth=None, counts=counts
    )


def reviewed(design=DESIGN, evaluation=EVALUATION, manifest=MANIFEST, findings=FINDINGS):
    verdicts = check(design, evaluation)
    return review.review(design, evaluation, verdicts=verdicts, manifest=manifest, findings=findings)
