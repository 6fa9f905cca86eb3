"""How well is a slate ordered, given what turned out to be relevant?

`judge` holds slates against relevant items; each metric then gives one value per request (n,), NaN
where the request has no relevant item, so that `kernel.mean` and `interval` take it from there.
A place without an item counts as not relevant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..types import Rows
from .kernel import Doubles

Numbers: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """The slates of n requests, of k places each, as a ranking metric sees them.

    gains (n, k) float64, the gain of the item in each place, 0 where it is not relevant or there is
    none; ideal (n, k) float64, the gains of the best slate there could be; relevant (n,) int64, how many
    relevant items there are, shown or not.
    """

    gains: Doubles
    ideal: Doubles
    relevant: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gains)


def judge(ids: Rows, *, request: ArrayLike, item: ArrayLike, gain: ArrayLike | None = None) -> Judged:
    """The slates ids (n, k), filled with -1, against the relevant items.

    request (m,) the row of ids, item (m,) and gain (m,), 1 unless given: the items relevant to each
    request, in any order. One that comes twice counts once, with its greatest gain; one of gain 0 is not
    relevant. An item outside the catalogue is relevant all the same: give it a number of its own.
    DataError where a number is out of range or a slate shows a relevant item twice.

    >>> judged = judge(np.array([[7, 3, 9]]), request=[0, 0, 0], item=[3, 4, 7], gain=[2, 3, 1])
    >>> judged.gains.tolist(), judged.ideal.tolist(), judged.relevant.tolist()
    ([[1.0, 2.0, 0.0]], [[3.0, 2.0, 1.0]], [3])
    """
    slates, owner, liked, worth = _checked(ids, request, item, gain)
    # One number per (request, item). The spare item of the stride is where the filler -1 lands.
    stride = 2 + max(liked.max(initial=0), slates.max(initial=0))
    order = np.lexsort((-worth, owner * stride + liked))
    key, first = np.unique((owner * stride + liked)[order], return_index=True)
    worth = worth[order][first]
    key, worth = key[worth > 0], worth[worth > 0]

    asked = np.arange(len(slates))[:, None] * stride + slates
    place = np.searchsorted(key, asked)
    gains = np.where(np.append(key, -2)[place] == asked, np.append(worth, 0)[place], 0)
    shown = np.bincount(place[gains > 0], minlength=len(key))
    if (shown > 1).any():
        row, twice = divmod(int(key[shown.argmax()]), int(stride))
        raise DataError(f"ids shows item {twice} in {shown.max()} places of row {row}; a slate holds an item once")
    owner = key // stride
    return Judged(gains, _ideal(owner, worth, shape=slates.shape), np.bincount(owner, minlength=len(slates)))


def ndcg(judged: Judged, *, at: int | None = None, gain: Literal["linear", "exponential"] = "linear") -> Doubles:
    """Discounted cumulative gain of the first `at` places over that of the ideal slate: 1 is ideal.

    Jarvelin and Kekalainen 2002 for the linear gain g, Burges et al. 2005 for the exponential 2^g - 1;
    meant for grades and not for seconds. The discount is 1 / log2(1 + place). One gain is used on both
    sides, or the ideal would not score 1.

    >>> ndcg(judge(np.array([[7, 3]]), request=[0, 0], item=[3, 7], gain=[2, 1])).round(4).tolist()
    [0.8597]
    """
    at = _places(judged, at)
    discount = 1 / np.log2(np.arange(2, at + 2))
    got, best = judged.gains[:, :at], judged.ideal[:, :at]
    if gain == "exponential":
        got, best = np.exp2(got) - 1, np.exp2(best) - 1
    return _share(got @ discount, best @ discount)


def average_precision(
    judged: Judged, *, at: int | None = None, over: Literal["relevant", "reachable"] = "relevant"
) -> Doubles:
    """The sum of the precision at the place of each relevant item shown, over the relevant items. Its mean is MAP.

    over="relevant" divides by all relevant items, as trec_eval does; "reachable" by at most `at` of
    them, so that a full slate of relevant items scores 1.
    """
    at = _places(judged, at)
    hits = judged.gains[:, :at] > 0
    precise = np.cumsum(hits, axis=1) / np.arange(1, at + 1)
    whole = judged.relevant if over == "relevant" else np.minimum(judged.relevant, at)
    return _share((hits * precise).sum(axis=1), whole)


def reciprocal_rank(judged: Judged, *, at: int | None = None) -> Doubles:
    """One over the place of the first relevant item, 0 where none of the first `at` is. Its mean is MRR."""
    hits = judged.gains[:, : _places(judged, at)] > 0
    return _where_relevant(judged, hits.any(axis=1) / (1 + hits.argmax(axis=1)))


def recall(judged: Judged, *, at: int | None = None) -> Doubles:
    """The share of all relevant items that are in the first `at` places."""
    return _share(_hits(judged, at), judged.relevant)


def precision(judged: Judged, *, at: int | None = None) -> Doubles:
    """The share of the first `at` places that hold a relevant item; an empty place does not."""
    return _where_relevant(judged, _hits(judged, at) / _places(judged, at))


def hit_rate(judged: Judged, *, at: int | None = None) -> Doubles:
    """1 where any of the first `at` places holds a relevant item, else 0."""
    return _where_relevant(judged, _hits(judged, at) > 0)


def _places(judged: Judged, at: int | None) -> int:
    places = judged.gains.shape[1]
    if at is not None and not 1 <= at <= places:
        raise DataError(f"at is {at} but the slates have {places} places; ask for 1 to {places}, or for longer slates")
    return places if at is None else at


def _hits(judged: Judged, at: int | None) -> NDArray[np.int64]:
    hits: NDArray[np.int64] = (judged.gains[:, : _places(judged, at)] > 0).sum(axis=1)
    return hits


def _share(part: Numbers, whole: Numbers) -> Doubles:
    out: Doubles = np.full(len(part), np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)


def _where_relevant(judged: Judged, values: Numbers) -> Doubles:
    return np.where(judged.relevant > 0, values, np.nan)


def _ideal(owner: NDArray[np.int64], gain: Doubles, *, shape: tuple[int, ...]) -> Doubles:
    """The gains of each owner, greatest first, in as many places as shape (n, k) has."""
    order = np.lexsort((-gain, owner))
    owner, gain = owner[order], gain[order]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    fits = place < shape[1]
    ideal = np.zeros(shape)
    ideal[owner[fits], place[fits]] = gain[fits]
    return ideal


def _checked(
    ids: Rows, request: ArrayLike, item: ArrayLike, gain: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Doubles]:
    slates = np.asarray(ids, dtype=np.int64)
    owner, liked = np.asarray(request, dtype=np.int64), np.asarray(item, dtype=np.int64)
    worth = np.ones(len(owner)) if gain is None else np.asarray(gain, dtype=np.float64)
    if slates.ndim != 2:
        raise DataError(f"ids has shape {slates.shape}, expected (requests, places): give one slate for each row")
    if not owner.shape == liked.shape == worth.shape == (owner.size,):
        raise DataError(
            f"request, item and gain have shapes {owner.shape}, {liked.shape} and {worth.shape}; "
            "give one of each for every relevant item"
        )
    for name, values, low, high in (
        ("ids", slates, -1, np.inf),
        ("request", owner, 0, len(slates) - 1),
        ("item", liked, 0, np.inf),
        ("gain", worth, 0, 1e300),
    ):
        odd = values[~((values >= low) & (values <= high))]
        if len(odd):
            raise DataError(f"{name} is {odd[0]} in a row; expected {low} to {high:g}")
    return slates, owner, liked, worth
