"""The systems that ship: each file is one `Design` and nothing else, and `sixfold new NAME` copies it for the user to edit.

A further system is one more file here, and one line in `NAMES`.
"""

from __future__ import annotations

from pathlib import Path

NAMES = ("video", "delivery")


def source(name: str) -> str:
    """The text of a system's design file."""
    return (Path(__file__).parent / f"{name}.py").read_text()
