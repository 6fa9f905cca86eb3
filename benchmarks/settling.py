"""How fast a log settles and is read back, and what that costs: `python benchmarks/settling.py [events]` (default 5 million).

Organic outcomes with random ids over ten days, in batches of 20 000, as a day's worth each of a busy service.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sixfold.events.log import EventLog
from sixfold.events.schema import Events
from sixfold.events.settling import settle
from sixfold.types import DAY, SECOND

BATCH = 20_000
START = 1_700_000_000 * SECOND


def batches(events: int, rng: np.random.Generator) -> Iterator[Events]:
    for first in range(0, events, BATCH):
        n = min(BATCH, events - first)
        ids = rng.integers(0, 2**63, n)
        table = {
            "id": np.char.mod(b"%016x", ids), "ts": START + 10 * DAY * first // events + np.arange(n),
            "decision": np.zeros(n, "S1"), "value": rng.integers(0, 600, n).astype(np.float64),
            "member": np.char.mod(b"m%d", rng.integers(0, 1_000_000, n)),
            "video": np.char.mod(b"v%d", rng.zipf(1.3, n) % 100_000),
        }  # fmt: skip
        yield Events(outcomes={"watch": table})


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def ids_mb(log: EventLog) -> float:
    return sum(ids.nbytes + contents.nbytes for ids, contents in log._index()._runs) / 1e6


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def timed(what: str, events: int, began: float) -> None:
    took = time.perf_counter() - began
    print(f"{what:<44} {took:7.1f} s {events / took:12,.0f} events/s   peak {rss_mb():,.0f} MB", flush=True)


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "log.sqlite"
        now = START
        with EventLog(path, clock=lambda: now) as log:
            appending = 0.0
            for batch in batches(events, np.random.default_rng(0)):
                began = time.perf_counter()
                log.append(batch)
                appending += time.perf_counter() - began
            timed("append", events, time.perf_counter() - appending)
        print(f"log {size_mb(folder):,.0f} MB")
        with EventLog(path) as log:
            began = time.perf_counter()
            assert sum(len(batch) for _, batch in log.read()) == events
            timed("read, not settled", events, began)
        with EventLog(path, clock=lambda: now) as log:
            began = time.perf_counter()
            print(settle(log, now=now + 3 * DAY))
            timed("settle, ids stay", events, began)
            began = time.perf_counter()
            assert sum(len(batch) for _, batch in log.read()) == events
            timed("read, settled", events, began)
            print(f"ids in memory {ids_mb(log):,.0f} MB; all files {size_mb(folder):,.0f} MB")
        with EventLog(path, clock=lambda: now) as log:
            began = time.perf_counter()
            log.hold()
            timed("open to write (check)", events, began)
            began = time.perf_counter()
            print(settle(log, now=now + 30 * DAY))
            timed("let ids go", events, began)
            print(f"ids in memory {ids_mb(log):,.0f} MB; all files {size_mb(folder):,.0f} MB")
            now += 30 * DAY
            for number, batch in enumerate(batches(events, np.random.default_rng(0))):
                if number % 10 == 0:
                    log.append(batch)
            began = time.perf_counter()
            done = settle(log, now=now + 3 * DAY)
            timed(f"settle {done.duplicates:,} events that came again", events // 10, began)
            assert len(log) == events


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
