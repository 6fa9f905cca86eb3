"""Logs of the small world of `tests.logs` with one fault, made ready for a design that has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.designs import WATCHED, edited
from tests.logs import random_log

from sixfold.design import Design
from sixfold.events.schema import Events
from sixfold.language import Assume, age, attribute, auc, context, count, position, positive_rate, rate, recall
from sixfold.training.material import Material, prepare
from sixfold.training.validate import lint_data


def log(seed: int = 0, *, decisions: int = 3000) -> Events:
    """3 000 slates of 4 over six days; 40 % of what is shown is watched, 28 % for 30 s and more."""
    return random_log(np.random.default_rng(seed), decisions=decisions)


def design(**learning: Any) -> Design:
    """A design that fits this log."""
    features = (
        attribute("video.genre"),
        attribute("member.country"),
        context("device"),
        age("video.published"),
        position(),
        count("shown", by=("member", "video"), window="1d"),
        rate(WATCHED, by="video.genre", half_life="1d"),
    )
    base = edited("learning", **{"features": features, "heads": {}, "value": None, "candidates": 20, **learning})
    base = edited("problem", of=base, assumes=(Assume("", positive_rate().about(0.28)),))
    base = edited("metrics", of=base, offline=(auc() >= 0.5, recall(at=10) >= 0.1), slices=())
    base = edited("scale", of=base, positive_rate=0.28, shown_per_request=4)
    return edited("requirements", of=base, label=WATCHED, window="6h")


def changed(events: Events, table: str, /, **columns: Any) -> Events:
    """The events with columns of a table replaced: decisions, shown, an outcome's or an entity's name."""
    if table in ("decisions", "shown"):
        return replace(events, **{table: {**getattr(events, table), **columns}})
    group = "outcomes" if table in events.outcomes else "entities"
    tables = dict(getattr(events, group))
    return replace(events, **{group: {**tables, table: {**tables[table], **columns}}})


def without_decisions(events: Events) -> Events:
    """The outcomes and entities alone."""
    organic = np.zeros(len(events.outcomes["watch"]["ts"]), "S1")
    return Events(entities=events.entities, outcomes=changed(events, "watch", decision=organic).outcomes)


def made_ready(events: Events, of: Design | None = None) -> Material:
    return prepare(of or design(), [events])


def found(events: Events, of: Design | None = None) -> list[tuple[str, str, str]]:
    """(level, path, message) of everything that the log says against a design, the good one unless told."""
    # Prepared by the good design: a name that a design has wrong is found, where preparing by it would raise.
    return [(f.level, f.path, f.message) for f in lint_data(of or design(), made_ready(events))]
