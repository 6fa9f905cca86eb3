"""Which few hundred items, out of millions, are worth scoring for this request?

A retriever is a frozen spec with `fit(interactions, born, rng)`; what it returns answers a batch of
queries with `retrieve(queries, k)` and is made of plain arrays, so that a release can hold it. A
member is never a row of a model: members are known by their history alone, given with each query,
so a new member is served like an old one and a new watch counts at once.

Read next: index.py (the exact top k), popular.py, ease.py, itemitem.py, als.py with norms.py, merge.py.
"""

from __future__ import annotations

from .als import ALS
from .ease import EASE
from .itemitem import ItemItem
from .popular import Popular, Recent

__all__ = ["ALS", "EASE", "ItemItem", "Popular", "Recent", "Retriever"]

Retriever = Popular | Recent | ItemItem | EASE | ALS
"""Any retriever's spec, as a design names it."""
