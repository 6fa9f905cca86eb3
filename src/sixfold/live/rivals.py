"""What others would have shown to the same asks, and what every slate is really worth.

The first release frozen and popularity are asked in this process, from the state that the service keeps, just before the
service is: they know what it knows. The oracle ranks by the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import pipeline, upkeep
from ..events.hashing import hash_strings
from ..features.online import State
from ..pipeline import Local, Unwatched
from ..policy.exploration import explore
from ..release import Release
from ..types import Asks, Floats, Rows
from ..workspace import Workspace
from ..worlds.visits import Strings, Visits
from .results import FROZEN, ORACLE, POPULARITY
from .world import World

_EXPLORED = 6
"""Sets the draws of exploration here apart from other draws by the same seed."""


@dataclass(frozen=True)
class Rivals:
    """The first release, and the state of the service that it reads."""

    workspace: Workspace
    frozen: Release
    seed: int

    @cached_property
    def state(self) -> State:
        """The state as the service's writer keeps it."""
        features, memory = self.frozen.model.features, self.frozen.design.memory
        return upkeep.reader(self.workspace.state_folder(self.frozen), features, memory)

    def behind(self, head: int) -> bool:
        """Whether the state has yet to fold the log's batch `head`."""
        mapped = self.state.store.mapped
        assert mapped is not None
        mapped.refresh()
        return mapped.offset < head

    def slates(self, visits: Visits, popular: Release) -> dict[str, Strings]:
        """Slates (n, size) of ids by rival; popularity is that of the newest release, the source alone."""
        asks = self._asks(visits)
        frozen = pipeline.decide(self.frozen.model, self.state, asks)
        watch = Unwatched()
        pool = Local(popular.model, self.state, watch).popular(asks, None)
        size = self.frozen.design.slate.size
        plain = pipeline.slates(pool, pipeline.retrieval_order(pool), size)
        explored = self._explored(frozen.pool, frozen.scored.value, visits)
        return {FROZEN: self._names(explored), POPULARITY: self._names(plain)}

    def _asks(self, visits: Visits) -> Asks:
        contexts = self.frozen.model.features.contexts
        columns = {f"context.{name}": hash_strings(visits.context[name]) for name in contexts}
        return Asks(self.state.ids[self.frozen.design.member].rows(visits.member), visits.ts, columns)

    def _explored(self, pool: pipeline.Pool, value: Floats, visits: Visits) -> Rows:
        """Slates with as many places left to chance as in the service's: what is compared is what was learned."""
        decides = self.frozen.design.slate
        ranked = pipeline.slates(pool, value, int(np.bincount(pool.ask, minlength=1).max()))
        out = np.full((len(visits), decides.size), -1, np.int32)
        rng = np.random.default_rng((self.seed, _EXPLORED, int(visits.ts[0])))
        for row, candidates in enumerate(ranked):
            known = candidates[candidates >= 0]
            places, _ = explore(known, decides.size, share=decides.explore, rng=rng)
            out[row, : len(places)] = known[places]
        return out

    def _names(self, slates: Rows) -> Strings:
        names: Strings = self.state.ids[self.frozen.design.item].names(np.maximum(slates, 0).ravel())
        return np.where(slates >= 0, names.reshape(slates.shape), b"")


def worth(world: World, release: Release, visits: Visits, slates: dict[str, Strings]) -> dict[str, NDArray[np.float64]]:
    """The expected utility (n,) of each system's slates, and of the oracle's: the sum over places of P(examined) x value.

    The value is the formula of the design on the true heads, at the ask's own ts and context.
    """
    value = release.model.heads.formula({name: head.ravel() for name, head in world.heads(visits).items()})
    value = value.reshape(len(visits), len(world.items)).astype(np.float64)
    looked = world.examination[: release.design.slate.size]
    order = np.argsort(world.items)
    out = {}
    for name, slate in slates.items():
        slate = slate[:, : len(looked)]
        at = order[np.minimum(np.searchsorted(world.items, slate, sorter=order), len(order) - 1)]
        held = np.where(world.items[at] == slate, np.take_along_axis(value, at, axis=1), 0)
        out[name] = held @ looked[: slate.shape[1]]
    best = -np.sort(-np.where(world.alive(visits), value, 0), axis=1)[:, : len(looked)]
    return out | {ORACLE: best @ looked}
