from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def pairs(first: Array, second: Array, out: Array, n: int, /) -> None:
    """Write the hash of each pair of first (n, a) and second (n, b), all uint64, to out (n, a * b); 0 where either is 0."""

def lookup(keys: Array, rows: Array, hashes: Array, out: Array, /) -> None:
    """Write the row of each hash (n,) uint64 to out (n,) int32, -1 where the table of keys (s,) uint64 and rows (s,) int32
    lacks it."""

def totals(held: Array, cells: Array, ts: Array, layout: Array, rates: Array, out: Array, /) -> None:
    """Write every accumulator (a, n) float64 of rows as of ts (n,) int64, each the sum of its cells (n, m) int32 of `held`.

    layout and rates are those of `features.record.Record`.
    """

def forest(columns: Array, features: Array, borders: Array, leaves: Array, out: Array, n: int, depth: int, /) -> None:
    """Write the sums (h, n) float64 of the trees of a `FittedForest` over columns (f, n) float32."""

def near(codes: Array, steps: Array, query: Array, scale: float, least: float, out: Array, some: int, /) -> int:
    """Which of codes (n, f) int8 times steps (n,) float32 have a product of `least` or more with query (f,) int16 times scale:
    their numbers go to the beginning of out (n,) int64. Only the first `some` that out names are looked at, all where that is
    negative; gives how many there are."""

def hinted(
    signs: Array, scales: Array, planes: Array, step: float, low: float, offset: float, least: float, out: Array, /
) -> int:
    """Which of signs (n, w) uint64 times scales (n,) float32 have a product of `least` or more with a query of which planes
    (4, w) hold the bits of each coordinate's place between low and low + 15 step, and offset the sum: as `near` says it."""
