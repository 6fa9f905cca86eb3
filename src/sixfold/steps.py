"""The six steps as sections of a design: what is decided, by what it is judged, what it must keep, how it learns, what serves
it, and for how many.

Construction in Python is not type-checked; `loading` checks a design by a round trip.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .estimation import Estimator
from .estimation.adaptive import Adaptive
from .estimation.conformal import Conformal
from .estimation.promise import Promise
from .estimation.quantiles import Quantiles
from .events.places import Area
from .features.spec import Feature, Stream
from .metrics.target import Metric, Target
from .ranking.calibration import Calibration, Isotonic
from .ranking.forest import Forest
from .ranking.linear import Linear
from .ranking.sampling import KeepAll, Sampling
from .retrieval import Popular, Retriever

Positive = Annotated[float, Meta(gt=0)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all sections share: frozen, by keyword, and an unknown field is an error."""


class Slate(Section, frozen=True, kw_only=True, tag="slate"):
    """A ranked list of `of`, decided for `to`.

    seen_again_after: an item seen is not shown again for so long (None: never again). available: the path of a number
    that is 0 where an item may not be shown. title: the path of a name for people. explore: the chance of each place to go to
    any candidate (`policy.exploration`).
    """

    of: str
    to: str
    size: Annotated[int, Meta(ge=1, le=1000)] = 20
    seen_again_after: str | None = None
    available: str | None = None
    title: str | None = None
    explore: Annotated[float, Meta(ge=0, le=0.5)] = 0.0


class Estimate(Section, frozen=True, kw_only=True, tag="estimate"):
    """How long something takes, in seconds from when it is asked.

    of: the key of what is estimated, such as an order. legs: outcomes that say how long each part took, in the order in which
    parts come; the estimate is of their sum, which is the label's value. Without any the label is all there is.
    void: outcomes after which there is no label any more, such as a cancellation; what never ends is left out as censored.
    promise: what is told, by what late and early minutes cost. area: the degrees that are served; a place outside them is
    unknown, in training as in service.
    """

    of: str
    legs: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    promise: Promise = Promise()
    area: Area | None = None


class Assume(msgspec.Struct, frozen=True):
    """An answer that was assumed, not given; with a target the data itself confirms or contradicts it."""

    text: str
    target: Target | None = None


class Problem(Section, frozen=True, kw_only=True):
    """Step 1: what is decided, for whom, and what was assumed on the way."""

    goal: str
    decides: Slate | Estimate
    assumes: tuple[Assume, ...] = ()


class Metrics(Section, frozen=True, kw_only=True):
    """Step 2: offline metrics with targets, online metrics, guardrails, and the slices to look at."""

    offline: tuple[Target, ...] = ()
    online: tuple[Metric, ...] = ()
    guardrails: tuple[Target, ...] = ()
    slices: tuple[str, ...] = ()


class Requirements(Section, frozen=True, kw_only=True):
    """Step 3: what training and inference must respect.

    label: the outcome that makes a positive. window: how long after a decision an outcome counts. retrain: how often a
    model is trained anew. p99_ms, availability, requests_per_s: of the service. fresh_ms: until an event counts, for 99 of 100.
    """

    label: Stream
    window: str = "1d"
    retrain: str = "1d"
    p99_ms: Positive = 100
    availability: Annotated[float, Meta(gt=0, lt=1)] = 0.999
    requests_per_s: Positive = 100
    fresh_ms: Positive = 50
    timezone: str = "UTC"


class Happens(msgspec.Struct, frozen=True, tag="happens"):
    """A head for the probability that an outcome comes of an impression."""

    stream: Stream


class Amount(msgspec.Struct, frozen=True, tag="amount"):
    """A head for the expected value of an outcome, given that it comes."""

    stream: Stream


Head = Happens | Amount


class Split(Section, frozen=True, kw_only=True):
    """How time is cut in four: shares of the events for retrievers, ranker rows, calibration and test."""

    retrievers: Positive = 0.5
    ranker: Positive = 0.2
    calibration: Positive = 0.15
    test: Positive = 0.15


class Learning(Section, frozen=True, kw_only=True):
    """Step 4: features, retrievers, ranker, and how they are trained.

    history: the outcomes that make up what a member did (default: the label). candidates: how many each retriever gives.
    heads: what the ranker predicts (default: the label happens), joined to one number by the formula `value`.
    negatives: which rows without the label are trained on. queries: of a log without decisions, how many moments of
    asking are made up for each member. sample: the share of asks that the ranker learns from.
    refit: fit the retrievers again on all that lies before the test, which is then judged and published with them; where an
    estimate is decided, the estimators, with as many trees as were found best.
    estimator, coverage: of a design that decides an estimate, what learns the distribution and what makes it cover.
    adaptive: how outcomes steer what is told while it is served, and in its evaluation; not at all where left out.
    """

    features: tuple[Feature, ...]
    retrievers: tuple[Retriever, ...] = (Popular(),)
    history: Stream | None = None
    history_length: Annotated[int, Meta(ge=1, le=1000)] = 100
    candidates: Annotated[int, Meta(ge=1, le=10_000)] = 300
    ranker: Forest | Linear = Forest()
    heads: dict[str, Head] = msgspec.field(default_factory=dict)
    value: str | None = None
    negatives: Sampling = KeepAll()
    calibration: Calibration = Isotonic()
    split: Split = Split()
    queries: Annotated[int, Meta(ge=1, le=100)] = 10
    sample: Annotated[float, Meta(gt=0, le=1)] = 1.0
    refit: bool = False
    estimator: Estimator = Quantiles()
    coverage: Conformal = Conformal(by_width=True)
    adaptive: Adaptive | None = None
    seed: int = 0


NOTHING_KNOWN = "nothing known"
"""The fallback of the features of an estimate: it is then that of a row of which nothing is known."""


class Service(Section, frozen=True, kw_only=True):
    """One component: how long it may take, what answers in its place, and why it is there."""

    deadline_ms: Positive
    fallback: str
    why: str = ""


class Components(Section, frozen=True, kw_only=True):
    """Step 5: the services a request passes, in this order: the first two to a slate, `features` to an estimate."""

    candidates: Service = Service(deadline_ms=25, fallback="popular", why="millions of items are too many to rank")
    ranking: Service = Service(
        deadline_ms=40, fallback="retrieval order", why="scores a few hundred with fresh features"
    )
    features: Service = Service(deadline_ms=40, fallback=NOTHING_KNOWN, why="reads what is known of this moment")


class Scale(Section, frozen=True, kw_only=True):
    """Step 6: the load to plan for. What is stated twice must agree; the linter does the arithmetic.

    Rates are means over a month of 30 days unless they say peak; rows are impressions.
    """

    users: Positive
    items: Positive
    peak_over_mean: Annotated[float, Meta(ge=1)] = 3
    requests_per_month: Positive | None = None
    requests_per_year: Positive | None = None
    requests_per_user_per_month: Positive | None = None
    shown_per_request: Positive | None = None
    rows_per_month: Positive | None = None
    positive_rate: Annotated[float, Meta(gt=0, lt=1)] | None = None
    positives_per_month: Positive | None = None
    negatives_per_month: Positive | None = None
    bytes_per_row: Positive | None = None
    bytes_per_month: Positive | None = None


def outcome(name: str, *, at_least: float | None = None) -> Stream:
    """`outcome("watch", at_least=30)`: an outcome by name, of a value of 30 and more."""
    return Stream(name, at_least)


def split_fractions(split: Split) -> tuple[float, float, float]:
    """The three inner cuts as cumulative shares of the events."""
    total = split.retrievers + split.ranker + split.calibration + split.test
    first = split.retrievers / total
    second = first + split.ranker / total
    return first, second, second + split.calibration / total
