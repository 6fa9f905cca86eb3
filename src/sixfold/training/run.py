"""The journey from a log made ready to a model: sources, rows, heads. Each stage is kept by content."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ..pipeline import Model, Pool, Retriever
from ..ranking.forest import Forest
from ..ranking.linear import Linear
from ..retrieval import Retriever as Spec
from ..retrieval.kinds import fitted_type
from ..types import Arrays, Asks, Interactions, Times
from . import heads as heads_of
from .cache import Cache
from .examples import Examples, examples
from .heads import Rows
from .material import Material

Tell = Callable[[str, int, int], None]
"""Called with a stage, how far it is and how far it goes."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Where training time goes: seconds by stage, and who is told of progress."""

    seconds: dict[str, float] = field(default_factory=dict)
    tell: Tell = lambda stage, done, total: None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.tell(name, 0, 1)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self.tell(name, 1, 1)


@dataclass(frozen=True, slots=True)
class Ready:
    """All that a ranker is fitted on and judged by: the sources, and the rows of three spans of time with their tables."""

    material: Material
    sources: Mapping[str, Retriever]
    training: Rows
    calibrating: Rows
    test: Rows


def fit_sources(material: Material, until: int, cache: Cache, stages: Stages) -> dict[str, Retriever]:
    """Every retriever of the design, fitted on what lies strictly before `until`."""
    design = material.design
    happened = material.interactions(design.history).before(until)
    out: dict[str, Retriever] = {}
    for name, spec in design.sources.items():
        with stages.stage(f"retriever {name}"):
            rng = np.random.default_rng([design.learning.seed, *name.encode()])
            kept = cache.through(
                f"source.{name}",
                [spec, material.digest, material.cuts, design.history, until],
                partial(_arrays, spec, happened, material.known.born, rng),
            )
            out[name] = fitted_type(spec).from_arrays(kept)
    return out


def _arrays(spec: Spec, happened: Interactions, born: Times, rng: np.random.Generator) -> Arrays:
    return spec.fit(happened, born, rng).to_arrays()


def ready(material: Material, cache: Cache, stages: Stages) -> Ready:
    """The sources and the rows; the sources are those that are published, fitted again where the design says so."""
    cuts = material.cuts
    sources = fit_sources(material, cuts.first, cache, stages)
    published = fit_sources(material, cuts.third, cache, stages) if material.design.learning.refit else sources
    spans = {
        "training": (cuts.first, cuts.second),
        "calibrating": (cuts.second, cuts.third),
        "test": (cuts.third, cuts.end),
    }
    made = {}
    for name, (start, stop) in spans.items():
        with stages.stage(f"rows for {name}"):
            fitted = published if name == "test" else sources
            made[name] = _rows(material, fitted, name, start, stop, cache)
    return Ready(material, published, made["training"], made["calibrating"], made["test"])


def _rows(material: Material, sources: Mapping[str, Retriever], name: str, start: int, stop: int, cache: Cache) -> Rows:
    learning = material.design.learning
    sampling = learning.negatives if name == "training" else None
    parts = [
        material.design.problem.decides, material.design.requirements.label, material.design.requirements.window,
        material.design.heads, material.design.history, learning.history_length, learning.candidates, learning.queries,
        learning.retrievers, learning.refit, learning.seed, sampling, material.features, material.digest,
        material.cuts, start, stop, learning.sample,
    ]  # fmt: skip

    def compute() -> Arrays:
        rng = np.random.default_rng([learning.seed, *name.encode()])
        share = learning.sample if name != "test" else 1.0
        rows = examples(material, sources, start, stop, rng, share=share)
        if sampling is not None:
            rows = heads_of.sampled(material, rows)
        return _to_arrays(Rows(rows, rows.table(material, sources)))

    return _from_arrays(cache.through(f"rows.{name}", parts, compute))


def fit(ready: Ready, ranker: Forest | Linear, stages: Stages) -> Model:
    """A model with this ranker on the rows made ready."""
    design = ready.material.design
    kind = type(ranker).__name__.lower()
    with stages.stage(f"ranker {kind}"):
        fitted = heads_of.fit(
            ready.material, ranker, ready.training, ready.calibrating,
            progress=lambda done, total: stages.tell(f"ranker {kind}", done, total),
        )  # fmt: skip
    return Model(design, ready.material.features, ready.sources, fitted)


def _to_arrays(rows: Rows) -> Arrays:
    pool = rows.examples.pool
    arrays: Arrays = {
        "member": pool.asks.member, "ts": pool.asks.ts, "ask": pool.ask, "item": pool.item, "ranks": pool.ranks,
        "position": rows.examples.position, "table": rows.table,
    }  # fmt: skip
    arrays |= {f"context:{name}": column for name, column in pool.asks.context.items()}
    return arrays | {f"label:{name}": label for name, label in rows.examples.labels.items()}


def _from_arrays(arrays: Arrays) -> Rows:
    def group(prefix: str) -> Arrays:
        return {name.removeprefix(prefix): column for name, column in arrays.items() if name.startswith(prefix)}

    asks = Asks(arrays["member"], arrays["ts"], group("context:"))
    pool = Pool(asks, arrays["ask"], arrays["item"], arrays["ranks"], {})
    return Rows(Examples(pool, arrays["position"], group("label:")), arrays["table"])
