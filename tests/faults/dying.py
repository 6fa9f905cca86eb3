"""A process that ends at a given line, with nothing tidied up: kill -9 where chance would seldom hit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def dies_at(step: int, files: tuple[str, ...], work: Callable[[], object]) -> bool:
    """Do some work in a child that ends before its step-th line in these files; False where it came through.

    An exception in the child is one in the test.
    """
    child = os.fork()
    if child == 0:
        _be_killed(step, files, work)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), f"the child ended with {code}; its traceback is above"
    return code == 9


def steps(stride: int, files: tuple[str, ...], attempt: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """Every stride-th step at which the work of a fresh attempt was cut short; ends with the first that came through.

    `attempt` makes everything ready and gives the work.
    """
    step = 0
    while dies_at(step, files, attempt()):
        yield step
        step += stride


def _be_killed(step: int, files: tuple[str, ...], work: Callable[[], object]) -> None:
    left = step

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event == "line":
            if left == 0:
                os._exit(9)
            left -= 1
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if frame.f_code.co_filename.endswith(files) else None

    code = 1
    try:
        sys.settrace(call)
        work()
        sys.settrace(None)
        code = 0
    except BaseException:
        sys.settrace(None)
        import traceback

        traceback.print_exc()
    finally:
        sys.settrace(None)
        os._exit(code)
