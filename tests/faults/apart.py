"""A process of its own for what starts threads: a fork of one that has them, as Polars does, may stand still for ever."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.dying", "sixfold.events.retention", "sixfold.forgetting", "polars"])


def apart(work: Callable[..., Any], *args: object) -> Any:
    """What some work gives, done in a fresh process; None where it ended with no answer, as one that was killed."""
    here, there = _CONTEXT.Pipe(duplex=False)
    child = _CONTEXT.Process(target=_answer, args=(there, work, args))
    child.start()
    there.close()
    try:
        fine, found = here.recv()
    except EOFError:
        fine, found = True, None
    child.join()
    assert fine, found
    return found


def _answer(to: Any, work: Callable[..., Any], args: tuple[object, ...]) -> None:
    try:
        to.send((True, work(*args)))
    except Exception:
        to.send((False, traceback.format_exc()))
