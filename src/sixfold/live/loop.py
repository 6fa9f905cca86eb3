"""The days of a live run: members ask and answer, and in the night a model is trained on what the service wrote.

Every ten minutes what is new is posted, then what members did until then, then the next asks are made. Everything carries the
world's ts. The training begins at midnight, while members go on asking, and is waited for until the morning; a release that the
gate lets pass is swapped in by the service itself, under way.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..errors import Unavailable
from ..events.schema import Events, concat
from ..metrics.interval import paired
from ..metrics.kernel import Doubles, mean
from ..policy.exploration import LIKELY
from ..release import Release
from ..serving.messages import Slate
from ..types import DAY, SECOND
from ..workspace import Workspace
from ..worlds.visits import Strings, Visits
from .results import FROZEN, LOOP, Day, Training
from .rivals import Rivals, worth
from .running import Client
from .world import World

STEP = 600 * SECOND
"""Members who come within one step do not see what the others did in it, nor do the rivals: as little as 0.08 of utility was
seen to come of what an hour brings."""
MORNING = 6 * 3600 * SECOND
"""Until when a model that is trained in the night is waited for."""
FOLDED_S = 30
"""For which the service may take to fold what it acknowledged."""


@dataclass(frozen=True, slots=True)
class Step:
    """The asks of a step that were answered, n: who asked, the slates, what each system's was worth (n,); and what came."""

    member: Strings
    slates: Sequence[Slate]
    worth: Mapping[str, Doubles]
    unanswered: int
    outcomes: int


@dataclass
class Loop:
    """A world, the service that its members ask, and the workspace that the service writes to."""

    workspace: Workspace
    world: World
    client: Client
    rivals: Rivals
    start: int
    train: Callable[[Workspace, bool], Training]
    tell: Callable[[str, int, int], None]
    _newest: Release = field(init=False)
    _pending: Events = field(default_factory=Events)
    _nights: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _training: Future[Training] | None = None

    def __post_init__(self) -> None:
        self._newest = self.rivals.frozen

    def day(self, number: int, *, shifted: bool) -> Day:
        """A day of asks and answers; `number` counts from 1. A training on all until its end begins when it ends."""
        began, midnight = time.monotonic(), self.start + (number - 1) * DAY
        steps: list[Step] = []
        training = None
        self.world.forget(midnight)
        for start in range(midnight, midnight + DAY, STEP):
            if start == midnight + MORNING:
                training = self.trained()
            self.tell(f"day {number}", (start - midnight) // STEP, DAY // STEP)
            steps += self._step(start)
        self._post_until(midnight + DAY)
        self._training = self._nights.submit(self.train, self.workspace, False)
        return summary(number, steps, shifted=shifted, seconds=time.monotonic() - began, training=training)

    def trained(self) -> Training | None:
        """What became of the last training, waited for; None where there was none."""
        if self._training is None:
            return None
        self.tell("training", 0, 1)
        done, self._training = self._training.result(), None
        self._newest = self.workspace.current()
        return done

    def _step(self, start: int) -> Iterable[Step]:
        self._post_until(start)
        self._post(self.world.news(start, start + STEP))
        visits = self.world.visits(start, start + STEP)
        if not len(visits):
            return
        self._settle()
        slates = self.rivals.slates(visits, self._newest)
        answers = self.client.ask(requests(visits))
        decisions, shown = given(answers, self.rivals.frozen.design.slate.size)
        worths = worth(self.world, self.rivals.frozen, visits, slates | {LOOP: shown})
        outcomes = self.world.answer(visits, decisions, shown)
        self._pending = concat([self._pending, outcomes])
        kept = decisions != b""
        yield Step(
            visits.member[kept], [answer for answer in answers if answer is not None],
            {name: values[kept] for name, values in worths.items()}, int((~kept).sum()), len(outcomes),
        )  # fmt: skip

    def _post_until(self, ts: int) -> None:
        """Post what members did before `ts`; what goes on beyond it is not known yet."""
        self._post(self._pending.before(ts))
        self._pending = self._pending.between(ts, np.iinfo(np.int64).max)

    def _post(self, events: Events) -> None:
        if len(events):
            self.client.tell(events)

    def _settle(self) -> None:
        """Wait until the service has folded all that it acknowledged, so that everyone answers from the same state."""
        with self.workspace.log() as log:
            head = log.head()
        end = time.monotonic() + FOLDED_S
        while self.rivals.behind(head):
            if time.monotonic() > end:
                raise Unavailable(f"the service has not folded batch {head} of its log within {FOLDED_S} s")
            time.sleep(0.002)


def requests(visits: Visits) -> list[dict[str, object]]:
    """The bodies of the asks, each with its own ts in Unix seconds."""
    context = {name: column.astype(str).tolist() for name, column in visits.context.items()}
    return [
        {"member": member, "ts": ts / 1e6, "context": {name: values[row] for name, values in context.items()}}
        for row, (member, ts) in enumerate(zip(visits.member.astype(str).tolist(), visits.ts.tolist(), strict=True))
    ]


def given(answers: Sequence[Slate | None], size: int) -> tuple[Strings, Strings]:
    """The ids of decisions (n,) and of the items in their slates (n, size), b"" where there is none."""
    items = [[one.item.encode() for one in answer.items] if answer else [] for answer in answers]
    padded = [row + [b""] * (size - len(row)) for row in items]
    return np.array([answer.decision.encode() if answer else b"" for answer in answers]), np.array(padded)


def summary(number: int, steps: Sequence[Step], *, shifted: bool, seconds: float, training: Training | None) -> Day:
    """A day in numbers. Intervals are drawn by member: the requests of one are alike."""
    slates = [slate for step in steps for slate in step.slates]
    worths = {name: np.concatenate([step.worth[name] for step in steps]) for name in steps[0].worth}
    ahead = paired(
        mean.of(worths[LOOP]), mean.of(worths[FROZEN]), cluster=np.concatenate([step.member for step in steps]),
        rng=np.random.default_rng(number), replicates=1000,
    )  # fmt: skip
    propensity = np.array([one.propensity for slate in slates for one in slate.items], np.float64)
    return Day(
        day=number, shifted=shifted, requests=len(slates), unanswered=sum(step.unanswered for step in steps),
        degraded=sum(bool(slate.degraded) for slate in slates), outcomes=sum(step.outcomes for step in steps),
        explored=float((propensity < LIKELY).mean()),
        utility={name: float(values.mean()) for name, values in worths.items()},
        ahead=(ahead.value, ahead.low, ahead.high),
        releases=dict(Counter(slate.release for slate in slates)), seconds=seconds, training=training,
    )  # fmt: skip
