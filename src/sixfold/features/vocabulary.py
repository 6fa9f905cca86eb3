"""What a log's columns look like: the most frequent values of a category, the centre and scale of vectors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes, hash_strings
from ..events.schema import SEP
from ..types import Floats


def centred(vectors: Floats) -> list[list[float]]:
    """The mean of vectors (n, d), and one over their spread, by dimension; 0 and 1 where there are none."""
    found = vectors[~np.isnan(vectors).any(axis=1)].astype(np.float64)
    if not len(found):
        return [[0.0] * vectors.shape[1], [1.0] * vectors.shape[1]]
    spread = found.std(axis=0)
    scale = np.divide(1, spread, out=np.zeros(len(spread)), where=spread > 0)
    return [found.mean(axis=0).astype(np.float32).tolist(), scale.astype(np.float32).tolist()]


def frequent(column: NDArray[np.bytes_], top: int) -> tuple[list[int], list[str]]:
    """The `top` most frequent members of a category, most frequent first, as hashes and as text."""
    distinct, counts = np.unique(column[column != b""], return_counts=True)
    tally: dict[bytes, int] = {}
    for value, n in zip(distinct.tolist(), counts.tolist(), strict=True):
        for member in value.split(SEP):
            tally[member] = tally.get(member, 0) + n
    best = sorted(tally, key=lambda member: (-tally[member], member))[:top]
    hashes = hash_strings(np.array(best)).tolist() if best else []
    return hashes, [member.decode() for member in best]


def frequent_hashes(column: Hashes, texts: Mapping[int, bytes], top: int) -> tuple[list[int], list[str]]:
    """The same of a column that is hashed already, with the text of each hash."""
    distinct, counts = np.unique(column[column != 0], return_counts=True)
    order = sorted(zip((-counts).tolist(), distinct.tolist(), strict=True), key=lambda pair: (pair[0], texts[pair[1]]))
    best = [value for _, value in order[:top]]
    return best, [texts[value].decode() for value in best]
