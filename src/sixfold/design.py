"""The design: six steps, written down once, as one frozen object that is data through and through.

A `Design` survives JSON: a release keeps it, a question edits a copy of it. Construction in Python is not type-checked;
`loading.load` and `loading.checked` are, by a round trip whose error names the path. Whether numbers agree, `lint` says.
"""

from __future__ import annotations

import msgspec

from . import durations
from .errors import DesignError
from .features.spec import Memory, Stream
from .retrieval import Popular, Retriever
from .steps import (
    Components,
    Estimate,
    Happens,
    Head,
    Learning,
    Metrics,
    Problem,
    Requirements,
    Scale,
    Section,
    Service,
    Slate,
)


class Design(Section, frozen=True, kw_only=True):
    """The six steps of one system."""

    name: str
    problem: Problem
    metrics: Metrics
    requirements: Requirements
    learning: Learning
    components: Components = Components()
    scale: Scale

    @property
    def slate(self) -> Slate:
        """What slates are like; raises DesignError where the design decides an estimate."""
        decides = self.problem.decides
        if not isinstance(decides, Slate):
            raise DesignError(f"the design {self.name!r} decides an estimate, which has no slate; ask for an estimate")
        return decides

    @property
    def estimate(self) -> Estimate:
        """What estimates are like; raises DesignError where the design decides a slate."""
        decides = self.problem.decides
        if not isinstance(decides, Estimate):
            raise DesignError(f"the design {self.name!r} decides a slate, which is no estimate; ask for a slate")
        return decides

    @property
    def estimates(self) -> bool:
        """Whether an estimate is decided, and not a slate."""
        return isinstance(self.problem.decides, Estimate)

    @property
    def stages(self) -> dict[str, Service]:
        """The components that a request passes, in order, by name."""
        names = ("features",) if self.estimates else ("candidates", "ranking")
        return {name: getattr(self.components, name) for name in names}

    @property
    def item(self) -> str:
        """The entity type that slates show."""
        return self.slate.of

    @property
    def member(self) -> str:
        """The entity type that slates are decided for."""
        return self.slate.to

    @property
    def history(self) -> Stream:
        """The outcomes that make a member's history."""
        return self.learning.history or self.requirements.label

    @property
    def seen(self) -> Stream:
        """The outcomes that count an item as seen: the history's, of whatever value."""
        return Stream(self.history.name)

    @property
    def sources(self) -> dict[str, Retriever]:
        """The retrievers by the name of their kind; a second one of a kind is numbered.

        Popularity is always one of them: it is the first baseline and the last fallback.
        """
        named: dict[str, Retriever] = {}
        given = self.learning.retrievers
        for retriever in given if any(isinstance(r, Popular) for r in given) else (Popular(), *given):
            kind = str(retriever.__struct_config__.tag)
            copies = sum(name.rstrip("0123456789") == kind for name in named)
            named[kind if not copies else f"{kind}{copies + 1}"] = retriever
        return named

    @property
    def memory(self) -> Memory | None:
        """What is remembered of each member; nothing where no slates are decided."""
        if self.estimates:
            return None
        return Memory(self.member, self.item, self.history, self.seen, self.learning.history_length)

    @property
    def heads(self) -> dict[str, Head]:
        """The heads of the ranker; the first one is the label's unless the design says otherwise."""
        return self.learning.heads or {self.requirements.label.name: Happens(self.requirements.label)}

    @property
    def value(self) -> str:
        """The formula that joins the heads."""
        return self.learning.value or next(iter(self.heads))

    def to_json(self) -> bytes:
        """The design as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def seen_again_us(design: Design) -> int | None:
    """Microseconds after which a seen item may be shown again; None where never."""
    again = design.slate.seen_again_after
    return None if again is None else durations.parse(again)
