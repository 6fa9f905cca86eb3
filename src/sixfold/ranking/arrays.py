"""Reading one array of a release: it has the shape, kind and numbers it should, or is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ReleaseError
from ..types import Arrays


def read(arrays: Arrays, name: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """The array `name`, contiguous, of exactly `dtype` and of `shape` (None: any length).

    Raises ReleaseError where it is missing, differs or holds a NaN.
    """
    if name not in arrays:
        raise refused(name, "is missing")
    found = arrays[name]
    if found.dtype != np.dtype(dtype):
        raise refused(name, f"holds {found.dtype}, expected {np.dtype(dtype)}")
    if found.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, found.shape, strict=True)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise refused(name, f"has shape {found.shape}, expected ({wanted})")
    if found.dtype.kind == "f" and np.isnan(found).any():
        raise refused(name, f"holds {int(np.isnan(found).sum())} NaN")
    return np.ascontiguousarray(found).reshape(found.shape)


def need(ok: NDArray[np.bool_], values: NDArray[Any], name: str, expected: str) -> None:
    """Raises ReleaseError naming the first of `values` that is not ok, and where it stands."""
    if not ok.all():
        at = tuple(int(i) for i in np.argwhere(~ok)[0])
        raise refused(f"{name}{list(at)}", f"is {values[at]}, expected {expected}")


def refused(name: str, wrong: str) -> ReleaseError:
    """The error for a damaged array."""
    return ReleaseError(f"array {name} {wrong}; the release is damaged: copy it again or publish a new one")
