"""One request to a workspace, by its release and as of the end of the log: a member's slate, or how long something takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from . import estimate as estimating
from . import pipeline
from .errors import DataError, nearest
from .estimate import Estimator, all_read, framed, said
from .estimation.promise import words
from .explain import Explained, explain
from .features.online import State
from .following import steered
from .release import Release
from .types import Asks, Floats
from .workspace import Workspace


class Item(msgspec.Struct, frozen=True):
    """One place of a slate. sources: the place each retriever gave it, from 1. reasons: column, its number, what it adds."""

    place: int
    id: str
    title: str
    value: float
    heads: dict[str, float]
    sources: dict[str, int]
    reasons: list[tuple[str, float | None, float]]


class Answer(msgspec.Struct, frozen=True):
    """A slate with what led to it. removed: how many candidates each filter took out."""

    member: str
    known: bool
    release: str
    ts: int
    items: list[Item]
    candidates: int
    removed: dict[str, int]
    history: list[str]


def recommend(
    workspace: Workspace,
    member: str,
    *,
    k: int | None = None,
    context: Mapping[str, str] | None = None,
    exclude: Sequence[str] = (),
    explained: bool = False,
) -> Answer:
    """The slate of a member, by the published release and the state at the end of the log.

    A member that the log does not know gets the answer of a stranger, `known` being False. Raises DataError for an item to
    exclude or a context that is not known.
    """
    release = workspace.current()
    state = workspace.state(release)
    design = release.design
    row = state.ids[design.member].rows(np.array([member.encode()]))
    ts = np.array([state.now() + 1])
    asks = Asks(row, ts, _context(release, context or {}))
    decided = pipeline.decide(release.model, state, asks, size=k, unwanted=_unwanted(release, state, exclude))
    names = state.ids[design.item].names()
    last = state.queries(asks).history[0]

    def text(item: int) -> str:
        return release.titles[item].decode() if item < len(release.titles) else ""

    return Answer(
        member, bool(row[0] >= 0), release.id, int(ts[0]),
        [_item(one, names[one.item].decode(), text(one.item), explained) for one in explain(release.model, decided)],
        len(decided.pool), {reason: len(items) for reason, (_, items) in decided.pool.removed.items()},
        [text(item) or names[item].decode() for item in last[last >= 0][:5].tolist()],
    )  # fmt: skip


def _item(one: Explained, name: str, title: str, explained: bool) -> Item:
    reasons = [(r.column, None if math.isnan(r.value) else r.value, r.adds) for r in one.reasons] if explained else []
    return Item(one.place, name, title, one.value, one.heads, one.sources, reasons)


def _context(release: Release, given: Mapping[str, str]) -> dict[str, np.ndarray]:
    known = release.model.features.contexts
    for name in given:
        if name not in known:
            raise DataError(f"context {name!r} is read by no feature of the release; {nearest(name, known)}")
    return release.model.features.asked(given)


def _unwanted(release: Release, state: State, exclude: Sequence[str]) -> np.ndarray | None:
    if not exclude:
        return None
    rows = state.ids[release.design.item].rows(np.array([name.encode() for name in exclude]))
    if (rows < 0).any():
        raise DataError(f"item {exclude[int(np.argmin(rows))]!r} to exclude is not in the log; check its id")
    return rows


class Told(msgspec.Struct, frozen=True):
    """An estimate with what led to it, in seconds. words: what is told. quantiles: by level; legs: the median of each.
    unknown: why, by name.
    reasons: column, its number, and by how much the mean would differ were it not known."""

    release: str
    ts: int
    words: str
    promise_s: float
    mean_s: float
    quantiles: dict[str, float]
    legs: dict[str, float]
    unknown: dict[str, str]
    reasons: list[tuple[str, float | None, float]]


def estimate(workspace: Workspace, given: Mapping[str, object], *, explained: bool = False) -> Told:
    """How long it takes, by the published release and the state at the end of the log.

    `given` is what is known of it: keys such as a store's id, numbers, texts, and places as [latitude, longitude]. Raises
    DataError for a value that no feature reads, or of a wrong kind.
    """
    release = workspace.current()
    model, state = release.estimator, workspace.state(release)
    all_read(model.features, given)
    request = said(model.features, given)
    ts = state.now() + 1
    frame = framed(model.features, state, request, ts)
    found = estimating.estimate(model, state, frame)
    if release.design.learning.adaptive is not None:
        offset = workspace.under_way(release).offset(request.keys)
        found = found if offset is None else steered(model, found, offset)
    promise = model.design.estimate.promise
    told = promise.told(model.levels, found.quantiles, found.promised_s)[0].tolist()
    half = int(np.argmin(np.abs(model.levels - 0.5)))
    return Told(
        release.id, ts, words(*told), float(found.promised_s[0]), float(found.mean[0]),
        {f"{level:g}": float(q) for level, q in zip(model.levels, found.quantiles[0], strict=True)},
        {name: float(leg[half]) for name, leg in zip(model.legs, found.legs[0], strict=True)},
        {name: "it is not in the log" for name in request.keys if frame.keys[name][0] < 0} | request.wrong,
        reasons(model, found.table[0]) if explained else [],
    )  # fmt: skip


def reasons(model: Estimator, row: Floats, *, most: int = 5) -> list[tuple[str, float | None, float]]:
    """What sets a row (columns,) apart: the columns without which the mean would differ most, with the seconds that they add."""
    without = np.tile(row, (len(row) + 1, 1))
    without[np.arange(len(row)), np.arange(len(row))] = np.nan
    means = estimating.estimated(model, without).mean
    adds = means[-1] - means[:-1]
    order = [at for at in np.argsort(-np.abs(adds), kind="stable")[:most].tolist() if adds[at]]
    return [(model.columns[at], None if math.isnan(row[at]) else float(row[at]), float(adds[at])) for at in order]
