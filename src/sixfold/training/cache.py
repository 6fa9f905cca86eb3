"""Stages kept by content: what a stage gives is stored under a hash of its spec, its inputs and the code.

Changing the negatives of a design then recomputes no features. A key never names a time or a path.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from ..types import Arrays


class Cache:
    """Arrays by content, in a folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def through(self, stage: str, parts: object, compute: Callable[[], Arrays]) -> Arrays:
        """The arrays of a stage whose inputs are `parts` (anything msgspec can encode): kept ones, or computed."""
        if self._folder is None:
            return compute()
        path = self._folder / f"{stage}-{key(stage, parts)}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        arrays = compute()
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(fresh, allow_pickle=False, **arrays)
        fresh.replace(path)
        return arrays


def key(stage: str, parts: object) -> str:
    """The name of a stage's result: 16 hexadecimal digits of SHA-256."""
    digest = hashlib.sha256(_code())
    digest.update(stage.encode())
    digest.update(msgspec.json.encode(parts, order="deterministic"))
    return digest.hexdigest()[:16]


@cache
def _code() -> bytes:
    """A digest of Sixfold's own code: a kernel that is changed makes what it gave before stale."""
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for room in ("events", "features", "retrieval", "ranking", "training"):
        for path in sorted((root / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()
