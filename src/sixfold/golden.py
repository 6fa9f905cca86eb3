"""A golden log: a few events of the training data with the rows and scores they must give.

Whoever loads a release replays it through the online schedule and refuses the release when a number differs: then this
machine's arithmetic is not the one it was trained with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import ReleaseError
from .events.codec import decode, encode
from .events.schema import Events, take
from .features.batch import Batch
from .features.indexed import Frame, Vocabulary, index
from .features.online import State
from .features.spec import entity_field
from .features.store import Store
from .features.table import Fitted
from .pipeline import Model
from .types import Floats

TOLERANCE = 1e-5
MOMENTS = 40
"""Decisions (or outcomes, where there are none) that a golden log keeps."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A small log; who, what and when each row is of; its table (n, features) and the value of each row."""

    events: Events
    member: np.ndarray[tuple[int], np.dtype[np.bytes_]]
    item: np.ndarray[tuple[int], np.dtype[np.bytes_]]
    ts: np.ndarray[tuple[int], np.dtype[np.int64]]
    rows: Floats
    values: Floats


def sample(model: Model, events: Events) -> Golden:
    """A golden log of a model, cut from the last of some events."""
    small = _small(model, events)
    member, item, ts = _rows(model, small)
    table = _batch(model, small, member, item, ts)
    return Golden(small, member, item, ts, table, _values(model, table))


def check(model: Model, kept: Golden) -> None:
    """Replay a golden log online; raises ReleaseError naming the feature and the two numbers that differ."""
    online = _online(model, kept)
    _same(model.features.columns, online, kept.rows)
    _same(("the value of a row",), _values(model, online)[:, None], kept.values[:, None])


def write(folder: Path, kept: Golden) -> None:
    """The golden log as files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.bin").write_bytes(encode(kept.events))
    for name in ("member", "item", "ts", "rows", "values"):
        np.save(folder / f"{name}.npy", getattr(kept, name), allow_pickle=False)


def read(folder: Path) -> Golden:
    """The golden log that `write` wrote."""
    arrays = (
        np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("member", "item", "ts", "rows", "values")
    )
    return Golden(decode((folder / "events.bin").read_bytes()), *arrays)


def _small(model: Model, events: Events) -> Events:
    """The last few decisions and outcomes, and what was said of the entities in them."""
    design = model.design
    keep = {}
    for name, table in events.tables():
        if name.startswith("entity "):
            continue
        last = np.zeros(len(table["ts"]), bool)
        last[np.argsort(table["ts"], kind="stable")[-MOMENTS:]] = True
        keep[name] = last
    moments = events.select(
        {**{f"entity {of}": np.zeros(len(t["ts"]), bool) for of, t in events.entities.items()}, **keep}
    )
    named = {
        design.member: [
            moments.decisions.get(design.member),
            *(t.get(design.member) for t in moments.outcomes.values()),
        ],
        design.item: [moments.shown["item"], *(t.get(design.item) for t in moments.outcomes.values())],
    }
    entities = {}
    for of, table in events.entities.items():
        parts = [part for part in named.get(of, []) if part is not None and len(part)]
        if parts:
            entities[of] = take(table, np.isin(table["key"], np.concatenate(parts)))
    return Events(entities, moments.decisions, moments.shown, moments.outcomes)


def _rows(model: Model, events: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    design = model.design
    if len(events.decisions["ts"]):
        at = events.shown["decision"]
        return events.decisions[design.member][at], events.shown["item"], events.decisions["ts"][at]
    table = events.outcomes[design.history.name]
    return table[design.member], table[design.item], table["ts"]


def _frame(model: Model, ids: Vocabulary, member: np.ndarray, item: np.ndarray, ts: np.ndarray) -> Frame:
    design = model.design
    context = {f"context.{name}": np.zeros(len(ts), np.uint64) for name in model.features.contexts}
    keys = {design.member: ids[design.member].rows(member), design.item: ids[design.item].rows(item)}
    return Frame(ts, keys, context, np.ones(len(ts), np.int16))


def _batch(model: Model, events: Events, member: np.ndarray, item: np.ndarray, ts: np.ndarray) -> Floats:
    ids = Vocabulary(Store(), _types(model.features, model))
    log = index(events, ids, item=model.design.item)
    batch = Batch(log, ids, model.design.memory)
    return model.features.matrix(batch, _frame(model, ids, member, item, ts))


def _online(model: Model, kept: Golden) -> Floats:
    state = State(model.features, model.design.memory, Store())
    out = np.empty_like(kept.rows)
    folded = int(np.iinfo(np.int64).min)
    for ts in np.unique(kept.ts).tolist():
        state.apply(kept.events.between(folded, ts))
        folded = ts
        rows = kept.ts == ts
        out[rows] = model.features.matrix(
            state, _frame(model, state.ids, kept.member[rows], kept.item[rows], kept.ts[rows])
        )
    return out


def _values(model: Model, rows: Floats) -> Floats:
    absent = np.full((len(rows), len(model.columns) - rows.shape[1]), np.nan, np.float32)
    return model.heads.score(np.concatenate([rows, absent], axis=1))


def _same(columns: tuple[str, ...], got: Floats, expected: Floats) -> None:
    gap = np.abs(got.astype(np.float64) - expected) / np.maximum(np.abs(expected), 1)
    wrong = ~((gap <= TOLERANCE) | (np.isnan(got) & np.isnan(expected)) | (got == expected))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise ReleaseError(
            f"the golden log gives {got[row, column]:g} for {columns[column]}, expected {expected[row, column]:g}; "
            "this machine computes otherwise than the one that trained, so train again here"
        )


def _types(features: Fitted, model: Model) -> tuple[str, ...]:
    paths = (entity_field(path)[0] for path in features.kinds)
    return tuple(sorted({model.design.member, model.design.item, *paths}))
