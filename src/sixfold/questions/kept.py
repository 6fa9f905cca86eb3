"""Answers beside the reports of a workspace, so that a report can show them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..errors import DataError
from .answer import Answer


def write(reports: Path, found: Answer) -> Path:
    """Keep an answer; it replaces an older one to the same question."""
    path = reports / f"ask-{found.question}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    return path


def read(reports: Path, design: str) -> list[Answer]:
    """The answers of a design of this name, by question. Raises DataError where a file is no answer."""
    found = []
    for path in sorted(reports.glob("ask-*.json")):
        try:
            answer = msgspec.json.decode(path.read_bytes(), type=Answer)
        except msgspec.DecodeError as error:
            raise DataError(f"{path} is no answer to a question ({error}); delete it and ask again") from error
        if answer.design == design:
            found.append(answer)
    return found
