"""Newton's method for linear models: least squares in one step, logistic regression in a few."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..types import Floats
from .links import sigmoid

Doubles = NDArray[np.float64]

BLOCK = 1 << 16
"""Rows widened to float64 at a time, so that fitting needs little more than the float32 table."""


class _Terms(NamedTuple):
    """The penalised loss at a point, its gradient (p,) and its curvature (p, p)."""

    loss: float
    gradient: Doubles
    curvature: Doubles


def minimise(columns: Floats, labels: Doubles, weights: Floats, *, ridge: Doubles, logistic: bool) -> Doubles:
    """The coefficients (p,) of `columns` (n, p) that minimise sum(w * loss) + sum(ridge * b^2) / 2.

    The loss is the log loss of labels in [0, 1], or half the squared error; ridge (p,) is 0 for a
    column that is not to be shrunk. This is iteratively reweighted least squares (Nelder and
    Wedderburn 1972), with the step halved while it does not lower the loss. Raises DataError where
    100 steps do not reach a minimum.
    """
    point = np.zeros(columns.shape[1])
    here = _terms(columns, labels, weights, point, ridge, logistic)
    for _ in range(100):
        step = np.asarray(np.linalg.lstsq(here.curvature, here.gradient, rcond=None)[0], np.float64)
        gain = float(here.gradient @ step) / 2
        if gain <= 1e-12 * max(here.loss, 1.0):
            return point
        point, here = _descend(columns, labels, weights, point, step, here, ridge, logistic)
    raise DataError("the linear fit did not converge in 100 steps; look for features of extreme scale or raise l2")


def _descend(
    columns: Floats,
    labels: Doubles,
    weights: Floats,
    point: Doubles,
    step: Doubles,
    here: _Terms,
    ridge: Doubles,
    logistic: bool,
) -> tuple[Doubles, _Terms]:
    for halvings in range(30):
        there = point - step * 0.5**halvings
        terms = _terms(columns, labels, weights, there, ridge, logistic)
        if terms.loss <= here.loss:
            break
    return there, terms


def _terms(columns: Floats, labels: Doubles, weights: Floats, point: Doubles, ridge: Doubles, logistic: bool) -> _Terms:
    loss, gradient, curvature = float(ridge @ point**2) / 2, ridge * point, np.diag(ridge)
    for start in range(0, len(columns), BLOCK):
        part = slice(start, start + BLOCK)
        x, y, w = columns[part].astype(np.float64), labels[part], weights[part]
        z = x @ point
        mean = sigmoid(z) if logistic else z
        losses = np.logaddexp(0.0, z) - y * z if logistic else (y - z) ** 2 / 2
        loss += float(w @ losses)
        gradient = gradient + x.T @ (w * (mean - y))
        curvature = curvature + (x.T * (w * mean * (1 - mean) if logistic else w)) @ x
    return _Terms(loss, gradient, curvature)
