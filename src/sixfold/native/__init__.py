"""The inner loops of a request in C (`kernels.c`), where they were compiled when Sixfold was installed.

`kernels` is None where there was no compiler, or where SIXFOLD_NATIVE=0 asks for NumPy alone: then a few lines of NumPy beside
each use do the same, 3 to 15 times as slowly. What both give is equal by test.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import _kernels as kernels
else:
    kernels: ModuleType | None = None
    if os.environ.get("SIXFOLD_NATIVE") != "0":
        try:
            from . import _kernels as kernels
        except ImportError:
            kernels = None
