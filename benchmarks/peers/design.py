"""The design that Sixfold serves in the benchmark, and a model for it made of arrays.

50 columns: 47 of features (39 accumulators behind them, decayed and windowed, by item, member, creator, genre and their
pairs), the places both sources gave, and the affinity. Vectors and popularity are the world's, as for the peers; the 300
trees of depth 6 are random, for what a symmetric forest costs does not depend on what it learned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sixfold import formula
from sixfold.language import (
    ALS,
    Design,
    Forest,
    Identity,
    Learning,
    Metrics,
    Popular,
    Problem,
    Requirements,
    Scale,
    Slate,
    age,
    attribute,
    context,
    count,
    hour,
    mean,
    outcome,
    position,
    rate,
    similarity,
    weekday,
)  # fmt: skip
from sixfold.pipeline import Model, Retriever
from sixfold.ranking.calibration import FittedIdentity
from sixfold.ranking.heads import FittedHead, FittedHeads
from sixfold.ranking.sampling import KeepAll
from sixfold.ranking.trees import FittedForest
from sixfold.retrieval.als import ALSFitted
from sixfold.retrieval.norms import ASKING
from sixfold.retrieval.popular import PopularFitted
from sixfold.training.material import Material
from sixfold.types import Queries

from .data import EACH, HISTORY, SEED, SLATE, Data

TREES, DEPTH = 300, 6


def design(each: int = EACH) -> Design:
    """A home page of videos, 47 columns of features."""
    watched = outcome("watch", at_least=30)
    pairs = (("member", "video.genre"), ("member", "video.creator"))
    return Design(
        name="decision",
        problem=Problem(goal="A home page", decides=Slate(of="video", to="member", size=SLATE)),
        metrics=Metrics(),
        requirements=Requirements(label=watched, window="6h", p99_ms=100, requests_per_s=200),
        learning=Learning(
            features=(
                attribute("video.genre", top=10), attribute("video.length_s"), attribute("video.quality"),
                attribute("member.country", top=5), context("device", top=3), age("video.published"), hour(), weekday(),
                position(), similarity("video.embedding"), similarity("video.genre"),
                *(count(what, by="video", window=window) for what in ("watch", "click") for window in ("1d", "7d")),
                *(count("watch", by="member", window=window) for window in ("1d", "7d")),
                count("watch", by="video.creator", window="7d"), count("shown", by=("member", "video"), window="2d"),
                *(rate(watched, by="video", half_life=half_life) for half_life in ("1d", "7d")),
                *(rate(watched, by=by, half_life="7d") for by in ("video.creator", "member", "video.genre")),
                *(rate(watched, by=pair, half_life="14d", prior=5) for pair in pairs),
                *(rate("click", by=by, half_life="7d") for by in ("video", "member")),
                *(mean("watch", by=by, half_life="7d") for by in ("video", "video.creator", "member")),
            ),
            retrievers=(ALS(factors=64), Popular()), history=outcome("watch"), history_length=HISTORY, candidates=each,
            ranker=Forest(trees=TREES, depth=DEPTH), calibration=Identity(),
        ),
        scale=Scale(users=1_000_000, items=1_000_000, peak_over_mean=3),
    )  # fmt: skip


def als(vectors: NDArray[np.float32], asking: NDArray[np.float32] | None = None) -> ALSFitted:
    """The source that those vectors are, its reach measured on those who ask; who has no history asks with their mean."""
    spec = ALS(factors=vectors.shape[1])
    settings = np.array([spec.unobserved, spec.l2, spec.nu])
    vectors = np.ascontiguousarray(vectors)
    return ALSFitted.of(vectors, vectors.mean(axis=0), settings, np.int64(0), asking)


def queries(history: NDArray[np.int32], items: int) -> Queries:
    """Queries of members with these histories, every item being known."""
    n = len(history)
    now = np.zeros(n, np.int64)
    return Queries(
        now, np.arange(n, dtype=np.int32), history, np.zeros(history.shape, np.int64), history,
        np.full(items, -1, np.int64),
    )  # fmt: skip


def model(data: Data, material: Material) -> Model:
    """The model of a world, over the features that were fitted to its log."""
    # Not those by whom recall is measured.
    others = np.setdiff1d(np.arange(len(data.history)), data.asked)[:ASKING]
    sources: dict[str, Retriever] = {
        "als": als(data.vectors, data.member_vectors[others]),
        "popular": PopularFitted(np.array(data.popularity)),
    }
    value = formula.parse("watch", ["watch"])
    columns = Model(material.design, material.features, sources, FittedHeads({}, value)).columns
    head = FittedHead(_forest(len(columns)), KeepAll(), FittedIdentity())
    return Model(material.design, material.features, sources, FittedHeads({"watch": head}, value))


def _forest(columns: int) -> FittedForest:
    rng = np.random.default_rng(SEED)
    return FittedForest(
        rng.integers(0, columns, (TREES, DEPTH)).astype(np.int32), rng.lognormal(0, 2, (TREES, DEPTH)).astype(np.float32),
        rng.normal(0, 0.1, (1, TREES, 2**DEPTH)), np.array([-3.0]), np.array(True),
        np.full(columns, 100 / columns, np.float32),
    )  # fmt: skip
