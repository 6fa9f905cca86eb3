"""Every retriever there is: the union a design may name, and which fitted value each spec gives."""

from __future__ import annotations

from typing import Any

from .als import ALS, ALSFitted
from .ease import EASE, EASEFitted
from .itemitem import ItemItem, ItemItemFitted
from .popular import Popular, PopularFitted, Recent, RecentFitted

_FITTED: dict[type, Any] = {
    ALS: ALSFitted,
    EASE: EASEFitted,
    ItemItem: ItemItemFitted,
    Popular: PopularFitted,
    Recent: RecentFitted,
}


def fitted_type(spec: object) -> Any:
    """The class whose `from_arrays` reads what this spec's `fit` gave."""
    return _FITTED[type(spec)]
