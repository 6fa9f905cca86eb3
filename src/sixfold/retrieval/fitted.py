"""Checks on the arrays of a release before a fitted retriever is made of them.

A damaged file is refused here, with the name of the array, before it can index out of bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReleaseError
from ..types import Arrays, Rows


def check(holds: bool, name: str, expected: str) -> None:
    """Raises ReleaseError unless what was expected of the array holds."""
    if not holds:
        raise ReleaseError(f"the retriever's array {name!r} is not {expected}; publish the release again")


def array(arrays: Arrays, name: str, dtype: type[np.generic], shape: tuple[int | None, ...]) -> NDArray[Any]:
    """The array of that name, of exactly this dtype and shape, all finite; None stands for any length."""
    found = arrays.get(name)
    sizes = " x ".join("n" if size is None else str(size) for size in shape) or "single"
    expected = f"a {sizes} array of {np.dtype(dtype)}"
    check(found is not None and found.dtype == dtype and found.ndim == len(shape), name, expected)
    assert found is not None
    check(all(size in (None, length) for size, length in zip(shape, found.shape, strict=True)), name, expected)
    check(bool(np.isfinite(found).all()), name, "made of finite numbers")
    return found


def ascending(arrays: Arrays, name: str) -> Rows:
    """A 1-d array of catalogue rows that ascend strictly, as `index.dense` wants them."""
    rows: Rows = array(arrays, name, np.int32, (None,))
    check(bool((rows[:1] >= 0).all() and (np.diff(rows) > 0).all()), name, "ascending rows")
    return rows


def below(rows: Rows, bound: int, name: str) -> None:
    """Raises ReleaseError where a row is outside [-1, bound)."""
    check(bool(((rows >= -1) & (rows < bound)).all()), name, f"made of rows below {bound}")
