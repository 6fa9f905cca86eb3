"""How a service is doing, over all its workers: each leaves its counts in a file every second, any of them adds them up."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from . import telemetry
from .messages import Degraded, Stage, Status
from .telemetry import Snapshot, Telemetry

if TYPE_CHECKING:
    from .service import Service

STALE_S = 10
"""A file that was not renewed for so long is of a worker that is gone."""


def publish(run: Path, own: Telemetry) -> None:
    """Leave this process' counts where the others find them."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / f"{os.getpid()}.json"
    fresh = path.with_suffix(".part")
    fresh.write_bytes(msgspec.json.encode(own.snapshot()))
    fresh.replace(path)


def together(run: Path, own: Telemetry) -> Snapshot:
    """The counts of all processes of the service, this one's as they are now."""
    found = [own.snapshot()]
    for path in sorted(run.glob("*.json")):
        if path.stem == str(os.getpid()):
            continue
        try:
            if time.time() - path.stat().st_mtime < STALE_S:
                found.append(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
        except (OSError, msgspec.DecodeError):
            continue
    return telemetry.merge(found)


def exposed(run: Path, own: Telemetry) -> bytes:
    """What /metrics answers."""
    return telemetry.exposition(together(run, own))


def status(service: Service) -> Status:
    """What /v1/status answers."""
    release, uptime = service.engine.release, time.monotonic() - service.started
    every = together(service.run, service.telemetry)
    requests = _histograms(every, "sixfold_http_seconds").get(("/v1/recommend",))
    stages = _histograms(every, "sixfold_stage_seconds")
    fallbacks = _series(every, "sixfold_fallbacks_total")
    lag = _histograms(every, "sixfold_fold_seconds").get(())
    return Status(
        design=release.design.name,
        release=release.id,
        release_age_s=max((service.clock.now() - release.manifest.cuts.end) / 1e6, 0),
        uptime_s=uptime,
        per_s=_count(requests) / max(uptime, 1e-9),
        p50_ms=_ms(requests, 0.5),
        p99_ms=_ms(requests, 0.99),
        shed=int(sum(_series(every, "sixfold_shed_total").values())),
        event_lag_s=None if lag is None else telemetry.quantile(*lag, 0.99),
        stages=[
            Stage(
                name=stage,
                deadline_ms=1e3 * service.rungs[stage].deadline_s if stage in service.rungs else None,
                per_s=_count(held) / max(uptime, 1e-9),
                p50_ms=_ms(held, 0.5),
                p99_ms=_ms(held, 0.99),
                fallbacks=int(sum(count for labels, count in fallbacks.items() if labels[0] == stage)),
            )
            for (stage,), held in stages.items()
        ],
        degraded=[] if service.link is None or service.link.up else [_WRITER_AWAY],
    )


_WRITER_AWAY = Degraded("writer", "the state as it was", "the writer is away")

Histogram = tuple[Sequence[float], Sequence[int]]
"""Upper bounds of buckets, and how many fell into each."""


def _series(every: Snapshot, name: str) -> dict[tuple[str, ...], Any]:
    return {tuple(values): value for values, value in every.get(name, {"series": []})["series"]}


def _histograms(every: Snapshot, name: str) -> dict[tuple[str, ...], Histogram]:
    return {labels: (every[name]["bounds"], value[0]) for labels, value in _series(every, name).items()}


def _count(held: Histogram | None) -> int:
    return 0 if held is None else sum(held[1])


def _ms(held: Histogram | None, q: float) -> float | None:
    found = None if held is None else telemetry.quantile(*held, q)
    return None if found is None else 1e3 * found
