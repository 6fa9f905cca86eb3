"""A design from a file or from JSON, checked; an error says where, and the nearest word that there is."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from .design import Design
from .errors import DesignError, nearest
from .steps import Components, Estimate, Learning, Metrics, Problem, Requirements, Scale, Service, Slate, Split


def checked(design: Design) -> Design:
    """The design after a round trip through JSON, which checks every type; DesignError names the path."""
    try:
        return msgspec.json.decode(msgspec.json.encode(design), type=Design)
    except (msgspec.ValidationError, TypeError) as error:
        raise DesignError(f"design {getattr(design, 'name', '?')!r}: {_explained(str(error))}") from error


def from_json(data: bytes) -> Design:
    """The design that `to_json` wrote."""
    try:
        return msgspec.json.decode(data, type=Design)
    except msgspec.DecodeError as error:
        raise DesignError(f"design: {_explained(str(error))}") from error


def load(path: Path) -> Design:
    """The `design` that a Python file defines, checked. Raises DesignError with the line of a mistake."""
    if not path.exists():
        raise DesignError(
            f"there is no {path}; run 'sixfold new video --dir {path.parent}' or 'sixfold new --from FILES'"
        )
    scope: dict[str, object] = {"__file__": str(path), "__name__": "design"}
    try:
        exec(compile(path.read_text(), str(path), "exec"), scope)
    except DesignError:
        raise
    except Exception as error:
        raise DesignError(f"{path}:{_line_of(error, path)}: {_explained(str(error))}") from error
    design = scope.get("design")
    if not isinstance(design, Design):
        raise DesignError(f"{path} defines no `design`; end it with design = Design(...)")
    return checked(design)


def _line_of(error: BaseException, path: Path) -> int:
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _explained(message: str) -> str:
    """A message of Python's or msgspec's with the nearest known name added where it names an unknown one."""
    found = re.search(r"(?:argument|field|name) [`'](\w+)[`']", message)
    if found is None or not re.search(r"[Uu]nexpected|unknown|not defined", message):
        return message
    sections = (Design, Problem, Slate, Estimate, Metrics, Requirements, Learning, Split, Components, Service, Scale)
    known = {name for section in sections for name in section.__struct_fields__}
    return f"{message}; {nearest(found[1], known | set(_vocabulary()))}"


def _vocabulary() -> tuple[str, ...]:
    from . import language

    return tuple(language.__all__)
