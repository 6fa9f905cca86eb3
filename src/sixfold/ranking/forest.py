"""A boosted forest of symmetric trees: trained by CatBoost, kept and scored as arrays (trees.py).

CatBoost is imported inside `fit` and nowhere else; what comes out needs NumPy alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ..errors import DataError, DesignError, MissingExtra
from ..types import Floats
from .blend import FittedBlend
from .examples import Examples, need_both_classes
from .linear import Linear
from .links import logit
from .trees import MAX_DEPTH, FittedForest, constant

Progress = Callable[[int, int], None]
"""Called after each tree with (trees so far, trees at most)."""

_LOSSES = {"logloss": "Logloss", "rmse": "RMSE", "mae": "MAE"}


class Forest(msgspec.Struct, frozen=True, tag="forest"):
    """Boosted symmetric trees. The same examples, generator and `threads` give the same bytes.

    loss: 'logloss' for a probability (labels 0 and 1), 'rmse' for the mean, 'mae' for the median,
    or rising quantile levels such as (0.5, 0.9). l2 shrinks leaves that few rows reach: symmetric
    trees have no minimum of rows per leaf, so it is what stands against them. patience stops after
    that many trees without a better validation loss, and keeps the best number of trees; it acts
    only where `fit` is given validation rows. threads is part of the spec because CatBoost sums in
    another order on another number of them. column_share is the share of the columns
    that a level of a tree chooses from, drawn anew for each. linear is the share of the log-odds that a linear ranker of the
    same examples has (see `blend`); it acts only where a probability is predicted.
    """

    trees: Annotated[int, Meta(ge=1, le=10_000)] = 300
    depth: Annotated[int, Meta(ge=1, le=MAX_DEPTH)] = 6
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 0.05
    l2: Annotated[float, Meta(ge=0)] = 3.0
    patience: Annotated[int, Meta(ge=1)] = 30
    threads: Annotated[int, Meta(ge=1)] = 2
    column_share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    linear: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    loss: Literal["logloss", "rmse", "mae"] | tuple[Annotated[float, Meta(gt=0, lt=1)], ...] = "logloss"

    def fit(
        self,
        examples: Examples,
        rng: np.random.Generator,
        *,
        validation: Examples | None = None,
        progress: Progress | None = None,
    ) -> FittedForest | FittedBlend:
        """The forest that fits `examples`. Raises DesignError, DataError, or MissingExtra without CatBoost.

        Examples whose labels or features are all alike give a constant, unless the loss is
        'logloss' and one class is absent: that is a DataError.
        """
        self._check(examples, validation)
        if _alike(examples.features) or _alike(examples.labels[:, None]):
            return constant(self._best_constant(examples), examples.features.shape[1], logistic=self.loss == "logloss")
        forest = _arrays_of(self._train(examples, rng, validation, progress), logistic=self.loss == "logloss")
        if not self.linear or self.loss != "logloss":
            return forest
        return FittedBlend(forest, Linear().fit(examples, rng), np.array(self.linear))

    def _check(self, examples: Examples, validation: Examples | None) -> None:
        if isinstance(self.loss, tuple) and (not self.loss or list(self.loss) != sorted(set(self.loss))):
            raise DesignError(f"loss is {self.loss}; expected rising quantile levels such as (0.5, 0.9)")
        if self.loss == "logloss":
            need_both_classes(examples.labels, examples.weights, "loss 'logloss'")
        if validation is not None and validation.features.shape[1] != examples.features.shape[1]:
            got, want = validation.features.shape[1], examples.features.shape[1]
            raise DataError(f"validation has {got} features; expected the {want} of the examples, in the same order")

    def _train(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None, progress: Progress | None
    ) -> Any:
        try:
            import catboost
        except ImportError as missing:
            raise MissingExtra("catboost", "train") from missing
        params = {
            "loss_function": self._catboost_loss(),
            "iterations": self.trees,
            "depth": self.depth,
            "learning_rate": self.learning_rate,
            "l2_leaf_reg": self.l2,
            "nan_mode": "Min",
            "random_seed": int(rng.integers(2**31)),
            "thread_count": self.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        if self.column_share < 1:
            params["rsm"] = self.column_share
        pool, held_out = (None if rows is None else _pool(rows) for rows in (examples, validation))
        stop = {} if held_out is None else {"early_stopping_rounds": self.patience, "use_best_model": True}
        callbacks = None if progress is None else [_Report(progress, self.trees)]
        model = catboost.CatBoost(params)
        model.fit(pool, eval_set=held_out, callbacks=callbacks, **stop)
        return model

    def _catboost_loss(self) -> str:
        if isinstance(self.loss, tuple):
            return f"{'Multi' if len(self.loss) > 1 else ''}Quantile:alpha={','.join(map(str, self.loss))}"
        return _LOSSES[self.loss]

    def _best_constant(self, examples: Examples) -> NDArray[np.float64]:
        mean = np.average(examples.labels.astype(np.float64), weights=examples.weights)
        match self.loss:
            case "logloss":
                return np.atleast_1d(logit(mean))
            case "rmse":
                return np.atleast_1d(mean)
            case "mae":
                return weighted_quantiles(examples.labels, examples.weights, (0.5,))
        return weighted_quantiles(examples.labels, examples.weights, self.loss)


class _Report:
    """CatBoost's callback protocol around a `Progress`; returning true means go on."""

    def __init__(self, progress: Progress, trees: int) -> None:
        self.progress, self.trees = progress, trees

    def after_iteration(self, info: Any) -> bool:
        self.progress(info.iteration, self.trees)
        return True


def weighted_quantiles(values: Floats, weights: Floats, levels: tuple[float, ...]) -> NDArray[np.float64]:
    """The least of the values (n,) that at least each level's share of the weight does not exceed: (q,) float64.

    >>> weighted_quantiles(np.array([1, 2, 9], np.float32), np.array([1, 1, 8], np.float32), (0.2, 0.5)).tolist()
    [2.0, 9.0]
    """
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order], dtype=np.float64)
    # A level such as 0.2 of 10 is a hair above 2 in binary; the margin keeps it at 2.
    at = np.searchsorted(share, np.array(levels) * share[-1] * (1 - 1e-12))
    out: NDArray[np.float64] = values[order][np.minimum(at, len(values) - 1)].astype(np.float64)
    return out


def _alike(features: Floats) -> bool:
    """Whether every row of (n, f) is the same, NaN equal to NaN: CatBoost refuses such a table."""
    first = features[:1]
    return bool(((features == first) | (np.isnan(features) & np.isnan(first))).all())


def _pool(rows: Examples) -> Any:
    """The rows as CatBoost takes them.

    Infinities become the outermost finite numbers, for a border at infinity cannot be exported. So
    +inf counts as a very large number, and -inf as missing, in training and in scoring alike: it
    does not pass the border at the least float32 that sets NaN apart.
    """
    import catboost

    most = np.finfo(np.float32).max
    return catboost.Pool(np.clip(rows.features, -most, most), rows.labels, weight=rows.weights)


def _arrays_of(model: Any, *, logistic: bool) -> FittedForest:
    """The arrays of a trained model, read from CatBoost's own JSON export: exact to the last bit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        exported = json.loads(path.read_bytes())
    _scale, bias = exported["scale_and_bias"]
    trees = exported["oblivious_trees"]
    # Where the columns that a tree may choose from say nothing it has no splits at all, not even an empty list.
    asked = [tree["splits"] or [] for tree in trees]
    depth = max(map(len, asked), default=0)
    features = np.zeros((len(trees), depth), np.int32)
    borders = np.full((len(trees), depth), np.inf, np.float32)
    leaves = np.zeros((len(bias), len(trees), 2**depth))
    for at, (tree, splits) in enumerate(zip(trees, asked, strict=True)):
        level = len(splits)
        features[at, :level] = [split["float_feature_index"] for split in splits]
        borders[at, :level] = [split["border"] for split in splits]
        # CatBoost lays a leaf's heads side by side. The answers missing at the end are no: high bits of 0.
        leaves[:, at, : 2**level] = np.reshape(tree["leaf_values"], (2**level, len(bias))).T
    importance = np.asarray(model.get_feature_importance(type="PredictionValuesChange"), np.float32)
    return FittedForest(features, borders, leaves, np.array(bias, np.float64), np.array(logistic), importance)
