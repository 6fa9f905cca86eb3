"""The log of a workspace of orders for the peer `glued_times`, and the peer as a process."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sixfold.events.schema import concat
from sixfold.features.spec import CONTEXT
from sixfold.scaling.served import free_port
from sixfold.training.estimates import Spans
from sixfold.training.material import Material
from sixfold.types import SECOND
from sixfold.workspace import Workspace

from . import stacks

OUTCOMES = ("picked_up", "arrived", "dropoff", "delivered", "cancelled")


@dataclass(frozen=True)
class Peer:
    """The peer over an exported log; `python` is the interpreter that has its packages."""

    python: str
    folder: Path

    def build(self) -> None:
        """Make its features of every order and fit its boosters."""
        command = [self.python, "-m", "benchmarks.peers.glued_times", "build", str(self.folder)]
        subprocess.run(command, cwd=stacks.ROOT, check=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[str, int]]:
        """Started and answering; gives its URL and its process."""
        port, said = free_port(), self.folder / "glued.log"
        command = [self.python, "-m", "benchmarks.peers.glued_times", "serve", str(self.folder), "--port", str(port)]
        with stacks.started(command, said) as process:
            end = time.monotonic() + stacks.READY_S
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"the peer does not answer:\n{said.read_text()[-2000:]}")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", process.pid


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1).close()
    except OSError:
        return False
    return True


def export(workspace: Workspace, material: Material, spans: Spans, folder: Path) -> None:
    """Write log.npz: orders by time, stores, outcomes, and which orders to learn from and to be judged on."""
    events = concat(list(workspace.batches()))
    decisions, store = events.decisions, events.entities["store"]
    order = np.argsort(decisions["ts"], kind="stable")
    place = {id: row for row, id in enumerate(decisions["id"][order].tolist())}
    keys = {key: row for row, key in enumerate(store["key"].tolist())}
    last = max(int(table["ts"].max()) for table in (decisions, *events.outcomes.values()))
    out: dict[str, NDArray[np.generic]] = {
        "orders:ts": decisions["ts"][order] / SECOND,
        "orders:store": np.array([keys[key] for key in decisions["store"][order].tolist()]),
        "stores:name": store["key"].astype(str),
        "stores:cuisine": np.unique(store["cuisine"], return_inverse=True)[1],
        "end": np.array(last / SECOND),
    }
    out |= {f"stores:{name}": store[name] for name in ("lat", "lon", "price", "opened", "capacity")}
    said = (name for name in decisions if name.startswith(CONTEXT))
    out |= {f"orders:{name.removeprefix(CONTEXT)}": decisions[name][order] for name in said}
    for name in OUTCOMES:
        table = events.outcomes[name]
        of = np.array([place[one] for one in table["decision"].tolist()])
        out |= {f"{name}:ts": table["ts"] / SECOND, f"{name}:order": of, f"{name}:value": table["value"]}
    held = material.log.decisions
    hashes = held["id"][np.argsort(held["ts"], kind="stable")]
    learned = np.concatenate([spans.training.decision, spans.calibrating.decision])
    out |= {"train": np.flatnonzero(np.isin(hashes, learned))}
    out |= {"test": np.flatnonzero(np.isin(hashes, spans.test.decision))}
    np.savez(folder / "log.npz", **out)  # type: ignore[arg-type]
