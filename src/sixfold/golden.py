"""A golden log: a few events of the training data with the rows and scores they must give.

Whoever loads a release replays it through the online schedule and refuses the release when a number differs: then this
machine's arithmetic is not the one it was trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ReleaseError
from .estimate import Estimator, estimated
from .events.codec import decode, encode
from .events.hashing import hash_strings
from .events.places import served
from .events.schema import Events, take
from .features.batch import Batch
from .features.indexed import Frame, Vocabulary, index
from .features.online import State
from .features.spec import CONTEXT
from .features.store import Store
from .pipeline import Model
from .types import Floats, Rows, Times

TOLERANCE = 1e-5
MOMENTS = 40
"""Decisions (or outcomes, where there are none) that a golden log keeps."""

Learned: TypeAlias = Model | Estimator
"""What a release holds: of slates, or of estimates."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A small log; whom each of n rows is of by entity type, what came with it, and when it is of; its table (n, features)
    and what the model makes of it (n,)."""

    events: Events
    keys: Mapping[str, NDArray[np.bytes_]]
    context: Mapping[str, NDArray[Any]]
    ts: Times
    rows: Floats
    values: Floats


def sample(model: Learned, events: Events) -> Golden:
    """A golden log of a model, cut from the last of some events."""
    small = _small(model, events)
    keys, context, ts = _rows(model, small)
    ids = Vocabulary(Store(), model.features.entities(model.design.memory))
    log = index(small, ids, item=_item(model), area=model.features.area)
    batch = Batch(log, ids, model.design.memory, model.features)
    table = model.features.matrix(batch, _frame(ids, keys, context, ts))
    return Golden(small, keys, context, ts, table, _values(model, table))


def check(model: Learned, kept: Golden) -> None:
    """Replay a golden log online; raises ReleaseError naming the feature and the two numbers that differ."""
    online = _online(model, kept)
    _same(model.features.columns, online, kept.rows)
    _same(("the value of a row",), _values(model, online)[:, None], kept.values[:, None])


def write(folder: Path, kept: Golden) -> None:
    """The golden log as files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.bin").write_bytes(encode(kept.events))
    arrays = {f"key.{name}": column for name, column in kept.keys.items()}
    arrays |= dict(kept.context) | {"ts": kept.ts, "rows": kept.rows, "values": kept.values}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read(folder: Path) -> Golden:
    """The golden log that `write` wrote."""
    arrays = {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}
    keys = {name.removeprefix("key."): column for name, column in arrays.items() if name.startswith("key.")}
    context = {name: column for name, column in arrays.items() if name.startswith(CONTEXT)}
    if missing := {"ts", "rows", "values"} - arrays.keys():
        raise ReleaseError(f"{folder} lacks {', '.join(sorted(missing))}; roll back or train again")
    events = decode((folder / "events.bin").read_bytes())
    return Golden(events, keys, context, *(arrays[name] for name in ("ts", "rows", "values")))


def _item(model: Learned) -> str | None:
    return None if model.design.estimates else model.design.item


def _small(model: Learned, events: Events) -> Events:
    """The last few decisions and outcomes, and what was said of the entities in them."""
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
    entities = {}
    for of, table in events.entities.items():
        parts = [one[of] for one in (moments.decisions, *moments.outcomes.values()) if of in one]
        parts += [moments.shown["item"]] if of == _item(model) else []
        named = [part for part in parts if len(part)]
        if of in model.features.entities(model.design.memory) and named:
            entities[of] = take(table, np.isin(table["key"], np.concatenate(named)))
    return Events(entities, moments.decisions, moments.shown, moments.outcomes)


def _rows(model: Learned, events: Events) -> tuple[dict[str, NDArray[np.bytes_]], dict[str, NDArray[Any]], Times]:
    """Whom each row is of, what came with it and when it was: what was shown, else what was done, or what was estimated."""
    design, decisions = model.design, events.decisions
    context = {name: _column(decisions[name]) for name in decisions if name.startswith(CONTEXT)}
    context = served(context, model.features.area)
    if design.estimates:
        names = [of for of in model.features.entities(None) if of in decisions]
        return {of: decisions[of] for of in names}, context, decisions["ts"]
    if len(decisions["ts"]):
        at = events.shown["decision"]
        keys = {design.member: decisions[design.member][at], design.item: events.shown["item"]}
        return keys, {name: column[at] for name, column in context.items()}, decisions["ts"][at]
    table = events.outcomes[design.history.name]
    empty = {CONTEXT + name: np.zeros(len(table["ts"]), np.uint64) for name in model.features.contexts}
    return {of: table[of] for of in (design.member, design.item)}, empty, table["ts"]


def _column(column: NDArray[Any]) -> NDArray[Any]:
    return hash_strings(column) if column.dtype.kind == "S" else column.astype(np.float64)


def _frame(
    ids: Vocabulary, keys: Mapping[str, NDArray[np.bytes_]], context: Mapping[str, NDArray[Any]], ts: Times
) -> Frame:
    rows: dict[str, Rows] = {of: ids[of].rows(column) for of, column in keys.items()}
    return Frame(ts, rows, context, np.ones(len(ts), np.int16))


def _online(model: Learned, kept: Golden) -> Floats:
    state = State(model.features, model.design.memory, Store())
    out = np.empty_like(kept.rows)
    folded = int(np.iinfo(np.int64).min)
    for ts in np.unique(kept.ts).tolist():
        state.apply(kept.events.between(folded, ts))
        folded = ts
        rows = kept.ts == ts
        keys, context = ({name: column[rows] for name, column in one.items()} for one in (kept.keys, kept.context))
        out[rows] = model.features.matrix(state, _frame(state.ids, keys, context, kept.ts[rows]))
    return out


def _values(model: Learned, rows: Floats) -> Floats:
    if isinstance(model, Estimator):
        return estimated(model, rows).mean
    absent = np.full((len(rows), len(model.columns) - rows.shape[1]), np.nan, np.float32)
    return model.heads.score(np.concatenate([rows, absent], axis=1))


def _same(columns: tuple[str, ...], got: Floats, expected: Floats) -> None:
    with np.errstate(invalid="ignore"):  # Both may be the same infinity: what a formula gives for no number.
        gap = np.abs(got.astype(np.float64) - expected) / np.maximum(np.abs(expected), 1)
    wrong = ~((gap <= TOLERANCE) | (np.isnan(got) & np.isnan(expected)) | (got == expected))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise ReleaseError(
            f"the golden log gives {got[row, column]:g} for {columns[column]}, expected {expected[row, column]:g}; "
            "this machine computes otherwise than the one that trained, so train again here"
        )
