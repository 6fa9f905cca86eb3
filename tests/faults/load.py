"""Clients that go on whatever happens to the service, and remember what they were told."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tests.either import SLATES, System
from tests.serving.running import Running

BATCH = 40
AGAIN_S = 0.02
"""Before what was refused is sent again."""
DYING_S = 0.1
"""A process that was killed keeps its sockets until the kernel has taken it apart."""
BETWEEN_S = 0.004
"""Between two requests for a decision."""
NDJSON = "application/x-ndjson"


@dataclass
class Feed:
    """Posts batches one after the other. A batch that was not acknowledged is sent again, every other time only."""

    service: Running
    mark: str
    seed: int = 0
    system: System = SLATES
    acknowledged: set[str] = field(default_factory=set)
    sent: int = 0
    again: int = 0
    refused: list[int] = field(default_factory=list)
    """Statuses of batches that were refused; 0 where the connection broke."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Feed:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = np.random.default_rng(self.seed)
        for number in itertools.count():
            if self._stop.is_set():
                return
            events = self.system.events(f"{self.mark}-{number}", rng, BATCH)
            if not self._post(events) and number % 2:
                self.again += 1
                while not self._stop.wait(AGAIN_S) and not self._post(events):
                    pass

    def _post(self, events: list[dict[str, Any]]) -> bool:
        body = "\n".join(map(json.dumps, events)).encode()
        self.sent += 1
        try:
            status, answer = self.service.ask("POST", "/v1/events", body, NDJSON)
        except (OSError, http.client.HTTPException):
            self.refused.append(0)
            return False
        if status != 200:
            self.refused.append(status)
            return False
        assert answer["accepted"] + answer["duplicates"] == len(events), answer
        self.acknowledged.update(event["id"] for event in events)
        return True


@dataclass(frozen=True)
class Asked:
    """One request for a decision: seconds of `time.monotonic`, and "ok", the code of the refusal, or "none"."""

    began: float
    ended: float
    answer: str


@dataclass
class Asking:
    """Asks for decisions, one after the other, each on a connection of its own."""

    service: Running
    system: System = SLATES
    asked: list[Asked] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Asking:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in itertools.count():
            if self._stop.wait(BETWEEN_S):
                return
            began, answer = time.monotonic(), "none"
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, given = self.service.ask("POST", self.system.path, self.system.body(number))
                answer = "ok" if status == 200 else given["error"]["code"]
            self.asked.append(Asked(began, time.monotonic(), answer))

    def failed(self, *, but_at: Sequence[float] = ()) -> list[Asked]:
        """Requests that got no decision, but for those under way at one of these moments.

        One that was shed was answered, too: the machine that runs tests is a busy one.
        """
        return [
            one for one in self.asked
            if one.answer not in ("ok", "overloaded") and not any(one.began - DYING_S <= at <= one.ended for at in but_at)
        ]  # fmt: skip
