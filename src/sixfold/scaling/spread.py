"""One load from several processes, where one core is not enough to make it."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier

from .load import Load, joined
from .play import run_all
from .wire import Stream

_barrier: Barrier | None = None


def spread(url: str, stream: Stream, *, processes: int, timeout_s: float = 5.0) -> Load:
    """Play a stream from so many processes, each with every so-maniest request and its share of the connections."""
    context = multiprocessing.get_context("spawn")
    count = len(stream.requests)
    parts = [
        Stream(
            [stream.requests[row % count] for row in range(at, len(stream.due), processes)] or stream.requests[:1],
            stream.due[at::processes],
            -(-stream.connections // processes),
        )
        for at in range(processes)
    ]
    with context.Pool(processes, _begin, (context.Barrier(processes),)) as pool:
        return joined(pool.starmap(_play, [(url, part, timeout_s) for part in parts], chunksize=1))


def _begin(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _play(url: str, part: Stream, timeout_s: float) -> Load:
    assert _barrier is not None
    # Starting a process takes longer than playing may: all begin when the last one can.
    _barrier.wait()
    return run_all(url, [part], timeout_s=timeout_s)[0]
