"""Sixfold turns a machine-learning system design into a running, measured system.

    import sixfold as sf

    design = sf.load_design("my-video/design.py")
    release = sf.train(design, sf.open_log("my-video"))
    sf.evaluate(release, sf.open_log("my-video"))

The words of a design are in `sixfold.language`. Read the code in this order: `types`, `events`, `metrics`, `features`,
`retrieval`, `ranking`, `policy`, `design`, `pipeline`, `release`, `training`, `evaluation`, `journey`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .notebook import evaluate, load_design, open_log, recommend, train

__all__ = ["evaluate", "load_design", "open_log", "recommend", "train"]


def __getattr__(name: str) -> Any:
    # Imported when asked for, so that `sixfold --help` and the service do not pay for it.
    if name in __all__:
        from . import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'sixfold' has no attribute {name!r}")
