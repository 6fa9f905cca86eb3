"""Whether online equals offline: the log replayed through the online state, each feature of each row compared.

The replay folds what came before an instant and then reads the rows of that instant, as the rule *as of ts means
strictly before ts* wants; no row is sampled, and nothing is rounded but to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..events.schema import Events, concat
from ..events.timeline import Timeline
from ..features.batch import Batch
from ..features.indexed import Frame, Indexed, Vocabulary
from ..features.online import State
from ..features.store import Store
from ..training.estimates import frame_of
from ..training.material import Material, prepare
from ..types import Floats

TOLERANCE = 1e-6
"""Relative difference that two float32 of one float64, equal within 1e-9, may have."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One feature that differs: in how many rows, and the row where it differs most."""

    column: str
    rows: int
    row: int
    online: float
    batch: float

    def __str__(self) -> str:
        return (
            f"{self.column}: {self.rows} rows differ, most row {self.row}: online {self.online:g}, batch {self.batch:g}"
        )


@dataclass(frozen=True, slots=True)
class Skew:
    """What a comparison found."""

    rows: int
    columns: int
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        """True where online and batch differ."""
        return bool(self.differences)


def replay(events: Events, state: State, frame: Frame, ids: Vocabulary, *, progress: Progress | None = None) -> Floats:
    """The features of a frame (n, columns) float32, read from `state` between the folds of the events.

    The frame's keys are rows of `ids`. Where the state numbers ids by itself, as the events reach it, members of one instant
    in a history may stand in another order; give it the same vocabulary to compare features that read histories.
    """
    order = np.argsort(frame.ts, kind="stable")
    names = {entity: ids[entity].names() for entity in frame.keys}
    out = np.empty((len(frame), len(state.features.columns)), np.float32)
    instants, starts = np.unique(frame.ts[order], return_index=True)
    timeline = Timeline(events)
    folded = int(np.iinfo(np.int64).min)
    for i, (ts, rows) in enumerate(zip(instants.tolist(), np.split(order, starts[1:]), strict=True)):
        state.apply(timeline.between(folded, ts))
        folded = ts
        part = frame.take(rows)
        keys = {entity: state.ids[entity].rows(names[entity][at]) for entity, at in part.keys.items()}
        out[rows] = state.features.matrix(state, Frame(part.ts, keys, part.context, part.position))
        if progress is not None:
            progress(i + 1, len(instants))
    return out


def compare(online: Floats, batch: Floats, columns: tuple[str, ...]) -> Skew:
    """The differences of two tables (n, f) of the same rows; NaN equals NaN."""
    gap = np.abs(online.astype(np.float64) - batch) / np.maximum(np.abs(batch), 1.0)
    gap = np.where(np.isnan(online) & np.isnan(batch), 0.0, np.nan_to_num(gap, nan=np.inf))
    found = []
    for column in np.flatnonzero((gap > TOLERANCE).any(axis=0)).tolist():
        row = int(gap[:, column].argmax())
        differing = int((gap[:, column] > TOLERANCE).sum())
        found.append(Difference(columns[column], differing, row, float(online[row, column]), float(batch[row, column])))
    return Skew(len(batch), len(columns), tuple(found))


def verify(
    events: Events, log: Indexed, ids: Vocabulary, state: State, frame: Frame, *, progress: Progress | None = None
) -> Skew:
    """Replay a log online into an empty state and compare every row and feature with the batch table."""
    online = replay(events, state, frame, ids, progress=progress)
    batch: NDArray[np.float32] = state.features.matrix(Batch(log, ids, state.memory, state.features), frame)
    return compare(online, batch, state.features.columns)


def verify_log(
    design: Design, batches: Iterable[Events], *, most: int | None = None, progress: Progress | None = None
) -> Skew:
    """Replay the log of a design: every impression, or every outcome of the history where nothing was shown.

    With `most`, only the last so many rows are compared; all events are folded all the same.
    """
    events = list(batches)
    material = prepare(design, events)
    frame = logged(material)
    if most is not None and len(frame) > most:
        frame = frame.take(np.sort(np.argsort(frame.ts, kind="stable")[-most:]))
    state = State(material.features, design.memory, Store(), ids=material.ids)
    return verify(concat(events), material.log, material.ids, state, frame, progress=progress)


def logged(material: Material) -> Frame:
    """The rows that a log itself asks about: what was estimated, or what was shown, else what was done."""
    design, log = material.design, material.log
    if design.estimates:
        return frame_of(material, log.decisions["id"])
    if material.has_decisions:
        at = log.shown["decision"]
        context = {name: column[at] for name, column in log.decisions.items() if name.startswith("context.")}
        keys = {design.member: log.shown[design.member], design.item: log.shown[design.item]}
        return Frame(log.shown["ts"], keys, context, log.shown["position"])
    happened = log.stream(design.history)
    keys = {design.member: happened.keys[design.member], design.item: happened.keys[design.item]}
    return Frame(happened.ts, keys, {}, np.ones(len(happened), np.int16))
