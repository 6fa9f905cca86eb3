"""A log made ready for a design: indexed, cut in four, its features' vocabularies fixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..errors import DataError
from ..events.hashing import combine, hash_strings
from ..events.schema import Events
from ..features import fit
from ..features.batch import Batch
from ..features.indexed import Indexed, Vocabulary, index, joined
from ..features.parts import entity_of
from ..features.spec import Accumulating, Bucket, Stream, entity_field
from ..features.store import Store
from ..features.table import Fitted
from ..types import Cuts, Interactions
from .split import cut


@dataclass(frozen=True, slots=True)
class Material:
    """What training and evaluation work on. `digest` names the log's content, whatever its order."""

    design: Design
    log: Indexed
    ids: Vocabulary
    cuts: Cuts
    features: Fitted
    known: Batch
    digest: str

    @property
    def has_decisions(self) -> bool:
        """Whether the log says what was shown, and not only what was done."""
        return len(self.log.decisions["ts"]) > 0

    def titles(self) -> NDArray[np.bytes_]:
        """The name for people of each item, b"" where none is known, by the path that the design gives."""
        path = self.design.slate.title
        out = np.zeros(len(self.ids[self.design.item]), "S1")
        if path is not None:
            column = fit.field_of(self.log, path)
            out = out.astype(column.dtype)
            out[self.log.entities[entity_field(path)[0]]["row"]] = column
        return out

    def interactions(self, stream: Stream) -> Interactions:
        """What members did with items, by one stream, in order of ts."""
        happened = self.log.stream(stream)
        order = np.argsort(happened.ts, kind="stable")
        member, item = self.design.member, self.design.item
        return Interactions(
            happened.keys[member][order],
            happened.keys[item][order],
            happened.ts[order],
            np.ones(len(order), np.float32),
            len(self.ids[member]),
            len(self.ids[item]),
        )


def prepare(
    design: Design, batches: Iterable[Events], *, cuts: Cuts | None = None, features: Fitted | None = None
) -> Material:
    """A log made ready; with `cuts` and `features` as a release has them, else by what the log holds.

    Raises DataError where the log cannot feed the design, DesignError where the design names what is not there.
    """
    ids = Vocabulary(Store(), entity_types(design))
    area = features.area if features else design.estimate.area if design.estimates else None
    parts: list[Indexed] = []
    total = 0
    for events in batches:
        parts.append(index(events, ids, item=None if design.estimates else design.item, area=area))
        total = (total + _digest(events)) % 2**64
    if not parts:
        raise DataError("the log is empty; run 'sixfold ingest FILE' or 'sixfold world NAME' first")
    log = joined(parts)
    if not log.has(design.history):
        raise DataError(
            f"the log has no outcome {design.history.name!r}, which {_makes(design)}; "
            f"it has: {', '.join(sorted(log.outcomes)) or 'none'}"
        )
    cuts = cuts or cut(design, log)
    available = None if design.estimates else design.slate.available
    also = (available,) if available else ()
    features = features or fit.fit(
        design.learning.features, log, until=cuts.first, memory=design.memory, also=also, area=area,
        timezone=design.requirements.timezone, source=Batch(log, ids, design.memory),
    )  # fmt: skip
    return Material(design, log, ids, cuts, features, Batch(log, ids, design.memory, features), f"{total:016x}")


def _makes(design: Design) -> str:
    return "is what is estimated" if design.estimates else "makes members' histories"


def entity_types(design: Design) -> tuple[str, ...]:
    """The entity types a design names: those that ask and are shown, whose attributes it reads, and by which it counts."""
    found = {entity_field(path)[0] for path in fit.paths(design.learning.features)}
    found |= {one.key for one in design.learning.features if isinstance(one, Bucket)}
    cells = (part for one in design.learning.features if isinstance(one, Accumulating) for part in one.by)
    found |= {entity for entity in map(entity_of, cells) if entity}
    return tuple(sorted(found if design.estimates else {design.member, design.item, *found}))


def _digest(events: Events) -> int:
    """A sum over the events, so that batches may come in any order and any size."""
    contents = events.content()
    return sum(int(combine(hash_strings(t["id"]), contents[name]).sum()) for name, t in events.tables())
