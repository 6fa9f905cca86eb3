"""What was learned as a folder of arrays and JSON, and back: which files each kind of model is, and which type reads them.

Read `release` first: it names the folder, and checks it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import formula, golden
from .design import Design
from .errors import ReleaseError
from .estimate import Estimator
from .estimation.baselines import FittedByKey, FittedLinearQuantiles
from .estimation.conformal import FittedConformal
from .estimation.legs import FittedLegs
from .estimation.quantiles import FittedQuantiles
from .features.table import Fitted
from .golden import Learned
from .pipeline import Model
from .ranking.blend import FittedBlend
from .ranking.calibration import FittedIdentity, FittedIsotonic, FittedPlatt
from .ranking.heads import FittedHead, FittedHeads
from .ranking.linear import FittedLinear
from .ranking.sampling import KeepAll, Sampling
from .ranking.trees import FittedForest
from .retrieval.kinds import fitted_type
from .types import Arrays

MAPPED_BYTES = 1 << 16
_SCORERS: dict[str, Any] = {"forest": FittedForest, "linear": FittedLinear, "blend": FittedBlend}
_ESTIMATORS: dict[str, Any] = {
    "quantiles": FittedQuantiles, "by_key": FittedByKey, "linear_quantiles": FittedLinearQuantiles,
}  # fmt: skip
_CALIBRATORS: dict[str, Any] = {"isotonic": FittedIsotonic, "platt": FittedPlatt, "identity": FittedIdentity}


class Named(Protocol):
    """The kinds of a model's parts, as a manifest names them (`release.Manifest`)."""

    @property
    def heads(self) -> Mapping[str, tuple[str, str, Sampling]]: ...

    @property
    def legs(self) -> Mapping[str, str]: ...


def kinds(model: Learned) -> tuple[dict[str, tuple[str, str, Sampling]], dict[str, str]]:
    """Heads and legs as a manifest names them."""
    if isinstance(model, Estimator):
        return {}, {name: _kind(leg, _ESTIMATORS) for name, leg in model.legs.items()}
    return {
        name: (_kind(head.scorer, _SCORERS), _kind(head.calibrator, _CALIBRATORS), head.sampling)
        for name, head in model.heads.heads.items()
    }, {}


def read_model(path: Path, named: Named, design: Design, features: Fitted) -> Learned:
    """What makes slates, from its folder. Raises ReleaseError naming what does not fit."""
    sources = {
        name: fitted_type(spec).from_arrays(_arrays(path / "sources" / name)) for name, spec in design.sources.items()
    }
    # In the design's order, which JSON does not keep: the first head is the label's.
    heads = {name: _head(path / "heads" / name, *named.heads[name]) for name in design.heads}
    return Model(design, features, sources, FittedHeads(heads, formula.parse(design.value, list(heads))))


def read_estimator(path: Path, named: Named, design: Design, features: Fitted) -> Learned:
    """What makes estimates, from its folder. Raises ReleaseError naming what does not fit."""
    legs = {}
    for name in design.estimate.legs or (design.requirements.label.name,):
        kind = named.legs.get(name, "")
        if kind not in _ESTIMATORS:
            raise ReleaseError(f"{path}: the manifest names {kind!r} for {name}, which this Sixfold has not")
        legs[name] = _ESTIMATORS[kind].from_arrays(_arrays(path / "legs" / name))
    joint = FittedLegs.from_arrays(_arrays(path / "joint"))
    coverage = FittedConformal.from_arrays(_arrays(path / "coverage"))
    if joint.factor.shape[0] != len(legs) or any(len(leg.levels) != len(coverage.levels) for leg in legs.values()):
        raise ReleaseError(f"{path}: legs, joint and coverage do not fit together; roll back or train again")
    return Estimator(design, features, legs, joint, coverage)


def write_parts(
    draft: Path,
    model: Learned,
    items: NDArray[np.bytes_],
    titles: NDArray[np.bytes_],
    sample: golden.Golden,
    metrics: Mapping[str, Any],
) -> None:
    """All files of a release but its manifest, each on disk when this returns."""
    put(draft / "design.json", model.design.to_json())
    put(draft / "features.json", msgspec.json.encode(model.features, order="deterministic"))
    put(draft / "metrics.json", msgspec.json.encode(metrics))
    _save(draft / "items.npy", items)
    _save(draft / "titles.npy", titles)
    if isinstance(model, Estimator):
        for name, leg in model.legs.items():
            _save_all(draft / "legs" / name, leg)
        _save_all(draft / "joint", model.joint)
        _save_all(draft / "coverage", model.coverage)
    else:
        for name, source in model.sources.items():
            _save_all(draft / "sources" / name, source)
        for name, head in model.heads.heads.items():
            _save_all(draft / "heads" / name / "scorer", head.scorer)
            _save_all(draft / "heads" / name / "calibrator", head.calibrator)
    golden.write(draft / "golden", sample)


def _head(path: Path, scorer: str, calibrator: str, sampling: Sampling = KeepAll()) -> FittedHead:
    if scorer not in _SCORERS or calibrator not in _CALIBRATORS:
        raise ReleaseError(f"{path}: the manifest names a {scorer!r} with {calibrator!r}, which this Sixfold has not")
    return FittedHead(
        _SCORERS[scorer].from_arrays(_arrays(path / "scorer")),
        sampling,
        _CALIBRATORS[calibrator].from_arrays(_arrays(path / "calibrator")),
    )


def _kind(value: object, kinds: Mapping[str, type]) -> str:
    return next(name for name, kind in kinds.items() if isinstance(value, kind))


def _save_all(folder: Path, fitted: Any) -> None:
    """The arrays of any fitted value, a file each."""
    for name, array in fitted.to_arrays().items():
        _save(folder / f"{name}.npy", array)
    folder.mkdir(parents=True, exist_ok=True)


def _save(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def put(path: Path, data: bytes) -> None:
    """A file, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _arrays(folder: Path) -> Arrays:
    return {path.stem: array(path) for path in sorted(folder.glob("*.npy"))}


def array(path: Path) -> NDArray[Any]:
    """One array. Raises ReleaseError where it cannot be read."""
    try:
        # Mapped, so that the workers of a service share what is large; small ones are quicker in plain memory.
        large = path.stat().st_size > MAPPED_BYTES
        found: NDArray[Any] = np.load(path, allow_pickle=False, mmap_mode="r" if large else None).view(np.ndarray)
    except (ValueError, EOFError, OSError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}); roll back or train again") from error
    return found


def json_of(path: Path, kind: Any) -> Any:
    """A file as the type it holds. Raises ReleaseError where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}); roll back or train again") from error
