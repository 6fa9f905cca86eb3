"""One request to a workspace: a member's slate from the published release, as of the end of the log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from . import pipeline
from .errors import DataError, nearest
from .explain import Explained, explain
from .features.online import State
from .release import Release
from .types import Asks
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
