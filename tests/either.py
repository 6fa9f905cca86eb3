"""What tests of the services need to know of a system: one that makes slates, and one that estimates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sixfold.workspace import Workspace

FIXTURES = ("tiny", "timed")
"""The fixtures of a workspace each; a test that is parametrised over them holds of both."""
KNOWN = 150


def watches(mark: str, rng: np.random.Generator, n: int = 40) -> list[dict[str, Any]]:
    """n outcomes with ids of their own, of members and videos both known and new."""
    who, what = rng.integers(0, KNOWN, n).tolist(), rng.integers(0, 260, n).tolist()
    ts, value = time.time(), rng.integers(1, 900, n).tolist()
    return [
        {"kind": "outcome", "id": f"{mark}-{row}", "name": "watch", "ts": ts - row, "value": value[row],
         "keys": {"member": f"m{who[row]}", "video": f"v{what[row]}"}}
        for row in range(n)
    ]  # fmt: skip


def statuses(mark: str, rng: np.random.Generator, n: int = 40) -> list[dict[str, Any]]:
    """n status events of orders that may have been asked for, in no order, some again, some after the end."""
    order, name = rng.integers(0, KNOWN, n).tolist(), rng.choice(["picked_up", "arrived", "dropoff", "delivered"], n)
    ts, value = time.time(), rng.integers(1, 900, n).tolist()
    return [
        {"kind": "outcome", "id": f"{mark}-{row}", "name": str(name[row]), "ts": ts - row, "value": value[row],
         "decision": f"order-k{order[row]}", "keys": {"order": f"k{order[row]}", "store": f"s{order[row] % 40}"}}
        for row in range(n)
    ]  # fmt: skip


def of_slate(number: int) -> dict[str, Any]:
    return {"member": f"m{number % KNOWN}", "k": 5}


def of_estimate(number: int) -> dict[str, Any]:
    context = {"store": f"s{number % 40}", "drop": [52.37, 4.89 + 0.0001 * number], "items": number % 7}
    return {"context": context, "order": f"k{number % KNOWN}"}


@dataclass(frozen=True)
class System:
    """Where decisions are asked for and with what, by a running number; and events that come back."""

    path: str
    body: Callable[[int], dict[str, Any]]
    events: Callable[[str, np.random.Generator, int], list[dict[str, Any]]]


SLATES = System("/v1/recommend", of_slate, watches)
ESTIMATES = System("/v1/estimate", of_estimate, statuses)


def system(workspace: Workspace) -> System:
    """That of a workspace."""
    return ESTIMATES if workspace.design.estimates else SLATES
