"""Vectors in a bit and in a byte a coordinate, by which a scan tells what may be among the best before it reads the vectors.

What a scan costs is the reading of memory: of 64 numbers 256 bytes, 64 as bytes, 8 as signs.

*Bytes.* A product with bytes is off by at most `slack` |v| |q|, so that what falls short of the k-th best by more is not among
the best.

*Signs.* <signs(v), q> |v|^2 / <signs(v), v> estimates <v, q>, off by about 0.75 |v| |q| / sqrt(f) (Gao, Long 2024, "RaBitQ",
section 3; without its rotation, for what is learned spreads over the coordinates). By how much it falls short of the best is
measured on those who ask, and `margin` is what keeps nearly all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..native import kernels
from ..types import Arrays, Floats
from .fitted import array, check

KEPT = 0.998
"""The share of the best that a margin keeps at least, in the mean over those it is measured on."""
_FINEST, _LONGEST = 8191, 2_000
"""Steps of a query's coordinates on either side of 0: of two bytes, but few enough that sums of so many products fit in four."""
_BLOCK, _PLANES, _WORD = 32_768, 4, 64
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Coded:
    """codes (items, f) int8 times steps (items,) float32 are the vectors in bytes; signs (items, w) uint64, a bit a coordinate,
    times scales (items,) float32 hint at them. slack and margin as above, margin infinite where it was not measured."""

    codes: NDArray[np.int8]
    steps: Floats
    slack: float
    signs: NDArray[np.uint64]
    scales: Floats
    margin: float = np.inf

    @classmethod
    def of(cls, vectors: Floats, norms: Floats) -> Self:
        """The vectors (items, f) of these lengths (items,)."""
        items, factors = vectors.shape
        codes, steps = np.empty(vectors.shape, np.int8), np.empty(items, np.float32)
        signs, scales = np.empty((items, -(-factors // _WORD)), np.uint64), np.empty(items, np.float32)
        slack = 0.0
        for start in range(0, items, _BLOCK):
            rows = slice(start, start + _BLOCK)
            some, length = vectors[rows], norms[rows]
            steps[rows] = np.abs(some).max(axis=1, initial=0) / np.float32(127)
            codes[rows] = np.rint(some / np.maximum(steps[rows], _TINY)[:, None])
            off = np.linalg.norm(some - codes[rows] * steps[rows][:, None], axis=1)
            slack = max(slack, float((off / np.maximum(length, _TINY)).max(initial=0)))
            signs[rows] = _words(some > 0)
            scales[rows] = length**2 / np.maximum(np.abs(some).sum(axis=1), _TINY)
        return cls(codes, steps, slack, signs, scales)

    def measured(self, norms: Floats, asking: Floats, best: NDArray[np.intp], scores: Floats) -> Self:
        """The same with a margin by which the best (n, k) for the vectors (n, f) of some who ask, and their scores, are kept."""
        short = np.empty(best.shape)
        for vector, rows, each, row in zip(asking, best, scores, short, strict=True):
            hints = Hint.of(vector).products(self.signs[rows]) * self.scales[rows]
            row[:] = (each.min() - hints) / np.maximum(norms[rows] * np.linalg.norm(vector), _TINY)
        return replace(self, margin=max(float(np.quantile(short, KEPT)), 0.0))

    def asked(self, vector: Floats, norms: Floats) -> Asked | None:
        """What a query's vector (f,) asks, of vectors of lengths (items,) that fall; None where bytes cannot tell."""
        finest = float(np.abs(vector).max(initial=0)) / _FINEST
        if kernels is None or not np.isfinite(finest) or finest < _TINY or len(vector) > _LONGEST:
            return None
        rounded = np.rint(vector / finest).astype(np.int16)
        length, off = (float(np.linalg.norm(one)) for one in (vector, vector - rounded * finest))
        # The computed products are off by rounding as well: f + 2 products and sums each.
        rounding = 4 * (len(vector) + 2) * float(np.finfo(np.float32).eps) * length
        slack = self.slack * length + off * (1 + self.slack) + rounding
        hint = Hint.of(vector) if np.isfinite(self.margin) else None
        return Asked(self, norms, rounded, finest, slack, hint, self.margin * length)

    def to_arrays(self) -> Arrays:
        out = {"slack": np.array(self.slack)} | {
            name: getattr(self, name) for name in ("codes", "steps", "signs", "scales")
        }
        return out | ({"margin": np.array(self.margin)} if np.isfinite(self.margin) else {})

    @classmethod
    def from_arrays(cls, arrays: Arrays, items: int, factors: int) -> Self:
        steps, scales = (array(arrays, name, np.float32, (items,)) for name in ("steps", "scales"))
        slack = float(array(arrays, "slack", np.float64, ()))
        margin = float(array(arrays, "margin", np.float64, ())) if "margin" in arrays else np.inf
        check(bool((steps >= 0).all()), "steps", "at least 0")
        check(0 <= slack < 1, "slack", "at least 0 and below 1")
        check(margin >= 0, "margin", "at least 0")
        codes = array(arrays, "codes", np.int8, (items, factors))
        signs = array(arrays, "signs", np.uint64, (items, -(-factors // _WORD)))
        return cls(codes, steps, slack, signs, scales, margin)


@dataclass(frozen=True, slots=True)
class Hint:
    """A query of four bits a coordinate: planes (4, w) uint64 are those of its place between low and low + 15 step, offset its
    sum."""

    planes: NDArray[np.uint64]
    step: float
    low: float
    offset: float

    @classmethod
    def of(cls, vector: Floats) -> Self:
        low = float(vector.min(initial=0))
        step = (float(vector.max(initial=0)) - low) / (2**_PLANES - 1)
        place = np.rint((vector - low) / max(step, _TINY)).astype(np.int64)
        planes = np.stack([_words((place >> bit & 1).astype(bool)[None])[0] for bit in range(_PLANES)])
        return cls(planes, step, low, float(low * len(vector) + step * place.sum()))

    def products(self, signs: NDArray[np.uint64]) -> NDArray[np.float64]:
        """The product (n,) with signs (n, w), a bit set being 1 and any other -1."""
        met = sum(
            np.bitwise_count(signs & plane).sum(axis=1, dtype=np.int64) << bit for bit, plane in enumerate(self.planes)
        )
        every = np.bitwise_count(signs).sum(axis=1, dtype=np.int64)
        return np.asarray(2 * (self.step * met + self.low * every) - self.offset)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, ready to be asked of `coded`: its coordinates in steps of `finest`, and by what bytes and signs may fall short."""

    coded: Coded
    norms: Floats
    rounded: NDArray[np.int16]
    finest: float
    slack: float
    hint: Hint | None
    margin: float

    def near(self, block: slice, least: np.float32) -> NDArray[np.int64]:
        """The vectors of a block, by their place in it, that may score at least so much."""
        coded, hint, longest = self.coded, self.hint, float(self.norms[block.start])
        steps, some = coded.steps[block], -1
        out = np.empty(len(steps), np.int64)
        if hint is not None:
            some = kernels.hinted(
                coded.signs[block], coded.scales[block], hint.planes, hint.step, hint.low, hint.offset,
                float(least - self.margin * longest), out,
            )  # fmt: skip
        floor = float(least - self.slack * longest)
        return out[: kernels.near(coded.codes[block], steps, self.rounded, self.finest, floor, out, some)]


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits (n, f) in words (n, w), filled with zeros."""
    words = -(-bits.shape[1] // _WORD)
    padded = np.zeros((len(bits), words * _WORD), bool)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
